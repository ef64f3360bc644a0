import keras
import numpy as np
import pytest
import tensorflow as tf
from families import contracts

from tfgan_zoo.families.arae import ARAE

WORDS = ("red", "green", "apple", "ball")


def small(**arguments):
    sizes = {"text_length": 4, "code_dim": 6, "latent_dim": 3, "units": 5, "discriminator_steps": 1}
    return ARAE(**{"vocabulary": WORDS, **sizes, **arguments})


def test_codes_have_length_1_and_the_ends_of_a_blend_are_the_reconstructions():
    model = small()
    contracts.enliven(model)
    codes = model.sample([0, 1], endpoint="encode", text=["red apple", "ball"]).numpy()
    np.testing.assert_allclose(np.linalg.norm(codes, axis=1), 1, rtol=1e-5)
    for share, text in [(0.0, "red apple"), (1.0, "green ball")]:
        blend = model.sample([0], endpoint="blend", text="red apple", other="green ball", share=[share]).numpy()
        np.testing.assert_array_equal(blend, model.sample([0], endpoint="reconstruct", text=text))


def test_texts_are_restored_from_their_codes_and_not_from_others():
    model, texts = small(code_dim=24, code_noise=0.0), ["red apple", "green apple", "red ball", "green ball ball"]
    model.compile({"autoencoder": keras.optimizers.Adam(0.02)})
    batch = {"text": tf.constant(model.element_spec["text"].encode(texts))}

    @tf.function
    def step():
        with tf.GradientTape() as tape:
            loss, _ = model.autoencoder_loss(batch, None)
        model.descend(model.player("autoencoder"), tape, loss)

    for _ in range(150):
        step()
    again = model.sample(range(4), endpoint="reconstruct", text=texts).numpy()
    assert model.element_spec["text"].decode(again) == texts
    own, other = (
        model.sample(range(4), endpoint="restore_cost", text=texts, other=others).numpy().mean()
        for others in (texts, texts[1:] + texts[:1])
    )
    assert own < other / 3


def test_losses_are_those_of_the_equations():
    model = small(encoder_weight=0.5, code_noise=0.0, gp_weight=2.0)
    contracts.enliven(model)
    batch = {"text": tf.constant([[2, 4, 0, 0], [3, 5, 5, 2]])}
    code = model.feed(model.encoder, batch).numpy()
    logits = model.decoder({"text": batch["text"], "code": tf.constant(code)}).numpy().astype(float)
    chosen = np.take_along_axis(logits, batch["text"].numpy()[..., None], 2)[..., 0]
    costs = np.log(np.exp(logits).sum(-1)) - chosen
    costs[0, 3] = 0  # behind the end
    score = model.discriminator(tf.constant(code)).numpy().mean()
    model.noise.begin()
    loss, terms = model.autoencoder_loss(batch, None)
    assert float(terms["reconstruction"]) == pytest.approx(costs.mean(), rel=1e-4)
    assert float(loss) == pytest.approx(costs.mean() + 0.5 * score, rel=1e-4)
    made = tf.constant(np.random.default_rng(0).normal(size=(2, 6)), tf.float32)
    fake = model.discriminator(made).numpy().mean()
    loss, terms = model.discriminator_loss(batch, made)
    assert float(terms["wasserstein"]) == pytest.approx(score - fake, rel=1e-4)
    assert float(loss) == pytest.approx(fake - score + 2 * float(terms["gp"]), rel=1e-4)
    assert float(model.generator_loss(batch, made)) == pytest.approx(-fake, rel=1e-4)


def test_the_encoder_moves_its_codes_towards_made_ones():
    """Without anything to restore, the encoder's step lowers what the critic sees in its codes."""
    model = small(encoder_weight=1.0)
    contracts.enliven(model)
    batch = {"text": tf.constant([[2, 4, 0, 0], [3, 5, 5, 2]])}
    before = model.discriminator(model.feed(model.encoder, batch)).numpy().mean()
    model.compile({"autoencoder": "sgd"})
    model.costs = lambda batch, code, training=None: tf.zeros((2, 1))
    model.noise.begin()
    with tf.GradientTape() as tape:
        loss, _ = model.autoencoder_loss(batch, None)
    model.descend(model.player("autoencoder"), tape, loss)
    assert model.discriminator(model.feed(model.encoder, batch)).numpy().mean() < before


def test_the_noise_on_codes_fades():
    model = small(code_noise=1.0, code_noise_decay=0.5)
    seen = []
    model.costs = lambda batch, code, training=None: seen.append(code) or tf.zeros((2, 1))
    batch = {"text": tf.constant([[2, 4, 0, 0], [3, 5, 5, 2]])}
    code = model.feed(model.encoder, batch)
    for step in (0, 200):
        model.step.assign(step)
        model.noise.begin()
        model.autoencoder_loss(batch, None)
    deviations = [float(tf.math.reduce_std(one - code)) for one in seen]
    assert 0.5 < deviations[0] < 1.5 and deviations[1] == pytest.approx(deviations[0] / 4, rel=0.6)


def test_pictures_are_black_or_white():
    model = small(image_shape=(4, 4, 1), code_noise=0.0)
    contracts.enliven(model)
    image = tf.constant(np.random.default_rng(0).uniform(-1, 1, (2, 4, 4, 1)), tf.float32)
    code = model.encode({"image": image})
    logits = model.decoder(code, training=False).numpy().astype(float)
    white = image.numpy() > 0
    expected = -np.where(white, np.log(1 / (1 + np.exp(-logits))), np.log(1 - 1 / (1 + np.exp(-logits)))).mean(
        (1, 2, 3)
    )
    np.testing.assert_allclose(model.costs({"image": image}, code, training=False).numpy()[:, 0], expected, rtol=1e-4)
    assert model.sample([1, 2]).dtype == "uint8" and model.sample([1, 2]).shape == (2, 4, 4, 1)
