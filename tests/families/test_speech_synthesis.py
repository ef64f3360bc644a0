import numpy as np
import pytest
import tensorflow as tf
from families.contracts import take_steps

from tfgan_zoo.families.speech_synthesis import SpeechSynthesis

TINY = {"samples": 800, "words": 2, "speakers": 2, "order": 5, "units": 8, "discriminator_units": 8}


def spoken(count=8):
    """Noise that ends at different times, of alternating classes."""
    random = np.random.default_rng(0)
    sounds = random.integers(-9000, 9000, (count, 800, 1)) * (
        np.arange(800)[:, None] < 400 + 40 * np.arange(count)[:, None, None]
    )
    return {"audio": sounds.astype(np.int16), "label": (np.arange(count) % 4).astype(np.int32)}


def in_model_form(batch):
    return {"audio": tf.constant(batch["audio"] / 32767.0, tf.float32), "label": tf.constant(batch["label"])}


@pytest.fixture(scope="module")
def course():
    """A model that has gone through its phases, the logs of each, and how often G had stepped as each began."""
    model, logs, began = SpeechSynthesis(**TINY), {}, []
    model.compile()
    for phase in model.phases:
        model.enter(phase)
        began.append(int(model.optimizer.by_player["generator"].iterations.numpy()))
        logs[phase.name] = take_steps(model, spoken(), steps=4)
    return model, logs, began


def test_its_course_is_that_of_the_paper(course):
    _, logs, began = course
    assert set(logs["mge"]) == {"g_loss"}
    assert set(logs["discriminate"]) == {"d_loss", "spoofed"}
    assert set(logs["adversarial"]) == {"d_loss", "spoofed", "g_loss", "mge", "adversarial"}
    assert began == [0, 0, 0], "optimizers begin anew in each phase"


def test_generation_error_is_of_frames_within_each_sound(course):
    model, _, _ = course
    batch = in_model_form(spoken())
    fake = {key: value.numpy() for key, value in model.fake(batch).items()}
    lengths = fake["mask"].sum(1)
    assert list(lengths) == list(range(10, 18))
    each = [
        np.square(fake["real"][i, :n] - fake["made"][i, :n]).sum(-1).mean() for i, n in enumerate(lengths.astype(int))
    ]
    (_, terms) = model.generator_loss(batch, model.fake(batch))
    assert float(terms["mge"]) == pytest.approx(np.mean(each), rel=1e-4)


def test_the_adversary_is_weighted_by_the_ratio_of_the_losses(course):
    model, _, _ = course
    batch = in_model_form(spoken())
    model.expected.assign([6.0, 2.0])
    loss, terms = model.generator_loss(batch, model.fake(batch))
    assert float(loss) == pytest.approx(float(terms["mge"]) + 3 * float(terms["adversarial"]), rel=1e-5)
    model.adversarial_weight = 0.0
    loss, _ = model.generator_loss(batch, model.fake(batch))
    assert float(loss) == pytest.approx(float(terms["mge"]), rel=1e-5)
    model.adversarial_weight = 1.0
    model.expected.assign([0.0, 0.0])  # at the first step nothing is known of them
    assert float(model.generator_loss(batch, model.fake(batch))[0]) == pytest.approx(float(terms["mge"]), rel=1e-5)


def test_the_discriminator_judges_single_frames(course):
    model, _, _ = course
    batch = in_model_form(spoken())
    fake = model.fake(batch)
    logits = {side: model.discriminator(fake[side]).numpy()[..., 0] for side in ("real", "made")}
    mask = fake["mask"].numpy()
    cost = np.log1p(np.exp(-logits["real"])) + np.log1p(np.exp(logits["made"]))
    loss, terms = model.discriminator_loss(batch, fake)
    assert float(loss) == pytest.approx(np.mean((cost * mask).sum(1) / mask.sum(1)), rel=1e-4)
    spoofed = ((logits["made"] > 0) * mask).sum(1) / mask.sum(1)
    assert float(terms["spoofed"]) == pytest.approx(spoofed.mean(), abs=1e-5)


def test_a_word_a_speaker_and_a_length_make_a_sound_of_that_length(course):
    model, _, _ = course
    asked = {"word": [1, 1], "speaker": [0, 1], "seconds": np.float32([[0.05], [9.0]])}
    made = model.sample([0, 0], endpoint="synthesize", **asked).numpy()
    assert made.shape == (2, 800, 1) and made.dtype == np.int16
    assert made[0, :400].any() and not made[0, 400:].any() and made[1, 700:].any()
    both = model.sample([0, 0], endpoint="synthesize", **{**asked, "seconds": np.float32([[0.1], [0.1]])}).numpy()
    assert (both[0] != both[1]).any(), "two speakers"


def test_repeating_is_synthesizing_in_the_length_of_a_sound(course):
    model, _, _ = course
    heard = {key: value[2:4] for key, value in spoken().items()}  # 12 and 13 frames of word 1
    again = model.sample([0, 0], endpoint="repeat", **heard).numpy()
    asked = {"word": [1, 1], "speaker": [0, 1], "seconds": np.float32([[0.06], [0.065]])}
    np.testing.assert_allclose(again, model.sample([0, 0], endpoint="synthesize", **asked), atol=1)
