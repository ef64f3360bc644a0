import numpy as np
import pytest
import tensorflow as tf
from families import contracts

from tfgan_zoo.errors import ZooError
from tfgan_zoo.families.sgan_texture import SGANTexture
from tfgan_zoo.layers import Waves
from tfgan_zoo.networks import textures

CELL = 8  # pixels


def small(**arguments):
    sizes = {"latent_dim": 4, "filters": 2, "halvings": 3, "large": 2}
    model = SGANTexture(**{"image_shape": (32, 24, 3), **sizes, **arguments})
    contracts.enliven(model)
    return model


def field(*sides, seed=0):
    return tf.random.stateless_uniform((1, *sides, 4), (seed, 2), -1, 1)


def test_a_part_of_a_field_makes_that_part_of_the_picture():
    """Nothing but the zeros around the field tells where in it a cell is: any size, without seams."""
    model = small()
    z = field(12, 9)
    whole, part = (model.generate({"z": x})[0] for x in (z, z[:, 3:10, 2:8]))
    assert whole.shape == (96, 72, 3)
    np.testing.assert_allclose(part[16:-16, 16:-16], whole[40:64, 32:48], atol=1e-5)
    assert np.abs(part[:8] - whole[24:32, 16:64]).max() > 1e-2, "zeros around the field show at its border"


def test_tiles_fit_together_whatever_is_in_the_middle():
    model = small()
    z = field(4, 3)
    tile = model.tile({"z": z})[0].numpy()
    moved = model.tile({"z": tf.roll(z, (1, -1), (1, 2))})[0].numpy()
    assert tile.shape == (32, 24, 3) and tile.std() > 0.01
    np.testing.assert_allclose(moved, np.roll(tile, (CELL, -CELL), (0, 1)), atol=1e-5)
    assert "tile" not in small(periodic_dim=1).endpoints, "waves do not end where a tile does"


def test_pictures_of_any_size():
    model = small()
    picture = model.texture(21, 50, seed=3).numpy()
    assert picture.shape == (21, 50, 3) and picture.dtype == np.uint8
    np.testing.assert_array_equal(model.texture(24, 56, seed=3)[:21, :50], picture)
    assert (model.texture(21, 50, seed=4).numpy() != picture).any()
    assert model.sample([0], "enlarge").shape == (1, 64, 48, 3)
    given = model.sample([0], "enlarge", z_large=field(2, 7).numpy())
    assert given.shape == (1, 2 * CELL, 7 * CELL, 3)
    with pytest.raises(ZooError, match="z_large: .* it takes numbers of shape"):
        model.sample([0], "enlarge", z_large=np.zeros((1, 2, 7, 5)))


def test_waves_are_those_of_the_paper_and_go_on():
    layer, phase = Waves(2), np.array([[0.1, 0.2, 0.3, 0.4], [1.0, 2.0, 3.0, 4.0]], np.float32)
    field = np.random.default_rng(1).normal(size=(2, 9, 9, 7)).astype(np.float32)
    whole = layer(field, phase).numpy()
    assert whole.shape == (2, 9, 9, 11)
    np.testing.assert_array_equal(whole[..., :7], field)
    np.testing.assert_allclose(layer.k[0], [0.75 * np.pi, np.pi, 0, 0], rtol=1e-6)
    np.testing.assert_allclose(layer.k[1], [0, 0, 0.75 * np.pi, np.pi], rtol=1e-6)
    layer.k.assign(np.random.default_rng(0).normal(size=(2, 4)))
    made, k = layer(field[:, :5, :4], phase).numpy()[..., 7:], layer.k.numpy()
    for row, column, number in np.ndindex(5, 4, 4):
        angle = row * k[0, number] + column * k[1, number] + phase[:, number]
        np.testing.assert_allclose(made[:, row, column, number], np.sin(angle), atol=1e-5)
    np.testing.assert_allclose(layer(field, phase)[:, :5, :4, 7:], made, atol=1e-6)


def test_wave_vectors_learn():
    model = small(periodic_dim=2)
    model.compile()
    (waves,) = (layer for layer in model.generator.layers if isinstance(layer, Waves))
    before = waves.k.numpy()
    contracts.take_steps(model, contracts.batch_for(model, 4))
    assert np.abs(waves.k.numpy() - before).min() > 1e-5


def test_every_part_is_judged_and_kernels_decay():
    model = small(weight_decay=0.01)
    image = model.element_spec["image"].to_model(tf.constant(contracts.batch_for(model, 3)["image"]))
    model.noise.begin()
    fake = model.fake({"image": image})
    real_logits, fake_logits = (model.discriminator(x, training=True).numpy().astype(float) for x in (image, fake))
    assert real_logits.shape == (3, 4, 3, 1)

    def decay(network):
        return 0.01 * sum(np.square(w.numpy()).sum() for w in network.trainable_weights if len(w.shape) == 4)

    expected = np.log1p(np.exp(-real_logits)).mean() + np.log1p(np.exp(fake_logits)).mean()
    loss = model.discriminator_loss({"image": image}, fake)
    assert float(loss) == pytest.approx(expected + decay(model.discriminator), rel=1e-4)
    expected = np.log1p(np.exp(-fake_logits)).mean() + decay(model.generator)
    assert float(model.generator_loss({"image": image}, fake)) == pytest.approx(expected, rel=1e-4)


def test_brown_noise_falls_as_its_frequency():
    white = tf.random.stateless_normal((16, 32, 64, 2), (1, 2))
    noise = textures.brown(white).numpy()
    assert np.abs(noise).max() <= 1 and noise.std() == pytest.approx(1 / 3, abs=0.01)
    power = np.square(np.abs(np.fft.fft2(noise[..., 0], axes=(1, 2)))).mean(0)
    assert power[0, 8] / power[0, 16] == pytest.approx(4, rel=0.6)  # 8/64 and 16/64 cycles per pixel
    assert power[8, 0] / power[0, 16] == pytest.approx(1, rel=0.6)  # the same frequency, along the rows


def test_the_sizes_are_the_authors():
    model = SGANTexture()
    kernels = [layer.kernel.shape for layer in model.generator.layers if hasattr(layer, "kernel")]
    assert kernels == [(5, 5, 512, 100), (5, 5, 256, 512), (5, 5, 128, 256), (5, 5, 64, 128), (5, 5, 3, 64)]
    kernels = [layer.kernel.shape for layer in model.discriminator.layers if hasattr(layer, "kernel")]
    assert kernels == [(5, 5, 3, 64), (5, 5, 64, 128), (5, 5, 128, 256), (5, 5, 256, 512), (5, 5, 512, 1)]
    with pytest.raises(ZooError, match="sides must be multiples of 32"):
        SGANTexture((257, 257, 3))
