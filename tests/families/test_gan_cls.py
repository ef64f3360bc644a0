import numpy as np
import pytest
import tensorflow as tf
from families import contracts

from tfgan_zoo.families.gan_cls import GANCLS
from tfgan_zoo.networks.captions import neighbours

WORDS = ("red", "green", "apple", "ball")


def small(**arguments):
    sizes = {"latent_dim": 4, "filters": 4, "code_dim": 8, "text_dim": 4, "group": 4, "text_length": 3}
    return GANCLS((16, 16, 3), WORDS, **{**sizes, **arguments})


def batch_of(model, texts):
    kinds = model.element_spec
    pictures = np.random.default_rng(0).integers(0, 256, (len(texts), 16, 16, 3), np.uint8)
    return {
        "image": kinds["image"].to_model(tf.constant(pictures)),
        "text": tf.constant(kinds["text"].encode(texts)),
    }


def test_words_become_pictures_and_codes():
    model = small()
    red, green = (model.sample(range(2), text=text).numpy() for text in ("red apple", "green ball"))
    assert red.shape == (2, 16, 16, 3) and (red != green).any()
    codes = model.sample(range(2), endpoint="embed_text", text=["red apple", "green ball"]).numpy()
    np.testing.assert_allclose(np.linalg.norm(codes, axis=1), 1, rtol=1e-5)


def test_a_blend_runs_from_one_text_to_the_other():
    model = small()
    ends = [model.sample([3], text=text).numpy().astype(int) for text in ("red apple", "green ball")]
    blends = [
        model.sample([3], endpoint="blend", text="red apple", other="green ball", share=[share]).numpy().astype(int)
        for share in (0.0, 0.5, 1.0)
    ]
    for end, blend in zip(ends, blends[::2]):
        assert np.abs(end - blend).max() <= 1
    assert (blends[1] != ends[0]).any() and (blends[1] != ends[1]).any()


def test_what_is_matched_are_a_texts_code_and_that_of_its_picture():
    model, texts = small(), ["red apple", "green ball"]
    contracts.enliven(model)  # the pictures of a new model are so faint that rounding would change what is seen
    matched = model.sample([3, 4], endpoint="match", text=texts).numpy()
    np.testing.assert_allclose(matched[:, :8], model.sample([0, 1], endpoint="embed_text", text=texts), atol=1e-6)
    pictures = model.sample([3, 4], text=texts).numpy()
    seen = model.sample([0, 1], endpoint="embed_image", image=pictures)
    np.testing.assert_allclose(matched[:, 8:], seen, atol=0.02)  # there the picture is not rounded
    data = model.sample([0, 1], endpoint="match_data", text=texts, image=pictures)
    np.testing.assert_allclose(data, np.concatenate([matched[:, :8], seen], axis=1), atol=1e-6)


def test_the_wrong_text_is_the_partners():
    rows = tf.reshape(tf.range(8.0), (4, 2))
    np.testing.assert_array_equal(neighbours(rows), rows.numpy()[[1, 0, 3, 2]])


def test_right_pairs_cost_less_than_wrong_ones_once_matched():
    model = small()
    batch = batch_of(model, ["red apple", "green apple", "red ball", "green ball"])
    blind = float(model.encoder_loss(batch, None))
    model.compile("adam")
    model.optimizer.learning_rate = 1e-2
    for _ in range(30):
        with tf.GradientTape() as tape:
            loss = model.encoder_loss(batch, None)
        model.descend(model.players[0], tape, loss)
    assert float(loss) < blind / 4


def test_the_discriminator_learns_three_things():
    model = small()
    model.enter(model.phases[1])
    batch = batch_of(model, ["red apple", "green apple", "red ball", "green ball"])
    model.noise.begin()
    code, drawn = model.fake(batch)

    def softplus(image, code, sign):
        return np.log1p(np.exp(sign * model.judge(image, code).numpy().astype(float))).mean()

    wrong = softplus(batch["image"], tf.gather(code, [1, 0, 3, 2]), 1)
    expected = softplus(batch["image"], code, -1) + (wrong + softplus(drawn, code, 1)) / 2
    assert float(model.discriminator_loss(batch, (code, drawn))) == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize(("policy", "same"), [("", True), ("cutout", False)])
def test_the_discriminator_sees_pictures_with_the_changes_that_are_named(policy, same):
    model, seen = small(augment=policy), []
    model.feed = lambda network, inputs: seen.append(inputs["image"])
    model.noise.begin()
    model.judge(tf.ones((8, 16, 16, 3)), tf.zeros((8, 8)))
    assert (seen[0].numpy() == 1).all() == same
