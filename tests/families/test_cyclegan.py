import keras
import numpy as np
import pytest
import tensorflow as tf
from families import contracts
from helpers import run

from tfgan_zoo import images
from tfgan_zoo.errors import ZooError
from tfgan_zoo.families.cyclegan import CycleGAN


def small(**arguments):
    widths = {"filters": 4, "blocks": 1, "discriminator_filters": 4, "discriminator_halvings": 2}
    return CycleGAN(**{"image_shape": (16, 16, 1), **widths, **arguments})


def batch_of(model, size=3):
    return {
        key: model.element_spec[key].to_model(tf.constant(x)) for key, x in contracts.batch_for(model, size).items()
    }


def test_the_losses_are_the_papers():
    model = small(cycle_weight=7.0, identity_weight=3.0, pool_size=0)
    contracts.enliven(model)
    batch = batch_of(model)
    x, y = batch["x"], batch["y"]
    g, f, d_x, d_y = model.generator_xy, model.generator_yx, model.discriminator_x, model.discriminator_y

    def squared(scores, target):
        return np.square(scores.numpy() - target).mean()

    def l1(one, other):
        return np.abs(one.numpy() - other.numpy()).mean()

    fake, cycle = model.fake(batch), l1(f(g(x)), x) + l1(g(f(y)), y)
    expected = squared(d_y(g(x)), 1) + squared(d_x(f(y)), 1) + 7 * cycle + 3 * (l1(g(y), y) + l1(f(x), x))
    loss, terms = model.generator_loss(batch, fake)
    assert float(loss) == pytest.approx(expected, rel=1e-5) and float(terms["cycle"]) == pytest.approx(cycle, rel=1e-5)
    expected = (squared(d_y(y), 1) + squared(d_y(g(x)), 0)) / 2
    assert float(model.discriminator_y_loss(batch, fake)) == pytest.approx(expected, rel=1e-5)
    expected = (squared(d_x(x), 1) + squared(d_x(f(y)), 0)) / 2
    assert float(model.discriminator_x_loss(batch, fake)) == pytest.approx(expected, rel=1e-5)


def test_it_translates_both_ways_and_back():
    model = small()
    assert list(model.endpoints) == ["translate_xy", "translate_yx", "cycle_x", "cycle_y"]
    given = contracts.batch_for(model, 2)
    x, y = (model.element_spec[key].to_model(tf.constant(given[key])) for key in "xy")
    for name, key, expected in (
        ("translate_xy", "x", model.generator_xy(x)),
        ("translate_yx", "y", model.generator_yx(y)),
        ("cycle_x", "x", model.generator_yx(model.generator_xy(x))),
        ("cycle_y", "y", model.generator_xy(model.generator_yx(y))),
    ):
        answers = model.sample(range(2), endpoint=name, **{key: given[key]})
        np.testing.assert_allclose(answers, np.round((expected + 1) * 127.5), atol=1)


def test_the_pools_fill_in_training_alone_and_are_kept(tmp_path):
    model = small(pool_size=5)
    model.compile()
    batch = contracts.batch_for(model, 2)
    contracts.take_steps(model, batch, 2)
    assert int(model.pool_x.count.numpy()) == int(model.pool_y.count.numpy()) == 4
    kept = model.pool_y.kept.numpy()
    assert [len(np.unique(picture)) > 1 for picture in kept] == [True] * 4 + [False]
    model.evaluate(tf.data.Dataset.from_tensor_slices(batch).batch(2), verbose=0)
    assert int(model.pool_x.count.numpy()) == 4
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(again.pool_y.kept.numpy(), kept)
    assert not any("pool" in name for name in model.networks_by_name), "published weights are those of the networks"


def test_discriminators_judge_what_the_pool_answers():
    model, old = small(pool_size=1), tf.fill((1, 16, 16, 1), 0.5)
    batch = batch_of(model, 1)
    fake = model.fake(batch)

    def exchanges(step):
        model.step.assign(step)
        model.noise.begin()
        with model.noise.alike():
            swapped = float(model.noise.uniform((1,))[0]) < 0.5
        model.noise.begin()
        return swapped

    seen = {}
    for exchanged in (False, True):
        model.pool_y.kept.assign(old)
        model.pool_y.count.assign(1)
        next(step for step in range(100) if exchanges(step) == exchanged)
        judged = model.discriminator_y(old if exchanged else fake["y"]).numpy()
        expected = (np.square(model.discriminator_y(batch["y"]) - 1).mean() + np.square(judged).mean()) / 2
        assert float(model.discriminator_y_loss(batch, fake)) == pytest.approx(expected, rel=1e-5)
        seen[exchanged] = model.pool_y.kept.numpy()
    np.testing.assert_array_equal(seen[False], old)
    np.testing.assert_array_equal(seen[True], fake["y"])


def test_sizes_are_the_authors():
    """11,378,179 and 2,764,737 weights, but for biases in front of a normalization, which takes them away again."""
    model = CycleGAN()
    assert model.generator_xy.count_params() == 11_378_179 - (64 + 128 + 256 + 18 * 256 + 128 + 64)
    assert model.discriminator_y.count_params() == 2_764_737 - (128 + 256 + 512)
    assert model.discriminator_y.output_shape == (None, 30, 30, 1)


@pytest.mark.parametrize("architecture", ["resnet", "unet"])
def test_generators_of_any_width_and_size(architecture):
    for shape, filters in (((24, 40, 3), 3), ((64, 32, 1), 5)):
        model = small(image_shape=shape, architecture=architecture, filters=filters)
        assert model.generator_xy.output_shape == model.generator_yx.output_shape == (None, *shape)


@pytest.mark.parametrize(
    ("shape", "architecture", "message"),
    [((30, 30, 1), "resnet", "multiples of 4"), ((31, 32, 1), "unet", "even"), ((8, 8, 1), "unet", "12 or more")],
)
def test_pictures_that_do_not_fit_are_refused(shape, architecture, message):
    with pytest.raises(ZooError, match=f"image_shape.*{message}"):
        small(image_shape=shape, architecture=architecture)


def test_the_command_translates_both_ways(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    model = small()
    model.compile()
    model.save("model.keras")
    picture = contracts.batch_for(model, 1)["x"][0]
    images.save_image("one.png", picture)
    for to, key in (("y", "x"), ("x", "y")):
        done = run("translate", "model.keras", "one.png", f"{to}.png", "--to", to)
        assert done.exit_code == 0, done.output
        expected = model.sample([0], endpoint=f"translate_{key}{to}", **{key: picture})[0]
        np.testing.assert_array_equal(images.decode(f"{to}.png"), expected)
