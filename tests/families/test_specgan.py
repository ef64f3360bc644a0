import wave

import numpy as np
import pytest
import tensorflow as tf
from families.contracts import take_steps

from tfgan_zoo import generation
from tfgan_zoo.errors import ZooError
from tfgan_zoo.families.specgan import SpecGAN

TINY = {"samples": 1024, "rate": 8_000, "window": 64, "latent_dim": 4, "filters": 2, "discriminator_steps": 1}


def heard(count=6, samples=1024):
    return {"audio": np.random.default_rng(0).integers(-9000, 9000, (count, samples, 1)).astype(np.int16)}


def in_model_form(batch):
    return {"audio": tf.constant(batch["audio"] / 32767.0, tf.float32)}


def test_maps_of_the_paper():
    model = SpecGAN()
    maps = [layer.output.shape[1:] for layer in model.generator.layers if "conv2d_transpose" in layer.name]
    assert maps == [(8, 8, 512), (16, 16, 256), (32, 32, 128), (64, 64, 64), (128, 128, 1)]
    maps = [layer.output.shape[1:] for layer in model.discriminator.layers if layer.name.startswith("conv2d")]
    assert maps == [(64, 64, 64), (32, 32, 128), (16, 16, 256), (8, 8, 512), (4, 4, 1024)]
    assert not any("norm" in layer.name for layer in model.generator.layers + model.discriminator.layers)


@pytest.mark.parametrize("sizes", [{"samples": 8_000, "window": 128}, {"samples": 8_192, "window": 100}, {"window": 1}])
def test_other_sizes_are_refused(sizes):
    with pytest.raises(ZooError, match="powers of two from 8 up: samples=8192, window=128, say") as caught:
        SpecGAN(**sizes)
    assert "\n" not in str(caught.value)


@pytest.fixture(scope="module")
def trained():
    """A model, its scale after two steps that measure it, and after a third one, on other data, that does not."""
    model = SpecGAN(**TINY, measured_steps=2)
    model.compile()
    take_steps(model, heard(), steps=2)
    before = model.standard.get_layer("standard").mean.numpy()
    take_steps(model, {"audio": heard()["audio"] // 10})
    return model, before, model.standard.get_layer("standard").mean.numpy()


def test_each_frequency_is_standardized_and_clipped(trained):
    model, _, _ = trained
    levels = model.levels(in_model_form(heard())).numpy()
    bins = levels.reshape(-1, 33)
    expected = np.clip((levels - bins.mean(0)) / bins.std(0) / 3, -1, 1)[..., :-1, None]
    shown = model.spectrogram(in_model_form(heard())).numpy()
    assert shown.shape == (6, 32, 32, 1)
    np.testing.assert_allclose(shown, expected, atol=2e-3)
    assert shown.min() >= -1 and 0.28 < shown.std() < 0.35  # a third of a deviation of 1


def test_the_scale_is_measured_in_the_first_steps_alone(trained):
    _, before, after = trained
    assert np.abs(before).max() > 0.1
    np.testing.assert_array_equal(after, before)


def test_the_critic_sees_spectrograms_in_the_game_of_wgan_gp():
    model, batch = SpecGAN(**TINY), in_model_form(heard(4))
    fake = model.fake(batch)
    assert fake.shape == (4, 32, 32, 1)
    loss, terms = model.discriminator_loss(batch, fake)
    real, made = (float(tf.reduce_mean(model.discriminator(x))) for x in (model.spectrogram(batch), fake))
    assert float(terms["wasserstein"]) == pytest.approx(real - made, abs=1e-5)
    assert float(loss) == pytest.approx(made - real + 10 * float(terms["gp"]), rel=1e-4)
    assert float(model.generator_loss(batch, fake)) == pytest.approx(-made, abs=1e-5)


def test_what_is_made_of_a_spectrogram_has_that_spectrogram():
    """Griffin and Lim's sound of a real spectrogram is heard like the sound that it was taken of."""
    model = SpecGAN(**{**TINY, "rounds": 60})
    time = np.arange(1024) / 8_000
    tones = np.sin(2 * np.pi * np.array([[500], [1_250]]) * time) * np.hanning(1024)
    batch = {"audio": tf.constant(tones[..., None], tf.float32)}
    model.standard.get_layer("standard").learn(model.levels(in_model_form(heard(8))), 1.0)

    class Known:
        inputs = model.generator.inputs
        input = model.generator.input

        def __call__(self, z, training):
            return model.spectrogram(batch)

    model.best = lambda name: Known()
    made = model.generate({"z": tf.zeros((2, 4))}).numpy()
    assert made.shape == (2, 1024, 1)
    peaks = np.abs(np.fft.rfft(made[..., 0])).argmax(1) * 8_000 / 1024
    np.testing.assert_allclose(peaks, [500, 1_250], atol=63)  # half the distance of frequencies


def test_answers_are_wav_that_plays(trained, tmp_path):
    model, _, _ = trained
    made = model.sample(range(3)).numpy()
    assert made.dtype == np.int16 and made.shape == (3, 1024, 1) and np.abs(made).max() > 10
    np.testing.assert_allclose(model.sample([0, 1, 2, 3]).numpy()[2], made[2], atol=2)
    generation.generate(model, 2, seed=0, out=tmp_path / "all.wav")
    with wave.open(str(tmp_path / "all.wav")) as file:
        assert file.getframerate() == 8_000 and file.getnframes() == 2 * 1024 + 2_000
