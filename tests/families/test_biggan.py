import keras
import numpy as np
import tensorflow as tf

from tfgan_zoo import penalties
from tfgan_zoo.families.biggan import BigGAN

SMALL = {
    "image_shape": (16, 16, 1),
    "num_classes": 3,
    "latent_dim": 6,
    "filters": 8,
    "shared_dim": 4,
    "attention": 8,
}


def test_the_authors_sizes(monkeypatch):
    """70.43 and 87.98 million parameters in the authors' readme; ours count statistics and singular vectors too."""
    zeros = keras.initializers.Zeros()  # orthogonal matrices of these sizes take their time
    monkeypatch.setattr(keras.initializers.Orthogonal, "__call__", lambda self, *given, **named: zeros(*given, **named))
    model = BigGAN()
    trainable = [sum(w.numpy().size for w in n.trainable_weights) / 1e6 for n in (model.generator, model.discriminator)]
    np.testing.assert_allclose(trainable, [70.43, 87.98], rtol=2e-3)


def test_every_part_of_z_and_the_class_matter():
    model = BigGAN(**SMALL)
    z, label = tf.random.stateless_normal((1, 6), (1, 2)), tf.constant([0])
    made = model.generate({"z": z, "label": label})
    for part in range(3):
        other = z.numpy()
        other[0, 2 * part] += 1.0
        assert np.abs(model.generate({"z": tf.constant(other), "label": label}) - made).max() > 1e-6
    assert np.abs(model.generate({"z": z, "label": tf.constant([1])}) - made).max() > 1e-6


def test_one_embedding_serves_all_layers():
    tables = [w for w in BigGAN(**SMALL).generator.trainable_variables if "embedding" in w.path or "shared" in w.path]
    assert [table.shape for table in tables] == [(3, 4)]


def test_orthogonal_regularization_spares_the_embedding():
    model = BigGAN(**SMALL, orthogonal_weight=0.5)
    batch = {"image": tf.zeros((2, 16, 16, 1)), "label": tf.constant([0, 1])}
    model.training = False
    loss, terms = model.generator_loss(batch, batch["image"])
    kernels = [w for w in model.generator.trainable_variables if len(w.shape) > 1 and w.shape != (3, 4)]
    np.testing.assert_allclose(terms["orthogonal"], penalties.orthogonal(kernels), rtol=1e-5)
    model.orthogonal_weight = 0.0
    np.testing.assert_allclose(loss, model.generator_loss(batch, batch["image"]) + 0.5 * terms["orthogonal"], rtol=1e-5)
