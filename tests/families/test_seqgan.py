import numpy as np
import pytest
import tensorflow as tf

from tfgan_zoo.errors import ZooError
from tfgan_zoo.families.seqgan import SeqGAN
from tfgan_zoo.networks import sentences
from tfgan_zoo.oracle import Oracle

WORDS = ("red", "green", "apple", "ball")


def small(**arguments):
    sizes = {"text_length": 4, "units": 6, "rollouts": 3, "filter_sizes": (1, 2), "filters": (3, 5)}
    return SeqGAN(**{"vocabulary": WORDS, "discriminator_dim": 4, "discriminator_steps": 1, **sizes, **arguments})


def lively(model):
    """Choices of words that differ in their chances."""
    random = np.random.default_rng(0)
    for weight in model.generator.weights:
        weight.assign(random.normal(0, 1, weight.shape))
    return model


def chances(model, text):
    logits = model.feed(model.generator, {"text": tf.constant(text)}).numpy().astype(float)
    return np.exp(logits) / np.exp(logits).sum(-1, keepdims=True)


def test_words_are_drawn_as_often_as_the_network_says():
    model = lively(small(text_length=2, filter_sizes=(1,), filters=(3,)))
    texts = model.sample(range(8000)).numpy()
    first = np.bincount(texts[:, 0], minlength=6) / 8000
    expected = chances(model, np.zeros((1, 2), np.int32))[0, 0]
    np.testing.assert_allclose(first, expected, atol=0.02)
    word = expected[1:].argmax() + 1
    after = np.bincount(texts[texts[:, 0] == word, 1], minlength=6) / (texts[:, 0] == word).sum()
    np.testing.assert_allclose(after, chances(model, np.array([[word, 0]], np.int32))[0, 1], atol=0.04)
    assert (texts[texts[:, 0] == 0, 1] == 0).all()  # nothing follows the end


def test_the_likelihood_is_the_product_of_the_choices():
    model, text = lively(small()), np.array([[2, 5, 3, 2], [4, 0, 0, 0]], np.int32)
    told = model.sample([0, 1], endpoint="likelihood", text=text).numpy()[:, 0]
    p = np.take_along_axis(chances(model, text), text[..., None], 2)[..., 0]
    np.testing.assert_allclose(told, [-np.log(p[0]).mean(), -np.log(p[1, :2]).mean()], rtol=1e-4)
    costs = sentences.costs(model.generator(text), text).numpy()
    np.testing.assert_allclose(costs[1], [*-np.log(p[1, :2]), 0, 0], rtol=1e-4)
    imitated = float(model.imitator_loss({"text": tf.constant(text)}, None))
    assert imitated == pytest.approx(costs.mean(), rel=1e-5)


def test_low_temperatures_take_the_likeliest_word():
    model = lively(small())
    cold = model.sample(range(5), endpoint="temper", temperature=[1e-3]).numpy()
    assert (cold == cold[0]).all()
    assert cold[0, 0] == chances(model, cold)[0, 0].argmax()
    plain = model.sample(range(5), endpoint="temper", temperature=[1.0]).numpy()
    np.testing.assert_array_equal(plain, model.sample(range(5)))


def test_continuations_keep_what_is_known():
    model, text = lively(small()), np.array([[2, 3, 4, 5], [5, 4, 3, 2], [2, 0, 0, 0]], np.int32)
    levels = np.random.default_rng(1).random((3, 4)).astype(np.float32)
    made = model.write(model.generator, tf.constant(levels), text=tf.constant(text), known=tf.constant([3, 1, 2]))
    made = made.numpy()
    assert made[0, :3].tolist() == [2, 3, 4] and made[1, 0] == 5 and made[2].tolist() == [2, 0, 0, 0]
    place = (np.cumsum(chances(model, text)[0, 3]) <= levels[0, 3]).sum()
    assert made[0, 3] == place


def test_a_choice_is_worth_what_its_continuations_are():
    """Where only one word is liked, the reward of a beginning is the share of that word in what follows it."""
    model = lively(small(rollouts=200))
    model.believed = lambda text: tf.reduce_mean(tf.cast(text == 4, tf.float32), axis=1, keepdims=True)
    text = tf.constant([[2, 3, 5, 4], [4, 4, 4, 4]])
    model.noise.begin()
    rewards = tf.function(model.rewards)(text).numpy()
    assert rewards[:, 3].tolist() == [0.25, 1.0]
    assert np.abs(rewards[:, :3] * 4 % 1).max() > 0  # means over many continuations
    last = chances(model, text.numpy())[:, 3, 4]  # the only choice that is left after three words
    np.testing.assert_allclose(rewards[:, 2], [last[0] / 4, (3 + last[1]) / 4], atol=0.05)


def test_rewards_raise_the_chance_of_what_is_liked():
    model = small(rollouts=4)
    model.believed = lambda text: tf.reduce_mean(tf.cast(text == 4, tf.float32), axis=1, keepdims=True)
    model.enter(model.phases[2])
    model.compile()

    @tf.function
    def step():
        model.noise.begin()
        made = model.fake({"text": tf.zeros((32, 4), tf.int32)})
        with tf.GradientTape() as tape:
            loss, _ = model.generator_loss(None, made)
        model.descend(model.player("generator"), tape, loss)
        model.step.assign_add(1)
        return tf.reduce_mean(tf.cast(made == 4, tf.float32))

    shares = [float(step()) for _ in range(50)]
    assert shares[0] < 0.4 < 0.6 < shares[-1]


def test_imitation_finds_the_oracle():
    """Held-out costs fall towards those that the oracle itself has."""
    oracle = Oracle(0, 4, 4)
    train, test = (oracle.write(np.random.default_rng(seed).random((512, 4))) for seed in (0, 1))
    model = small(units=16)
    model.compile()
    model.fit({"text": train}, batch_size=64, epochs=12, verbose=0)
    told = model.sample(range(512), endpoint="likelihood", text=test).numpy().mean()
    best = oracle.costs(test).mean()
    assert best - 0.05 < told < best + 0.25
    assert (
        oracle.costs(model.sample(range(512)).numpy()).mean() < oracle.costs(small().sample(range(512)).numpy()).mean()
    )


def test_filters_that_fit_no_text_are_refused():
    with pytest.raises(ZooError, match="as many counts as sizes"):
        small(filter_sizes=(1, 2), filters=(3,))
    with pytest.raises(ZooError, match="not above the 4 words"):
        small(filter_sizes=(7,), filters=(3,))
    assert small(filter_sizes=(2, 7), filters=(3, 3)).discriminator.count_params() > 0
