import numpy as np
import pytest
import tensorflow as tf
from families import contracts

from tfgan_zoo.families.advgan import AdvGAN

SETTINGS = {"image_shape": (16, 16, 1), "num_classes": 3, "target_filters": 4, "filters": 2}


def small(**arguments):
    return AdvGAN(**SETTINGS | {"target": "C"} | arguments)


def batch_of(model, size=6):
    stored = contracts.batch_for(model, size)
    return {key: kind.to_model(tf.constant(stored[key])) for key, kind in model.element_spec.items()}


def at(model, phase):
    """The model in the phase of that name, alive."""
    contracts.enliven(model)
    for each in model.phases:
        model.enter(each)
        if each.name == phase:
            return model


def softmax(logits):
    p = np.exp(np.asarray(logits, np.float64))
    return p / p.sum(1, keepdims=True)


def test_a_change_is_bounded_and_stays_within_the_range_of_pictures():
    model = at(small(epsilon=0.1), "attack")
    x = batch_of(model)["image"].numpy()
    made, change = (model.fake(batch_of(model))[key].numpy() for key in ("image", "change"))
    np.testing.assert_allclose(made, np.clip(x + 0.2 * change, -1, 1), atol=1e-6)
    assert 0 < np.abs(made - x).max() <= 0.2 + 1e-6
    assert change.min() < 0 < change.max(), "pixels become darker and lighter"


def test_the_losses_are_the_papers():
    model = at(small(gan_weight=0.5, hinge_weight=0.25, bound=0.5), "attack")
    batch = batch_of(model)
    fake = model.fake(batch)
    y, logits = batch["label"].numpy(), model.classifier(fake["image"], training=False).numpy()
    others = np.where(np.eye(3, dtype=bool)[y], -np.inf, logits).max(1)
    attack = np.maximum(logits[range(6), y] - others, 0).mean()
    real, made = (model.discriminator(x).numpy() for x in (batch["image"], fake["image"]))
    length = np.sqrt(np.square(0.3 * fake["change"].numpy()).sum((1, 2, 3)))
    assert length.max() > 0.5
    loss, terms = model.generator_loss(batch, fake)
    assert float(terms["attack"]) == pytest.approx(attack, rel=1e-4)
    assert float(terms["deceive"]) == pytest.approx(0.25 * np.square(made - 1).mean(), rel=1e-4)
    assert float(terms["hinge"]) == pytest.approx(0.25 * np.maximum(length - 0.5, 0).mean(), rel=1e-4)
    assert float(loss) == pytest.approx(sum(float(terms[name]) for name in ("attack", "deceive", "hinge")), rel=1e-5)
    assert float(terms["success"]) == pytest.approx(np.mean(logits.argmax(1) != y))
    expected = (np.square(real - 1).mean() + np.square(made).mean()) / 2
    assert float(model.discriminator_loss(batch, fake)) == pytest.approx(expected, rel=1e-4)


def test_the_attacked_classifier_is_in_inference_mode():
    """With dropout left on, a target looks easier to deceive than it is."""
    model = at(small(), "attack")
    batch = batch_of(model)
    fake = model.fake(batch)
    first, second = (float(model.generator_loss(batch, fake)[1]["attack"]) for _ in range(2))
    assert first == second > 0
    taught = [float(model.classifier_loss(batch, None)[0]) for _ in range(2)]
    assert taught[0] != taught[1], "it learns with dropout"


@pytest.mark.parametrize("knowledge", ["static", "dynamic"])
def test_in_a_black_box_the_student_is_attacked_and_the_classifier_only_answers(knowledge):
    model = at(small(knowledge=knowledge, student="A", dropout=0.0), "distill")
    batch = batch_of(model)

    def entropy(image):
        answers, own = softmax(model.classifier(image)), softmax(model.imitator(image))
        return -(answers * np.log(own)).sum(1).mean()

    assert float(model.imitator_loss(batch, model.fake(batch))) == pytest.approx(entropy(batch["image"]), rel=1e-4)
    model.enter(model.phases[-1])
    assert ("imitator" in [player.name for player in model.playing]) == (knowledge == "dynamic")
    fake = model.fake(batch)
    both = entropy(batch["image"]) + entropy(fake["image"])
    assert float(model.imitator_loss(batch, fake)) == pytest.approx(both, rel=1e-4)

    def attack():
        return float(model.generator_loss(batch, fake)[1]["attack"])

    before = attack()
    for weight in model.classifier.trainable_weights:
        weight.assign(weight * 2)
    assert attack() == before
    model.imitator.layers[-1].kernel.assign(model.imitator.layers[-1].kernel * 2)
    assert attack() != before
