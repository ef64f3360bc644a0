import keras
import numpy as np
import pytest
import tensorflow as tf
from families import contracts
from helpers import run

from tfgan_zoo import config, images, zoo
from tfgan_zoo.families.context_encoder import MEAN, ContextEncoder

each_region = pytest.mark.parametrize("region", ["center", "random"])


def small(region="center", **arguments):
    widths = {"filters": 2, "bottleneck": 8, "overlap": 1}
    return ContextEncoder((16, 16, 3), region, **{**widths, **arguments})


def batch_of(model, size=3):
    return {
        key: model.element_spec[key].to_model(tf.constant(x)) for key, x in contracts.batch_for(model, size).items()
    }


def hole_of(model, batch):
    """True within the hole, (n or 1, 16, 16)."""
    if model.region == "random":
        return batch["mask"].numpy()[..., 0] == 1
    hole = np.zeros((1, 16, 16), bool)
    hole[:, 5:11, 5:11] = True  # the square in the middle without a pixel at each side
    return hole


def test_sizes_are_the_authors():
    """Encoder 64-64-128-256-512-4000, decoder 512-256-128-64-3 (a 64 more for "random"), discriminator alike."""
    for region, side, widths in (("center", 64, [64, 128, 256, 512]), ("random", 128, [64, 64, 128, 256, 512])):
        model = ContextEncoder(region=region)
        maps = {
            name: [layer.output.shape[1:] for layer in network.layers if type(layer).__name__.startswith("Conv2D")]
            for name, network in model.networks_by_name.items()
        }
        encoder = [(64, 64, 64), (32, 32, 64), (16, 16, 128), (8, 8, 256), (4, 4, 512), (1, 1, 4000)]
        decoder = [(4 << level, 4 << level, width) for level, width in enumerate(reversed(widths))]
        assert maps["generator"] == [*encoder, *decoder, (side, side, 3)]
        sides = [side >> level for level in range(1, len(widths) + 1)]
        assert maps["discriminator"] == [*((s, s, width) for s, width in zip(sides, widths)), (1, 1, 1)]
    rates = {player.name: round(player.optimizer().get_config()["learning_rate"], 6) for player in model.players}
    assert rates == {"discriminator": 2e-4, "generator": 2e-3}
    assert (model.restore_weight, model.adversarial_weight) == (0.999, 0.001)


def test_the_generator_learns_ten_times_as_fast_only_beside_an_adversary():
    def rates(**arguments):
        return {player.name: float(player.optimizer().learning_rate) for player in small(**arguments).players}

    assert rates()["generator"] == pytest.approx(10 * rates()["discriminator"])
    assert rates(adversarial_weight=0.0) == {"generator": pytest.approx(2e-4)}


@pytest.mark.parametrize("region, weight", [("center", 10), ("random", 1)])
def test_what_the_encoder_sees_weighs_as_in_the_authors_commands(region, weight):
    model = small(region, adversarial_weight=0.0)
    batch = batch_of(model)
    fake, hole = model.fake(batch), hole_of(model, batch)
    part = (slice(None), slice(4, -4), slice(4, -4)) if region == "center" else (slice(None),)
    error = np.square(batch["image"].numpy()[part] - fake)
    expected = (np.where(hole[part], 1, weight)[..., None] * error).mean()
    assert float(model.generator_loss(batch, fake)[1]["restore"]) == pytest.approx(expected, rel=1e-5)


@each_region
def test_the_encoder_sees_the_mean_colour_in_the_hole_and_the_picture_around_it(region):
    model = small(region)
    batch = batch_of(model)
    seen, hole = model.context(batch)["context"].numpy(), hole_of(model, batch)
    hole = np.broadcast_to(hole, (3, 16, 16))
    np.testing.assert_array_equal(seen[~hole], batch["image"].numpy()[~hole])
    np.testing.assert_allclose(seen[hole], np.broadcast_to(MEAN, seen[hole].shape))


@each_region
def test_what_lay_in_the_hole_does_not_matter(region):
    model = small(region)
    contracts.enliven(model)
    batch = batch_of(model)
    hole = np.broadcast_to(hole_of(model, batch), (3, 16, 16))
    other = batch["image"].numpy()
    other[hole] = 0.3
    for ask in (model.fake, model.restore):
        np.testing.assert_array_equal(ask(batch), ask(batch | {"image": tf.constant(other)}))


@each_region
def test_answers_are_the_picture_with_its_hole_filled(region):
    model = small(region)
    contracts.enliven(model)
    batch = batch_of(model)
    answer, hole = model.restore(batch).numpy(), np.broadcast_to(hole_of(model, batch), (3, 16, 16))
    made = model.generator(model.context(batch)["context"], training=False).numpy()
    whole = np.pad(made, [(0, 0), (4, 4), (4, 4), (0, 0)]) if region == "center" else made
    np.testing.assert_array_equal(answer[hole], whole[hole])
    np.testing.assert_array_equal(answer[~hole], batch["image"].numpy()[~hole])


@each_region
def test_the_losses_are_the_papers(region):
    model = small(region, overlap_weight=7.0, restore_weight=0.5, adversarial_weight=0.25)
    contracts.enliven(model)
    batch = batch_of(model)
    fake, hole = model.fake(batch), hole_of(model, batch)
    part = (slice(None), slice(4, -4), slice(4, -4)) if region == "center" else (slice(None),)
    real, weight = batch["image"].numpy()[part], np.where(hole[part], 1, 7)[..., None]
    assert fake.shape == real.shape
    real_logits, fake_logits = (model.discriminator(x, training=True).numpy() for x in (real, fake))
    restore = (weight * np.square(real - fake)).mean()
    loss, terms = model.generator_loss(batch, fake)
    assert float(terms["restore"]) == pytest.approx(restore, rel=1e-5)
    assert float(loss) == pytest.approx(0.5 * restore + 0.25 * np.log1p(np.exp(-fake_logits)).mean(), rel=1e-5)
    expected = np.log1p(np.exp(-real_logits)).mean() + np.log1p(np.exp(fake_logits)).mean()
    assert float(model.discriminator_loss(batch, fake)) == pytest.approx(expected, rel=1e-5)


def test_squared_error_alone_plays_without_a_discriminator():
    model = small(adversarial_weight=0.0)
    model.compile()
    assert list(model.networks_by_name) == ["generator"]
    assert set(contracts.take_steps(model, contracts.batch_for(model))) == {"g_loss", "restore"}


def test_it_learns_to_continue_what_is_around():
    """Pictures of one colour: the hole takes the colour of what surrounds it."""
    model = small(filters=8, bottleneck=32, adversarial_weight=0.0)
    model.compile(optimizer={"generator": keras.optimizers.Adam(1e-2)})
    colours = np.random.default_rng(0).integers(0, 256, (64, 1, 1, 3), np.uint8)
    batch = {"image": np.broadcast_to(colours, (64, 16, 16, 3)).copy()}
    history = contracts.take_steps(model, batch, 60)
    first, last = history["restore"][0], contracts.take_steps(model, batch, 1)["restore"][0]
    assert last < first / 5


@pytest.mark.parametrize("arguments", [{"overlap": 4}, {"overlap": 9}])
def test_a_hole_without_pixels_is_refused(arguments):
    with pytest.raises(zoo.ZooError, match="no room for a hole; sides are 16 or more, and above 4 times the overlap"):
        small(**arguments)
    with pytest.raises(zoo.ZooError, match="sides are 16 or more"):
        ContextEncoder((8, 8, 3), overlap=0)


def test_the_middle_of_a_file_is_filled_by_the_command(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    model = small()
    model.compile()
    model.save("model.keras")
    picture = contracts.batch_for(model, 1)["image"][0]
    images.save_image("one.png", picture)
    done = run("translate", "model.keras", "one.png", "filled.png")
    assert done.exit_code == 0, done.output
    made = images.decode("filled.png")
    hole = hole_of(model, {})[0]
    np.testing.assert_array_equal(made[~hole], picture[~hole])
    assert (made[hole] != picture[hole]).any()


def test_the_published_preset_cuts_from_the_whole_width_of_the_street_views():
    """The authors bring the shorter side to 350 pixels and keep the proportions, here of 537 x 936."""
    crop, _ = config.load("context_encoder_paris").data.transforms
    height, width = crop["random_crop"]
    assert height == 350 and width / height == pytest.approx(936 / 537, rel=2e-3)
