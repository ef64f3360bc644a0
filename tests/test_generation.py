"""Grids and picture files; samples, walks and arithmetic by seed."""

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from tfgan_zoo import generation, images
from tfgan_zoo.errors import ZooError
from tfgan_zoo.families.dcgan import DCGAN
from tfgan_zoo.families.gan import GAN
from tfgan_zoo.families.wgan_gp import WGANGP

MODELS = {
    "dcgan": lambda: DCGAN(image_shape=(16, 16, 1), filters=4, latent_dim=8),
    "dcgan_ema": lambda: DCGAN(image_shape=(16, 16, 1), filters=4, latent_dim=8, ema_decay=0.9),
    "gan": lambda: GAN(image_shape=(8, 8, 3), latent_dim=8, hidden_units=16, maxout_units=4),
}


def lively(model):
    """Weights so large that images differ plainly, and other ones in the averaged twin."""
    random = np.random.default_rng(0)
    for network in {id(n): n for n in (model.generator, model.sampler)}.values():
        for variable in network.variables:
            if len(variable.shape) > 1:
                variable.assign(random.normal(0, 0.5, variable.shape))
    return model


@pytest.fixture(scope="module", params=MODELS)
def model(request):
    return lively(MODELS[request.param]())


@pytest.fixture(scope="module")
def dcgan():
    return lively(MODELS["dcgan_ema"]())


def one_line(error) -> str:
    assert "\n" not in str(error.value)
    return str(error.value)


# === Pictures ===
def test_grid_places_images_in_rows():
    tiles = np.arange(5, dtype=np.uint8)[:, None, None, None] * np.ones((1, 2, 3, 1), np.uint8)
    result = images.grid(tiles, padding=1, scale=2)
    assert result.shape == (2 * 5 + 1, 3 * 7 + 1, 1) and result.dtype == np.uint8
    assert (result[1:5, 8:14] == 1).all() and (result[6:10, 1:7] == 3).all()
    assert (result[6:, 15:] == 255).all() and (result[0] == 255).all() and (result[:, 7] == 255).all()
    assert images.grid(tiles, columns=9, padding=0, scale=1).shape == (2, 15, 1)


@pytest.mark.parametrize(
    "side, count, scale",
    [
        (28, 16, 3),
        (28, 100, 3),
        (32, 400, 1),
        (64, 16, 1),
        (16, 1, 6),
    ],
)
def test_grid_enlarges_what_is_small(side, count, scale):
    columns = int(count**0.5)
    picture = images.grid(np.zeros((count, side, side, 3), np.uint8))
    assert picture.shape == (columns * (side * scale + 2) + 2,) * 2 + (3,)


@pytest.mark.parametrize(
    "bad",
    [
        np.zeros((2, 4, 4, 1)),
        np.zeros((4, 4, 1), np.uint8),
        np.zeros((0, 4, 4, 1), np.uint8),
        np.zeros((1, 4, 4, 2), np.uint8),
    ],
)
def test_grid_refuses_other_arrays(bad):
    with pytest.raises(ZooError, match="uint8 images"):
        images.grid(bad)


@pytest.mark.parametrize("channels", [1, 3])
def test_picture_files(tmp_path, channels):
    frames = np.random.default_rng(0).integers(0, 256, (3, 8, 6, channels), np.uint8)
    images.save_image(tmp_path / "a.png", frames[0])
    with Image.open(tmp_path / "a.png") as read:
        assert read.mode == {1: "L", 3: "RGB"}[channels]
        assert np.array_equal(np.asarray(read).reshape(frames[0].shape), frames[0])
    images.save_image(tmp_path / "a.jpg", frames[0])
    images.save_gif(tmp_path / "a.gif", frames, seconds=0.1)
    with Image.open(tmp_path / "a.gif") as read:
        assert read.n_frames == 3 and read.info["duration"] == 100 and read.info["loop"] == 0
    assert len(list(tmp_path.iterdir())) == 3  # nothing temporary


# === Samples ===
def test_an_image_depends_on_its_seed_alone(model):
    whole = generation.generate(model, 19, seed=5)
    assert whole.shape == (19, *model.image_shape) and whole.dtype == np.uint8
    assert len({image.tobytes() for image in whole}) == 19
    assert np.array_equal(generation.generate(model, 19, seed=5), whole)
    assert np.array_equal(generation.generate(model, 19, seed=5, batch=3), whole)
    assert np.array_equal(generation.generate(model, 1, seed=5), whole[:1])
    assert np.array_equal(generation.generate(model, 7, seed=11, batch=5), whole[6:13])
    assert np.abs(whole - model.sample_images(tf.range(5, 24)).numpy().astype(int)).max() <= 1


def test_truncation_changes_images(dcgan):
    assert not np.array_equal(generation.generate(dcgan, 2), generation.generate(dcgan, 2, truncation=0.5))


def test_generate_writes_a_grid_or_a_folder(dcgan, tmp_path):
    result = generation.generate(dcgan, 4, out=tmp_path / "new" / "grid.png")
    with Image.open(tmp_path / "new" / "grid.png") as read:
        assert np.array_equal(np.asarray(read), images.grid(result)[:, :, 0])
    generation.generate(dcgan, 4, out=tmp_path / "plain.jpg", grid=False)
    with Image.open(tmp_path / "plain.jpg") as read:
        assert read.size == (32, 32)
    result = generation.generate(dcgan, 3, seed=7, out=tmp_path / "single")
    names = sorted(path.name for path in (tmp_path / "single").iterdir())
    assert names == ["seed00000007.png", "seed00000008.png", "seed00000009.png"]
    with Image.open(tmp_path / "single" / "seed00000008.png") as read:
        assert np.array_equal(np.asarray(read), result[1, :, :, 0])


@pytest.mark.parametrize(
    "bad, message",
    [
        ({"num": 0}, "num must be a whole number of 1 or more, got 0"),
        ({"num": 1.5}, "num must be"),
        ({"batch": 0}, "batch must be"),
        ({"seed": -1}, "a seed must be"),
        ({"seed": 2**63 - 1}, "less than 2\\*\\*63"),
        ({"truncation": 0.0}, "truncation must be a number greater than 0"),
        ({"truncation": float("nan")}, "truncation must be"),
        ({"out": "images.txt"}, r"cannot write \.txt; choose one of \.png, \.jpg, \.jpeg, a folder"),
        ({"out": __file__ + "/x.png"}, "is a file, not a folder"),
    ],
)
def test_generate_refuses_what_cannot_work(dcgan, bad, message):
    with pytest.raises(ZooError, match=message) as error:
        generation.generate(dcgan, **bad)
    one_line(error)


def test_points_are_no_images():
    with pytest.raises(ZooError, match="points"):
        generation.generate(WGANGP(image_shape=(2,), architecture="mlp", filters=4))


# === Walks ===
def test_slerp_follows_the_arc():
    a, b = tf.constant([2.0, 0.0]), tf.constant([0.0, 2.0])
    result = generation.slerp(a, b, tf.constant([0.0, 0.5, 1.0])).numpy()
    np.testing.assert_allclose(result, [[2, 0], [2**0.5, 2**0.5], [0, 2]], atol=1e-6)
    t = tf.linspace(0.0, 1.0, 3)
    for other in (a * 3, -a, a * 0):  # on one line
        np.testing.assert_allclose(generation.slerp(a, other, t), generation.lerp(a, other, t))


def test_interpolation_runs_from_seed_to_seed(dcgan, tmp_path):
    ends = generation.generate(dcgan, 3).astype(int)
    for method in ("linear", "spherical"):
        result = generation.interpolate(dcgan, [0, 1, 2], steps=3, method=method, out=tmp_path / "strip.png")
        assert result.shape == (2, 3, 16, 16, 1)
        for pair in (0, 1):
            assert np.abs(result[pair, [0, -1]] - ends[pair : pair + 2]).max() <= 1
    with Image.open(tmp_path / "strip.png") as read:
        assert read.size == (3 * (16 * 6 + 2) + 2, 2 * (16 * 6 + 2) + 2)
    generation.interpolate(dcgan, [0, 1, 2], steps=3, out=tmp_path / "walk.gif")
    with Image.open(tmp_path / "walk.gif") as read:
        assert read.n_frames == 8  # five images there, three between on the way back
    for bad, message in [
        ({"seeds": [1]}, "two or more"),
        ({"method": "cubic"}, "Allowed: linear, spherical"),
        ({"steps": 1}, "steps must"),
        ({"out": "strip"}, "choose one of .png"),
    ]:
        with pytest.raises(ZooError, match=message) as error:
            generation.interpolate(dcgan, **bad)
        one_line(error)


# === Arithmetic ===
def test_parse():
    assert generation.parse("3 - 7 + 12") == [(1, [3]), (-1, [7]), (1, [12])]
    assert generation.parse(" (1,2 , 3)-( 4,5)+(7) ") == [(1, [1, 2, 3]), (-1, [4, 5]), (1, [7])]
    assert generation.parse("-2") == [(-1, [2])]


@pytest.mark.parametrize(
    "bad, named",
    [
        ("", "''"),
        ("3 -", "'-' at character 3"),
        ("3 4", "'4' at character 3"),
        ("(1,2", r"'\(1,2' at character 1"),
        ("1 + seven", r"'\+ seven' at character 3"),
        ("(1,)", r"\(1,\)"),
        ("1 * 2", r"'\* 2'"),
        ("99999999999999999999", r"less than 2\*\*63"),
        ("__import__('os')", "cannot read"),
        ("²", "cannot read"),
    ],
)
def test_parse_names_what_it_cannot_read(bad, named):
    with pytest.raises(ZooError, match=named) as error:
        generation.parse(bad)
    one_line(error)


def test_arithmetic_is_done_on_latents(dcgan, tmp_path):
    shown = generation.arithmetic(dcgan, "(1,2) - 3 + 4", out=tmp_path / "sum.png").astype(int)
    z = dcgan.latents_for([1, 2, 3, 4]).numpy()
    mean = (z[0] + z[1]) / 2
    expected = generation.decode(dcgan, tf.stack([mean, z[2], z[3], mean - z[2] + z[3]]))
    assert np.abs(shown - expected).max() <= 1
    with Image.open(tmp_path / "sum.png") as read:
        cell = 16 * 6 + 4
        assert read.size == (4 * cell + 3 * (cell // 2), 3 * (16 * 6 + 2) + 2)
        pixels = np.asarray(read)
    assert (pixels[:cell, cell:] == 255).all()  # only the group has images above its mean
    middle = pixels.shape[0] - cell // 2
    assert pixels[middle, cell + cell // 4] == 0  # the minus sign
    nothing_added = generation.arithmetic(dcgan, "7 - 7 + 9")[-1]
    assert np.abs(nothing_added - generation.arithmetic(dcgan, "9")[-1].astype(int)).max() <= 1
