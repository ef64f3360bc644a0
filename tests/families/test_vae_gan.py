import keras
import numpy as np
import pytest
import tensorflow as tf
from families import contracts

from tfgan_zoo import devices
from tfgan_zoo.errors import ZooError
from tfgan_zoo.families.vae_gan import VAEGAN, RMSprop


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


def costing(real, made):
    """What the players look at where real and made pictures cost the discriminator so much."""
    of_real, of_made = (tf.fill((2, 1), -tf.math.log(tf.math.expm1(cost))) for cost in (real, made))
    return {"logit": [of_real, -of_made, -of_made]}


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
    model, fake = small(), costing(*costs)
    np.testing.assert_allclose(model.costs(fake), costs, rtol=1e-5)
    assert [float(value) for value in model.balance(fake)] == list(learn)
    model.training = False
    assert [float(value) for value in model.balance(fake)] == [1, 1], "losses are measured as they are"


def test_what_a_turn_costs_all_replicas_together_decides():
    strategy = devices.strategy(2)
    with strategy.scope():
        model = small()
    for costs, learn in [((0.2, 1.16), [1, 1]), ((0.1, 0.3), [0, 1])]:  # alone, the first replica's would rest, too
        own = strategy.experimental_distribute_values_from_function(
            lambda context, costs=costs: tf.constant(costs[context.replica_id_in_sync_group])
        )
        found = strategy.run(tf.function(lambda cost: model.balance(costing(cost, 0.68))), args=(own,))
        of_replicas = map(strategy.experimental_local_results, found)
        assert [[float(value) for value in values] for values in of_replicas] == [[value] * 2 for value in learn]


def test_a_player_rests_in_the_very_turn_that_is_out_of_balance(monkeypatch):
    """Its weights stay, and what its optimizer knows of earlier turns; the others learn."""
    model, costs, found = small(), tf.Variable([0.68, 0.68]), VAEGAN.costs
    model.compile()
    batch, players = contracts.batch_for(model), {"encoder", "generator", "discriminator"}

    def shifted(*given):
        return [cost - tf.stop_gradient(cost) + costs[place] for place, cost in enumerate(found(*given))]

    def state():
        return {
            name: [w.numpy() for w in (*getattr(model, name).trainable_weights, *optimizer._velocities)]
            for name, optimizer in model.optimizer.by_player.items()
        }

    monkeypatch.setattr(VAEGAN, "costs", shifted)
    for now, resting in [((0.68, 0.68), set()), ((0.1, 0.68), {"discriminator"}), ((0.68, 2.0), {"generator"})]:
        before = state()
        costs.assign(now)
        paid = contracts.take_steps(model, batch, 1)["d_loss"][0]
        assert paid == pytest.approx(0 if "discriminator" in resting else sum(now))
        moved = {
            name
            for name, values in state().items()
            if any(not np.allclose(a, b, rtol=1e-6, atol=1e-12) for a, b in zip(before[name], values))
        }
        assert moved == players - resting


@pytest.mark.parametrize("replicas", [1, 2])
def test_mean_squares_stay_where_all_gradients_are_0(replicas):
    strategy = devices.strategy(replicas)
    with strategy.scope():
        weight, optimizer = keras.Variable([1.0, 2.0]), RMSprop(0.1)
        optimizer.build([weight])
    step = tf.function(lambda gradient: optimizer.apply([gradient / replicas], [weight]))
    for gradient, kept, moved in [((1.0, 0.0), (0.1, 0.0), True), ((0.0, 0.0), (0.1, 0.0), False)]:
        before = weight.numpy()
        strategy.run(step, args=(tf.constant(gradient),))
        np.testing.assert_allclose(optimizer._velocities[0].numpy(), kept, rtol=1e-6)
        assert (weight.numpy() != before).any() == moved


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
