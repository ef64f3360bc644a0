import numpy as np
import pytest
import tensorflow as tf
from families import contracts

from tfgan_zoo.errors import ZooError
from tfgan_zoo.families.vae_gan import VAEGAN


def small(**arguments):
    return VAEGAN(**{"image_shape": (8, 8, 3), "latent_dim": 3, "filters": 4, "units": 16, **arguments})


def batch_of(model, size=5):
    return {"image": model.element_spec["image"].to_model(tf.constant(contracts.batch_for(model, size)["image"]))}


def turn(**arguments):
    """A model, a batch and what all players look at."""
    model = small(**arguments)
    contracts.enliven(model)
    batch = batch_of(model)
    model.noise.begin()
    return model, batch, model.fake(batch)


def softplus(x):
    return np.log1p(np.exp(np.asarray(x, np.float64))).mean()


def test_the_sizes_are_the_authors():
    model = VAEGAN()
    conv = lambda side, *channels: side * side * channels[0] * channels[1]  # noqa: E731
    norm = lambda *channels: 2 * sum(channels)  # noqa: E731
    sizes = {name: sum(w.numpy().size for w in getattr(model, name).trainable_weights) for name in model.network_names}
    convolutions = conv(5, 3, 64) + conv(5, 64, 128) + conv(5, 128, 256)
    assert sizes["encoder"] == convolutions + 256 * 64 * 1024 + 1025 * 256 + norm(64, 128, 256, 1024)
    convolutions = conv(5, 256, 256) + conv(5, 256, 128) + conv(5, 128, 32) + conv(5, 32, 3) + 3
    assert sizes["generator"] == 128 * 256 * 64 + convolutions + norm(256 * 64, 256, 128, 32)
    convolutions = conv(5, 3, 32) + 32 + conv(5, 32, 128) + conv(5, 128, 256) + conv(5, 256, 256)
    assert sizes["discriminator"] == convolutions + 256 * 64 * 512 + 513 + norm(128, 256, 256, 512)
    assert model.discriminator.output["features"].shape == (None, 8, 8, 256)


def test_the_losses_are_sums_over_maps_and_codes():
    model, batch, fake = turn(similarity_weight=0.01)
    real, again, drawn = fake["logit"]
    x, x_again, _ = (np.asarray(value, np.float64) for value in fake["features"])
    similarity = np.square(x - x_again).sum((1, 2, 3)).mean() / 2
    mean, log_variance = (np.asarray(value, np.float64) for value in fake["code"])
    divergence = (mean**2 + np.exp(log_variance) - 1 - log_variance).sum(1).mean() / 2
    loss, terms = model.encoder_loss(batch, fake)
    assert float(loss) == pytest.approx(divergence + similarity, rel=1e-4)
    assert float(terms["similarity"]) == pytest.approx(similarity, rel=1e-4)
    expected = 0.01 * similarity - softplus(again) - softplus(drawn)
    assert float(model.generator_loss(batch, fake)) == pytest.approx(expected, rel=1e-4)
    loss, terms = model.discriminator_loss(batch, fake)
    made = (softplus(again) + softplus(drawn)) / 2
    assert float(loss) == pytest.approx(softplus(-np.asarray(real)) + made, rel=1e-4)
    assert float(terms["made"]) == pytest.approx(made, rel=1e-4)


@pytest.mark.parametrize("objective", ["pixels", "vae"])
def test_pictures_may_be_compared_by_their_pixels(objective):
    model, batch, fake = turn(objective=objective)
    similarity = np.square(batch["image"] - fake["again"]).sum((1, 2, 3)).mean() / 2
    assert float(model.encoder_loss(batch, fake)[1]["similarity"]) == pytest.approx(similarity, rel=1e-4)
    assert ("discriminator" in model.networks_by_name) == (objective == "pixels")
    if objective == "vae":
        assert float(model.generator_loss(batch, fake)) == pytest.approx(similarity, rel=1e-4)
        model.compile()
        assert set(contracts.take_steps(model, contracts.batch_for(model), 2)) == {
            "e_loss", "g_loss", "divergence", "similarity"}  # fmt: skip


@pytest.mark.parametrize(
    "costs, learn",
    [
        ((0.68, 0.68), (1, 1)),
        ((0.32, 0.68), (0, 1)),
        ((0.68, 0.30), (0, 1)),
        ((1.10, 0.68), (1, 0)),
        ((0.68, 1.04), (1, 0)),
        ((0.10, 2.00), (1, 1)),  # neither would, so both do
    ],
)
def test_who_is_far_ahead_rests(costs, learn):
    model = small()
    model.costs.assign(costs)
    assert [float(value) for value in model.balance()] == list(learn)
    model.training = False
    assert [float(value) for value in model.balance()] == [1, 1], "losses are measured as they are"


def test_the_costs_of_a_turn_decide_the_next():
    model = small()
    model.compile(optimizer=contracts.sgd(model, 0.0))
    history = contracts.take_steps(model, contracts.batch_for(model), 1)
    np.testing.assert_allclose(model.costs, [history["real"][0], history["made"][0]], rtol=1e-6)
    model.costs.assign([0.0, 0.68])
    assert contracts.take_steps(model, contracts.batch_for(model), 1)["d_loss"] == [0.0]


def test_a_reconstruction_is_made_of_the_mean_of_its_code():
    model, batch, _ = turn()
    stored = contracts.batch_for(model, 5)["image"]
    codes = model.sample(range(5), endpoint="encode", image=stored).numpy()
    np.testing.assert_allclose(codes, model.encoder(batch["image"], training=False)[:, :3], rtol=1e-5, atol=1e-6)
    again = model.sample(range(5), endpoint="reconstruct", image=stored)
    np.testing.assert_allclose(again, model.sample(range(5), z=codes), atol=1)


def test_odd_sides_are_refused():
    with pytest.raises(ZooError, match="multiples of 8"):
        small(image_shape=(28, 28, 3))
