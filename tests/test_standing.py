"""Standing statistics of a generator's batch normalization."""

import numpy as np
import tensorflow as tf

from tfgan_zoo import sampling
from tfgan_zoo.families.biggan import BigGAN
from tfgan_zoo.families.dcgan import DCGAN
from tfgan_zoo.standing import standing_statistics


def test_the_first_norm_gets_the_mean_and_variance_of_what_is_drawn():
    model = DCGAN((8, 8, 1), latent_dim=4, filters=4)
    standing_statistics(model, truncation=0.5, passes=3, batch_size=8, seed=1)
    norm = next(layer for layer in model.generator.layers if "batch" in layer.name)
    seeds = np.arange(24) + 24
    before = model.generator.layers[model.generator.layers.index(norm) - 1]
    network = tf.keras.Model(model.generator.input, before.output)
    values = [network(sampling.draw(model, "generate", part, {}, 0.5)["z"]).numpy() for part in seeds.reshape(3, 8)]
    np.testing.assert_allclose(norm.moving_mean, np.mean([v.mean((0, 1, 2)) for v in values], 0), atol=1e-6)
    np.testing.assert_allclose(norm.moving_variance, np.mean([v.var((0, 1, 2)) for v in values], 0), rtol=1e-4)
    assert norm.momentum == 0.9


def test_only_the_averaged_generators_statistics_move():
    small = {"image_shape": (8, 8, 1), "num_classes": 3, "latent_dim": 4, "filters": 4, "shared_dim": 4}
    model = BigGAN(**small, attention=0, ema_decay=0.9)
    before = [weight.numpy() for weight in model.weights]
    standing_statistics(model, truncation=0.5, passes=2, batch_size=4)
    moved = [w for w, value in zip(model.weights, before) if np.abs(w.numpy() - value).max() > 0]
    statistics = {id(w) for w in model.generator_ema.weights if "moving" in w.path}
    assert {id(w) for w in moved} == statistics
