import numpy as np
import pytest
import tensorflow as tf
from families import contracts

from tfgan_zoo.errors import ZooError
from tfgan_zoo.families.gan3d import GAN3D


def small(**arguments):
    return GAN3D(**{"side": 16, "latent_dim": 4, "filters": 2, **arguments})


def batch_of(model, size=5):
    return {"voxel": tf.cast(contracts.batch_for(model, size)["voxel"], tf.float32)}


def test_the_sizes_are_the_papers():
    model = GAN3D()
    maps = [shape.output.shape[1:] for shape in model.generator.layers if "conv" in shape.name]
    assert maps == [(8, 8, 8, 256), (16, 16, 16, 128), (32, 32, 32, 64), (64, 64, 64, 1)]
    assert model.discriminator.output["features"].shape == (None, 7168)
    kernels = 64 * (64 + 64 * 128 + 128 * 256 + 256 * 512 + 512)
    sizes = {name: sum(w.numpy().size for w in getattr(model, name).trainable_weights) for name in model.network_names}
    assert sizes["discriminator"] == kernels + 2 * (64 + 128 + 256 + 512)
    assert sizes["generator"] == 64 * (200 * 512 + 512 * 256 + 256 * 128 + 128 * 64 + 64) + 2 * (512 + 256 + 128 + 64)


def test_features_are_pooled_maps_of_all_but_the_first_convolution():
    model = small(side=32)
    batch = batch_of(model, 3)
    features, x = model.encode(batch).numpy(), batch["voxel"]
    pooled = []
    for layer in model.discriminator.layers:
        if layer.name.startswith(("conv", "batch", "leaky")):
            x = layer(x)
            if layer.name.startswith("leaky"):
                half = x.shape[1] // 2
                parts = [x[:, i : i + half, j : j + half, k : k + half].numpy().max((1, 2, 3))
                         for i in (0, half) for j in (0, half) for k in (0, half)]  # fmt: skip
                pooled.append(np.concatenate(parts, axis=1))
    np.testing.assert_allclose(features, np.concatenate(pooled[1:], axis=1), rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("before, learns", [(0.5, True), (0.79, True), (0.85, False), (1.0, False)])
def test_the_discriminator_learns_only_where_it_told_80_percent_or_less(before, learns):
    model = small()
    model.compile(optimizer=contracts.sgd(model, 0.1))
    model.accuracy.assign(before)
    weights = contracts.values_of(model)
    logs = contracts.take_steps(model, contracts.batch_for(model))
    assert ("discriminator" in contracts.changed(weights, contracts.values_of(model))) == learns
    assert logs["learns"] == [float(learns)] and (logs["d_loss"][0] > 0) == learns
    assert float(model.accuracy) == pytest.approx(logs["accuracy"][0]), "this batch decides of the next"


def test_the_accuracy_is_that_of_real_and_made_solids_together():
    model = small()
    contracts.enliven(model)
    batch = batch_of(model)
    fake = model.generate({"z": model.latents(5)["z"]})
    real, made = (model.discriminator(solid, training=True)["logit"].numpy() for solid in (batch["voxel"], fake))
    loss, terms = model.discriminator_loss(batch, fake)
    assert float(terms["accuracy"]) == pytest.approx(((real > 0).mean() + (made < 0).mean()) / 2)
    expected = np.log1p(np.exp(-real.astype(float))).mean() + np.log1p(np.exp(made.astype(float))).mean()
    assert float(loss) == pytest.approx(expected, rel=1e-4)
    model.accuracy.assign(1.0)
    model.training = False
    assert float(model.discriminator_loss(batch, fake)[0]) > 0, "losses are measured as they are"


def test_it_answers_solids_of_zeros_and_ones():
    model = small()
    made = model.sample(range(3)).numpy()
    assert made.shape == (3, 16, 16, 16, 1) and made.dtype == np.uint8 and set(np.unique(made)) <= {0, 1}
    assert model.element_spec["voxel"].picture(made).shape == (3, 16, 48, 1), "seen from three sides"


@pytest.mark.parametrize("side", [8, 24])
def test_other_sides_are_refused(side):
    with pytest.raises(ZooError, match="power of two from 16 up"):
        GAN3D(side=side)
