import keras
import numpy as np
import pytest
import tensorflow as tf
from families import contracts
from families.contracts import make

from tfgan_zoo import sampling, zoo
from tfgan_zoo.families.partial_conv import PartialConv
from tfgan_zoo.features.perceptual import perceptual_network
from tfgan_zoo.layers import PartialConv2D


def small(**arguments):
    sizes = {"filters": 2, "halvings": 3, "perceptual": "random_conv:conv_0,conv_1"}
    return PartialConv((16, 16, 3), **{**sizes, **arguments})


def lively(**arguments):
    model = small(**arguments)
    contracts.enliven(model)
    return model


def batch_of(model, size=3):
    return {
        key: model.element_spec[key].to_model(tf.constant(x)) for key, x in contracts.batch_for(model, size).items()
    }


# === The network ===
def test_the_networks_are_those_of_the_paper():
    model = PartialConv()
    convolutions = {
        name: [layer for layer in network.layers if isinstance(layer, PartialConv2D)]
        for name, network in model.networks_by_name.items()
    }
    encoder = [(layer.filters, layer.kernel_size[0], layer.strides[0]) for layer in convolutions["encoder"]]
    assert encoder == [(64, 7, 2), (128, 5, 2), (256, 5, 2), *[(512, 3, 2)] * 5]
    decoder = [(layer.filters, layer.kernel_size[0], layer.kernel.shape[2]) for layer in convolutions["decoder"]]
    widths = [512] * 4 + [256, 128, 64]
    seen = [512 + 512] * 4 + [512 + 256, 256 + 128, 128 + 64]
    assert decoder == [*((w, 3, n) for w, n in zip(widths, seen)), (3, 3, 64 + 3)]
    norms = [
        sum(isinstance(layer, keras.layers.BatchNormalization) for layer in network.layers)
        for network in (model.encoder, model.decoder)
    ]
    assert norms == [7, 7]  # not at the first map nor at the answer
    assert (model.hole_weight, model.variation_weight) == (6.0, 0.1)
    assert [(phase.name, phase.steps) for phase in model.phases] == [("train", 500_000), ("finetune", None)]
    assert [round(player.optimizer().learning_rate.numpy().item(), 6) for player in model.players] == [2e-4, 5e-5]


@pytest.mark.parametrize("convolution", ["partial", "plain"])
def test_what_lies_in_the_hole_does_not_matter_to_the_bit(convolution):
    model = lively(convolution=convolution)
    batch = batch_of(model)
    hole = np.broadcast_to(batch["mask"].numpy() > 0, batch["image"].shape)
    assert 0 < hole.mean() < 1
    for other in (0.0, 1.0, np.random.default_rng(1).uniform(-1, 1, hole.shape)):
        changed = batch | {"image": tf.constant(np.where(hole, other, batch["image"]), tf.float32)}
        for ask in (model.fake, model.restore):
            np.testing.assert_array_equal(ask(changed), ask(batch))


def test_partial_layers_do_not_see_holes_and_plain_ones_do():
    """By the mean over their windows, the hole in a picture of one colour has that colour, or is grey."""
    batch = {"image": np.full((1, 16, 16, 3), 0.5, np.float32), "mask": np.zeros((1, 16, 16, 1), np.float32)}
    batch["mask"][:, 6:10, 6:10] = 1
    for convolution in ("partial", "plain"):
        model = small(convolution=convolution)
        first = next(layer for layer in model.encoder.layers if isinstance(layer, keras.layers.Conv2D))
        first.kernel.assign(np.full(first.kernel.shape, 1 / (7 * 7 * 3)))
        means = model.seen({key: tf.constant(x) for key, x in batch.items()}, model.encoder, False)["map_1"]
        assert np.allclose(means, 0.5) == (convolution == "partial")


def test_plain_layers_are_plain_convolutions_also_at_the_borders():
    """Margins of 0 pull the means there towards grey, which partial layers make up for."""
    whole = {"image": tf.fill((1, 16, 16, 3), 0.5), "mask": tf.zeros((1, 16, 16, 1))}
    means = {}
    for convolution in ("partial", "plain"):
        model = small(convolution=convolution)
        first = next(layer for layer in model.encoder.layers if isinstance(layer, keras.layers.Conv2D))
        first.kernel.assign(np.full(first.kernel.shape, 1 / (7 * 7 * 3)))
        means[convolution] = model.seen(whole, model.encoder, False)["map_1"].numpy()[0, ..., 0]
        one_size = [weight.shape for weight in model.trainable_variables]
        assert one_size == [weight.shape for weight in small().trainable_variables]
    np.testing.assert_allclose(means["partial"], 0.5, rtol=1e-6)
    pixels = np.convolve(np.ones(16), np.ones(7))[4:20:2]  # of each window that lie in the picture, along a side
    np.testing.assert_allclose(means["plain"], 0.5 * np.outer(pixels, pixels) / 49, rtol=1e-5)


def test_holes_are_gone_at_the_smallest_map():
    model = small()
    mask = np.zeros((1, 16, 16, 1), np.float32)
    mask[:, 3:12, 2:14] = 1
    maps = model.seen({"image": np.zeros((1, 16, 16, 3), np.float32), "mask": tf.constant(mask)}, model.encoder, False)
    shares = [float(tf.reduce_mean(maps[f"valid_{level}"])) for level in range(4)]
    assert shares[0] == 1 - 108 / 256 and shares == sorted(shares) and shares[-1] == 1


def test_answers_are_the_picture_with_its_hole_filled():
    model = lively()
    batch = batch_of(model)
    answer, hole = model.restore(batch).numpy(), np.broadcast_to(batch["mask"].numpy() > 0, batch["image"].shape)
    np.testing.assert_array_equal(answer[~hole], batch["image"].numpy()[~hole])
    np.testing.assert_array_equal(answer[hole], model.decoder(model.seen(batch, model.encoder, False)).numpy()[hole])


@pytest.mark.parametrize("size", [(9, 21), (24, 40), (1, 3)])
def test_pictures_of_any_size_are_restored(size):
    model = lively()
    random = np.random.default_rng(0)
    picture = random.integers(0, 256, (1, *size, 3), np.uint8)
    mask = np.where(random.random((1, *size, 1)) < 0.3, 255, 0).astype(np.uint8)
    answer = model.sample([0], endpoint="restore", image=picture, mask=mask).numpy()
    assert answer.shape == picture.shape
    known = np.broadcast_to(mask == 0, picture.shape)
    np.testing.assert_array_equal(answer[known], picture[known])


def test_margins_that_are_added_are_holes():
    """A picture that is cut off where the rest is a hole is answered as the whole is."""
    model = lively()
    batch = batch_of(model, 1)
    mask = batch["mask"].numpy()
    mask[:, :, 11:] = 1
    whole = sampling.ask(model, "restore", batch | {"mask": tf.constant(mask)})
    cut = sampling.ask(model, "restore", {"image": batch["image"][:, :, :11], "mask": tf.constant(mask[:, :, :11])})
    np.testing.assert_allclose(cut, whole[:, :, :11], atol=1e-6)


# === The loss ===
def test_the_loss_is_the_papers():
    weights = {"hole_weight": 5.0, "perceptual_weight": 0.7, "style_weight": 11.0, "variation_weight": 0.3}
    model = lively(**weights)
    batch = batch_of(model)
    image, mask, fake = batch["image"].numpy(), batch["mask"].numpy(), model.fake(batch).numpy()
    filled = np.where(mask > 0, fake, image)
    network = perceptual_network("random_conv:conv_0,conv_1")
    expected = np.abs((1 - mask) * (fake - image)).mean() + 5 * np.abs(mask * (fake - image)).mean()
    for made in (fake, filled):
        for x, y in zip(network(image), network(made)):
            one, other = (np.einsum("nhwc,nhwd->ncd", m, m) / np.prod(m.shape[1:]) for m in (x.numpy(), y.numpy()))
            expected += 0.7 * np.abs(x - y).mean() + 11 * np.abs(one - other).mean()
    near = np.pad(mask, [(0, 0), (1, 1), (1, 1), (0, 0)])
    near = np.max([near[:, y : y + 16, x : x + 16] for y in range(3) for x in range(3)], axis=0)
    rows = (near[:, 1:] * near[:, :-1] * np.abs(np.diff(filled, axis=1))).mean()
    columns = (near[:, :, 1:] * near[:, :, :-1] * np.abs(np.diff(filled, axis=2))).mean()
    loss, terms = model.generator_loss(batch, tf.constant(fake))
    assert float(loss) == pytest.approx(expected + 0.3 * (rows + columns), rel=1e-4)
    assert float(terms["hole"]) == pytest.approx(np.abs(mask * (fake - image)).mean(), rel=1e-5)


# === Phases ===
def test_the_encoders_statistics_rest_in_the_second_phase():
    model = small()
    model.compile()
    batch = contracts.batch_for(model)

    def statistics():
        return {
            name: [w.numpy() for w in network.non_trainable_weights] for name, network in model.networks_by_name.items()
        }

    moved = {}
    for phase in model.phases:
        model.enter(phase)
        before = statistics()
        contracts.take_steps(model, batch)
        moved[phase.name] = {
            name for name, after in statistics().items() if any((a != b).any() for a, b in zip(after, before[name]))
        }
    assert moved == {"train": {"encoder", "decoder"}, "finetune": {"decoder"}}


def test_missing_weights_are_told_before_training_and_asking_needs_none(tmp_path, monkeypatch):
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    monkeypatch.delenv("TFGAN_ZOO_DOWNLOAD", raising=False)
    model = small(perceptual="vgg16:block1_pool")
    given = contracts.batch_for(model, 1)
    assert model.sample([0], endpoint="restore", **given).shape == (1, 16, 16, 3)
    with pytest.raises(zoo.ZooError, match="vgg16 needs its weights"):
        model.compile()


def test_sides_that_cannot_be_halved_are_refused():
    with pytest.raises(zoo.ZooError, match=r"image_shape=\[20, 16, 3\]: sides must be multiples of 8"):
        PartialConv((20, 16, 3), halvings=3)


def test_it_learns_to_fill_holes():
    """Pictures of one colour: the hole takes the colour of what surrounds it."""
    model = make("partial_conv", filters=8, variation_weight=0.0)
    model.compile(optimizer={"generator": keras.optimizers.Adam(1e-2)})
    model.enter(model.phases[0])
    batch = contracts.batch_for(model, 16)
    colours = np.random.default_rng(0).integers(0, 256, (16, 1, 1, 3), np.uint8)
    batch["image"] = np.broadcast_to(colours, (16, 16, 16, 3)).copy()
    first = contracts.take_steps(model, batch, 1)["hole"][0]
    contracts.take_steps(model, batch, 60)
    assert contracts.take_steps(model, batch, 1)["hole"][0] < first / 4
