"""Projection onto a generator's manifold, and edits that stay on it."""

import helpers
import keras
import numpy as np
import pytest
import tensorflow as tf
import toys
from keras import layers
from PIL import Image as Picture

from tfgan_zoo import manifold
from tfgan_zoo.adversarial import AdversarialModel
from tfgan_zoo.endpoints import Endpoint, Noise
from tfgan_zoo.errors import ZooError
from tfgan_zoo.modalities import Image


class Halves(AdversarialModel):
    """z in [0, 1]: one number is the grey of the left half, the other of the right one."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.latent_dim = 2
        self.assemble()

    @property
    def element_spec(self):
        return {"image": Image((8, 8, 1))}

    def build_networks(self):
        z, image = keras.Input((2,), name="z"), keras.Input((8, 8, 1), name="image")
        made = layers.Reshape((8, 8, 1))(layers.Dense(64, use_bias=False, name="halves")(z * 2 - 1))
        return {"generator": keras.Model(z, made), "discriminator": keras.Model(image, layers.Flatten()(image))}

    @property
    def endpoints(self):
        return {"generate": Endpoint({"z": Noise((2,), 0.0, 1.0)}, Image((8, 8, 1)), ("generator",))}

    def latents(self, count):
        return {"z": self.noise.uniform((count, 2))}


@pytest.fixture(scope="module")
def halves():
    model = Halves()
    kernel = np.zeros((2, 8, 8), np.float32)
    kernel[0, :, :4] = kernel[1, :, 4:] = 1
    model.generator.get_layer("halves").kernel.assign(kernel.reshape(2, 64))
    return manifold.Manifold(model)


def picture(left, right):
    return np.concatenate([np.full((8, 4, 1), level, np.uint8) for level in (left, right)], axis=1)


def test_codes_make_what_their_seeds_make(halves):
    for found in (
        halves,
        manifold.Manifold(toys.lively(toys.MODELS["dcgan"]())),
        manifold.Manifold(toys.Labelled(), label=2),
    ):
        wanted = found.model.sample([3, 4], **found.given).numpy().astype(int)
        assert np.abs(found.pictures(found.codes([3, 4])) - wanted).max() <= 1


def test_the_nearest_picture_is_found_and_lies_on_the_manifold(halves):
    wanted = np.stack([picture(40, 200), picture(128, 90)])
    found = halves.project(wanted, "optimise", steps=200)
    assert np.abs(found.pictures.astype(int) - wanted).max() <= 2 and (found.errors < 1e-3).all()
    off = picture(40, 200)
    off[0, 0] = 255  # nothing on the manifold has it
    near = halves.project(off[None], "optimise")
    assert abs(int(near.pictures[0, 0, 0, 0]) - 40) <= 10 and near.errors[0] > 0.01


def test_a_pool_of_seeds_and_several_starts_come_nearer():
    found = manifold.Manifold(toys.lively(toys.MODELS["dcgan"]()))
    wanted = found.pictures(found.codes(range(900, 904)))
    settings = {"one": {}, "several": {"starts": 3}, "pool": {"pool": 40}, "both": {"pool": 40, "starts": 3}}
    errors = {name: found.project(wanted, "optimise", steps=15, **setting).errors for name, setting in settings.items()}
    assert (errors["both"] <= errors["pool"] + 1e-6).all()  # the first start is the same
    assert errors["pool"].mean() < errors["one"].mean() and errors["several"].mean() < errors["one"].mean()
    own = found.project(wanted, "optimise", steps=1, rate=0.0, seed=890, pool=20)  # the pool holds their own seeds
    assert (own.errors < 1e-4).all()


def test_features_of_a_network_are_made_alike_too(halves, monkeypatch):
    wanted = picture(40, 200)
    wanted[:2] = 255  # off the manifold: pixels and features weigh it differently
    pixels = halves.project(wanted[None], "optimise").codes
    monkeypatch.setattr(manifold, "FEATURES_WEIGHT", 10.0)
    both = halves.project(wanted[None], "optimise", features="random_conv").codes
    x = tf.constant(wanted[None] / np.float32(127.5) - 1)
    network = manifold.perceptual.perceptual_network("random_conv")

    def unlike(codes):
        return float(tf.reduce_mean(tf.square(network(halves.made(tf.constant(codes)))[0] - network(x)[0])))

    assert unlike(both) < 0.99 * unlike(pixels)
    assert halves.errors(both, x) > halves.errors(pixels, x)


def test_a_predictor_is_near_and_the_descent_from_it_is_nearer(halves):
    wanted = halves.pictures(halves.codes(range(900, 908)))
    before = [weight.numpy() for weight in halves.model.generator.weights]
    predictor = halves.predictor(steps=60, filters=4)
    for weight, value in zip(halves.model.generator.weights, before, strict=True):
        np.testing.assert_array_equal(weight, value)
    errors = {
        method: halves.project(wanted, method, predictor, steps=10, rate=0.05).errors.mean()
        for method in manifold.METHODS
    }
    assert errors["hybrid"] < errors["predict"] < 0.1 and errors["hybrid"] < errors["optimise"]


def test_an_edit_changes_what_is_asked_for_and_keeps_the_rest(halves):
    start = halves.project(picture(60, 60)[None], "optimise").codes[0]
    mask = np.zeros((8, 8), bool)
    mask[2:4, 0:2] = True  # a dab on the left half
    end = halves.edit(start, [manifold.colour(picture(250, 250), mask)], keep=0.01, candidates=4)
    found = halves.pictures(end[None])[0].astype(int)
    assert found[0, 0, 0] > 230 and abs(found[0, 7, 0] - 60) < 8  # the whole left half follows: it is on the manifold
    held = halves.pictures(halves.edit(start, [manifold.colour(picture(250, 250), mask)], keep=100.0)[None])[0]
    assert held[0, 0, 0] < 80
    strip = halves.strip(start, end, 5)[:, 0, 0, 0].astype(int)
    assert len(strip) == 5 and (np.diff(strip) > 0).all()


def test_sketches_and_warps(halves):
    start = halves.project(picture(120, 136)[None], "optimise").codes[0]
    lines = picture(40, 220)[..., 0]
    end = halves.edit(start, [manifold.sketch(lines, np.ones((8, 8), bool), 1.0)], keep=0.0)
    found = halves.pictures(end[None])[0].astype(int)
    assert abs(abs(found[0, 0, 0] - found[0, 7, 0]) - 180) < 20  # an edge as strong, between whichever greys
    moved = halves.edit(start, [manifold.warp(picture(20, 220), (0, 5, 3, 2), (0, -5))], keep=0.0)
    assert halves.pictures(moved[None])[0, 7, 0, 0] > 200  # what was on the right is wanted on the left


def test_a_step_of_the_costs_is_what_numpy_says(halves):
    x, mask = np.random.default_rng(0).uniform(-1, 1, (2, 8, 8, 1)).astype(np.float32), np.zeros((8, 8), bool)
    mask[1, 2:5] = True
    wanted = (x - (picture(0, 255) / 127.5 - 1))[:, 1, 2:5, 0]
    np.testing.assert_allclose(
        manifold.colour(picture(0, 255), mask)(tf.constant(x)), (wanted**2).mean(axis=1), rtol=1e-5
    )


def test_the_command(tmp_path):
    run = helpers.untrained_run(tmp_path / "run", "dcgan_glyphs")
    Picture.fromarray(np.zeros((8, 8), np.uint8)).save(tmp_path / "mine.png")
    asked = ("project", run, tmp_path / "mine.png", tmp_path / "near.png", "--method", "optimise", "--steps", 2)
    done = helpers.run(*asked)
    assert done.exit_code == 0 and "1 picture, mean squared error" in done.output
    width, height = Picture.open(tmp_path / "near.png").size
    assert height > 1.5 * width  # one above the other
    assert helpers.run(*asked, "--pool", 8, "--starts", 2).exit_code == 0
    assert "starts=3, pool=2" in helpers.refused(*asked, "--pool", 2, "--starts", 3)
    assert "random_conv" in helpers.refused(*asked, "--features", "other")


def test_what_is_refused(halves):
    for action, says in (
        (lambda: manifold.Manifold(toys.MODELS["points"]()), "makes Points"),
        (lambda: halves.project(picture(0, 0)[None], "other"), "optimise, predict"),
        (lambda: halves.project(picture(0, 0)[None], "optimise", pool=2, starts=3), "starts=3, pool=2"),
        (lambda: halves.project(picture(0, 0)[None], "optimise", features="other"), "random_conv"),
        (lambda: halves.project(np.zeros((1, 4, 4, 1), np.uint8)), "array of shape"),
        (lambda: halves.edit(np.zeros(2, np.float32), []), "needs a constraint"),
        (lambda: manifold.colour(picture(0, 0), np.zeros((8, 8), bool)), "is empty"),
        (lambda: manifold.warp(picture(0, 0), (0, 0, 4, 4), (6, 0)), "leaves the picture"),
    ):
        with pytest.raises(ZooError, match=says) as error:
            action()
        helpers.one_line(error)
