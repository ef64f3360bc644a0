import wave

import numpy as np
import pytest
import tensorflow as tf

from tfgan_zoo import generation, sheets
from tfgan_zoo.errors import ZooError
from tfgan_zoo.families.wavegan import WaveGAN, count_quarterings
from tfgan_zoo.layers import PhaseShuffle

TINY = {"samples": 1024, "rate": 8_000, "latent_dim": 4, "filters": 2}


def shuffles(model):
    return [layer for layer in model.discriminator.layers if isinstance(layer, PhaseShuffle)]


def lively(**arguments):
    model = WaveGAN(**{**TINY, **arguments})
    for number, weight in enumerate(model.trainable_variables):
        weight.assign(np.random.default_rng(number).normal(0, 0.2, weight.shape))
    return model


@pytest.mark.parametrize("samples, times", [(64, 1), (1024, 3), (8_192, 5), (16_384, 5), (65_536, 6)])
def test_lengths_are_quartered_to_16_or_less(samples, times):
    assert count_quarterings(samples) == times


def test_other_lengths_are_refused_with_the_next_one():
    with pytest.raises(ZooError, match="samples=8000: .* such as 8192"):
        WaveGAN(samples=8_000)


def test_maps_of_the_paper():
    model = WaveGAN()
    maps = [layer.output.shape[1:] for layer in model.generator.layers if "conv1d_transpose" in layer.name]
    assert maps == [(64, 512), (256, 256), (1024, 128), (4096, 64), (16_384, 1)]
    maps = [layer.output.shape[1:] for layer in model.discriminator.layers if layer.name.startswith("conv1d")]
    assert maps == [(4096, 64), (1024, 128), (256, 256), (64, 512), (16, 1024)]
    assert [layer.output.shape[1] for layer in shuffles(model)] == [4096, 1024, 256, 64]


@pytest.mark.parametrize("per", ["batch", "example", "channel"])
def test_the_discriminator_is_shuffled_in_training_alone(per):
    model = lively(shuffle_per=per)
    assert {layer.per for layer in shuffles(model)} == {per}
    sounds = model.element_spec["audio"].to_model(
        tf.constant(model.element_spec["audio"].example(4, np.random.default_rng(0)))
    )
    calm = [model.discriminator(sounds, training=False).numpy() for _ in range(2)]
    np.testing.assert_array_equal(*calm)
    shaken = [model.discriminator(sounds, training=True).numpy() for _ in range(4)]
    assert len({scores.tobytes() for scores in shaken}) > 1
    assert not shuffles(lively(phase_shuffle=0))


def test_noise_is_uniform():
    model = WaveGAN(**TINY)
    with model.noise.drawing(tf.constant(3, tf.int64)):
        z = model.latents(500)["z"].numpy()
    assert -1 <= z.min() < -0.95 and 0.95 < z.max() <= 1 and abs(z.mean()) < 0.05


def test_answers_are_written_as_wav_that_plays(tmp_path):
    model = lively()
    made = model.sample(range(3)).numpy()
    assert made.dtype == np.int16 and made.shape == (3, 1024, 1) and np.abs(made).max() > 1000
    generation.generate(model, 3, seed=0, out=tmp_path / "all.wav")
    with wave.open(str(tmp_path / "all.wav")) as file:
        assert file.getparams()[:3] == (1, 2, 8_000)
        sound = np.frombuffer(file.readframes(file.getnframes()), "<i2")
    np.testing.assert_array_equal(sound[:1024], made[0, :, 0])
    assert len(sound) == 3 * 1024 + 2 * 2_000


def test_samples_are_spectrograms_with_the_sound_beside(tmp_path):
    (sheet,) = sheets.sheets_of(lively(), 4, {})
    picture = sheet.draw(tmp_path, 7)
    assert picture.name == "step-00000007.png" and picture.is_file()
    assert (tmp_path / "step-00000007.wav").is_file()
