import numpy as np
import tensorflow as tf
from families import contracts

from tfgan_zoo.families.sagan import SAGAN
from tfgan_zoo.layers import SelfAttention, SpectralNormalization

SMALL = {"image_shape": (16, 16, 1), "num_classes": 3, "latent_dim": 4, "filters": 8, "attention": 8}


def layers_of(network, kind):
    return [layer for layer in network._flatten_layers() if isinstance(layer, kind)]


def test_both_networks_have_one_attention_and_are_spectrally_normalized():
    model = SAGAN(**SMALL)
    for network in model.generator, model.discriminator:
        (attention,) = layers_of(network, SelfAttention)
        assert layers_of(network, SpectralNormalization)
        assert float(attention.gamma) == 0.0
    assert not layers_of(SAGAN(**{**SMALL, "attention": 0}).generator, SelfAttention)


def test_attention_begins_to_matter_with_training():
    model = SAGAN(**SMALL)
    model.compile()
    contracts.take_steps(model, contracts.batch_for(model), steps=5)
    for network in model.generator, model.discriminator:
        (attention,) = layers_of(network, SelfAttention)
        assert abs(float(attention.gamma)) > 1e-5


def test_attention_maps_are_distributions_over_the_pooled_positions():
    (attention,) = layers_of(SAGAN(**SMALL).generator, SelfAttention)
    weights = attention.attention(tf.random.stateless_normal((2, 8, 8, 16), (1, 2)))
    assert weights.shape == (2, 64, 16)
    np.testing.assert_allclose(tf.reduce_sum(weights, -1), 1, rtol=1e-5)


def test_the_networks_for_imagenet_have_the_authors_sizes():
    widths = [16, 8, 4, 2, 1]
    generator = SAGAN(filters=2, num_classes=3).generator
    sums = [layer.output.shape[1:] for layer in generator.layers if layer.__class__.__name__ == "Add"]
    assert sums == [(8 << i, 8 << i, 2 * width) for i, width in enumerate(widths)]
