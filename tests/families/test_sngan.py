import numpy as np
import pytest
import tensorflow as tf
from families import contracts

from tfgan_zoo.families.sngan import SNGAN
from tfgan_zoo.layers import SpectralNormalization

SMALL = {
    "image_shape": (8, 8, 1),
    "latent_dim": 4,
    "generator_filters": 4,
    "discriminator_filters": 4,
    "discriminator_steps": 1,
}


def largest_singular_values(network):
    """Of every normalized layer, as the network uses it."""
    normalized = [layer for layer in network._flatten_layers() if isinstance(layer, SpectralNormalization)]
    return [np.linalg.norm(layer.matrix() / layer.sigma(), 2) for layer in normalized]


@pytest.mark.parametrize("architecture", ["conv", "resnet"])
def test_all_weights_of_the_discriminator_stay_normalized_in_training(architecture):
    model = SNGAN(**SMALL, architecture=architecture, condition="projection", num_classes=3)
    model.compile()
    contracts.take_steps(model, contracts.batch_for(model), steps=20)
    values = largest_singular_values(model.discriminator)
    assert len(values) == (9 if architecture == "conv" else 12)
    assert min(values) > 0.99 and max(values) < 1.15  # tiny layers move far in one step of Adam
    assert not largest_singular_values(model.generator)
    assert not largest_singular_values(SNGAN(**SMALL, architecture=architecture, spectral=False).discriminator)


def test_projection_is_the_product_with_the_embedding_of_the_class():
    model = SNGAN(**SMALL, architecture="resnet", condition="projection", num_classes=3)
    image = tf.random.stateless_uniform((5, 8, 8, 1), (1, 2), -1.0, 1.0)

    def scores(label):
        return model.feed(model.discriminator, {"image": image, "label": tf.fill((5,), label)}, training=False)["score"]

    table = next(w for w in model.discriminator.trainable_variables if "embedding" in w.path)
    without = table.numpy()
    table.assign(tf.zeros_like(without))
    plain = scores(1)
    np.testing.assert_array_equal(scores(2), plain)  # psi alone does not see the class
    row = np.zeros_like(without)
    row[2, 0] = 1.0
    table.assign(row)
    np.testing.assert_allclose(scores(1), plain, rtol=1e-6)
    assert np.abs(scores(2) - plain).min() > 0


def test_a_game_without_classes_takes_pictures_alone():
    assert list(SNGAN(**SMALL).element_spec) == ["image"]
    auxiliary = SNGAN(**SMALL, condition="auxiliary")
    assert set(auxiliary.discriminator.output) == {"score", "classes"}
