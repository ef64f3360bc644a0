import numpy as np
import pytest
import tensorflow as tf

from tfgan_zoo.errors import ZooError
from tfgan_zoo.families.cgan import CGAN


@pytest.mark.parametrize("architecture", ["mlp", "conv"])
def test_both_players_see_the_class(architecture):
    model = CGAN((8, 8, 1), num_classes=2, latent_dim=4, architecture=architecture, filters=4, units=48)
    for weight in model.trainable_variables:
        weight.assign(np.random.default_rng(0).normal(0, 0.3, weight.shape))
    zero, one = (model.sample(range(4), label=label).numpy().astype(int) for label in (0, 1))
    assert np.abs(zero - one).max() > 5
    picture = np.zeros((1, 8, 8, 1), np.float32)
    logits = [model.discriminator([picture, np.array([label])]).numpy().item() for label in (0, 1)]
    assert abs(logits[0] - logits[1]) > 1e-3


def test_a_class_is_one_for_all_or_one_for_each():
    model = CGAN((8, 8, 1), num_classes=3, latent_dim=4, units=48)
    mixed = model.sample(range(3), label=[0, 1, 2]).numpy()
    for row, label in enumerate([0, 1, 2]):
        np.testing.assert_array_equal(mixed[row], model.sample([row], label=label)[0])
    with pytest.raises(ZooError, match="from 0 to 2"):
        model.sample([0], label=3)


def test_perceptrons_draw_their_variety_from_z():
    model = CGAN((8, 8, 1), 3, 4, units=48)
    z, label = tf.random.stateless_uniform((4, 4), (0, 0), -1.0, 1.0), tf.zeros((4,), tf.int32)
    drawn = [model.feed(model.generator, {"z": z, "label": label}, training=mode).numpy() for mode in (True, False)]
    np.testing.assert_array_equal(*drawn)  # no dropout, which would be another source of it
    assert np.ptp(drawn[0], axis=0).max() > 0
    many = model.latents(4096)["z"].numpy()
    assert many.min() < -1.6 and many.max() > 1.6 and abs(many.std() - 1) < 0.02
    rates = {name: float(make.optimizer().learning_rate) for name, make in zip("dg", model.players, strict=True)}
    assert rates["d"] == rates["g"] / 2  # D descends on the mean of its two terms


def test_wrong_pairs_count_as_made_up():
    plain, strict = (CGAN((8, 8, 1), 3, 4, units=48, dropout=0.0, mismatched_weight=weight) for weight in (0.0, 2.0))
    strict.set_weights(plain.get_weights())
    batch = {"image": tf.zeros((4, 8, 8, 1)), "label": tf.constant([0, 1, 2, 0])}
    losses = []
    for model in (plain, strict):
        model.noise.begin()
        losses.append(float(model.discriminator_loss(batch, model.fake(batch))))
    # Three classes leave two wrong ones: the term lies between the costs of either.
    logits = [plain.judge(batch | {"label": (batch["label"] + shift) % 3}).numpy() for shift in (1, 2)]
    costs = np.log1p(np.exp(np.stack(logits)))
    term = (losses[1] - losses[0]) / 2
    assert costs.min(axis=0).mean() - 1e-5 <= term <= costs.max(axis=0).mean() + 1e-5


def test_the_number_of_classes_comes_from_the_data():
    from tfgan_zoo import zoo

    assert zoo.build("cgan_glyphs").num_classes == 62
