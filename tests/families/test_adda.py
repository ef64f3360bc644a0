import numpy as np
import pytest
import tensorflow as tf
from families import contracts

from tfgan_zoo import config, zoo
from tfgan_zoo.errors import ZooError
from tfgan_zoo.evaluation import Protocol, assess
from tfgan_zoo.families.adda import ADDA


def small(**arguments):
    return ADDA(**{"image_shape": (16, 16, 1), "num_classes": 3, "filters": 2, "units": 8, **arguments})


def batch_of(model, size=5):
    stored = contracts.batch_for(model, size)
    return {key: kind.to_model(tf.constant(stored[key])) for key, kind in model.element_spec.items()}


def softplus(x):
    return np.log1p(np.exp(np.asarray(x, np.float64))).mean()


@pytest.mark.parametrize("adversary", ["features", "logits"])
def test_adapting_begins_with_a_copy_of_the_source(adversary):
    model = small(adversary=adversary)
    assert model.discriminator.input_shape == (None, 50 if adversary == "features" else 3)
    given = contracts.batch_for(model, 4)
    model.compile(optimizer=contracts.sgd(model, 0.1))
    contracts.enliven(model)
    contracts.take_steps(model, given)

    def answers(name):
        return getattr(model, name)({"y": model.element_spec["y"].to_model(tf.constant(given["y"]))}).numpy()

    before = answers("classify_source_only")
    assert before.shape == (4, 3) and np.abs(answers("classify") - before).max() > 1e-3
    model.enter(model.phases[1])
    np.testing.assert_array_equal(answers("classify"), before)
    contracts.take_steps(model, given)
    assert np.abs(answers("classify") - before).max() > 1e-6
    np.testing.assert_array_equal(answers("classify_source_only"), before)


def test_the_source_is_taught_its_labels():
    model = small(weight_decay=0.5)
    batch = batch_of(model)
    logits = model.classifier(model.encoder_x(batch["x"])).numpy().astype(np.float64)
    p = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    squares = sum(np.square(w.numpy()).sum() for n in (model.encoder_x, model.classifier) for w in n.weights
                  if len(w.shape) > 1)  # fmt: skip
    expected = -np.log(p[range(5), batch["label"]]).mean() + 0.25 * squares
    loss, terms = model.classifier_loss(batch, model.fake(batch))
    assert float(loss) == pytest.approx(expected, rel=1e-5)
    assert float(terms["accuracy"]) == pytest.approx(np.mean(logits.argmax(1) == batch["label"]))


@pytest.mark.parametrize("adversary", ["features", "logits"])
def test_codes_of_x_count_as_real_and_the_encoder_of_y_wants_to_pass_for_it(adversary):
    """With one label turned round, y would be driven away from x, and nothing else would show it."""
    model = small(adversary=adversary)
    contracts.enliven(model)
    model.enter(model.phases[1])
    contracts.enliven(model)
    batch = batch_of(model)
    fake = model.fake(batch)
    x, y = model.discriminator(model.encoder_x(batch["x"])), model.discriminator(model.encoder_y(batch["y"]))
    loss, terms = model.discriminator_loss(batch, fake)
    assert float(loss) == pytest.approx((softplus(-x) + softplus(y)) / 2, rel=1e-5)
    assert float(terms["told_apart"]) == pytest.approx((np.mean(x > 0) + np.mean(y < 0)) / 2)
    assert float(model.encoder_loss(batch, fake)) == pytest.approx(softplus(-y) / 2, rel=1e-5)


def test_small_pictures_are_refused():
    with pytest.raises(ZooError, match="16 or more"):
        small(image_shape=(15, 16, 1))


def test_it_is_measured_by_the_labels_of_y(tmp_path):
    """The labels of x teach; those of y are asked for in measuring alone."""
    random = np.random.default_rng(0)
    for name, label in (("x", 1), ("y", 2)):
        pictures = random.integers(0, 256, (6, 16, 16, 1), np.uint8)
        labels = np.array([0, 1, 2, label, label, label], np.int32)
        np.savez(tmp_path / name, train_image=pictures, train_label=labels, test_image=pictures, test_label=labels)
    (tmp_path / "adda.toml").write_text(
        'family = "adda"\n'
        "model = { image_shape = [16, 16, 1], filters = 2, units = 8 }\n"
        "[data]\n"
        'source = "domains"\n'
        f'x = {{ source = "arrays", path = "{tmp_path}/x.npz" }}\n'
        f'y = {{ source = "arrays", path = "{tmp_path}/y.npz" }}\n'
    )
    experiment = config.load(str(tmp_path / "adda.toml"))
    model = zoo.build(experiment)
    assert model.num_classes == 3, "the data say it"
    for weight in model.classifier.weights:
        weight.assign([0.0, 0.0, 1.0] if len(weight.shape) == 1 else np.zeros(weight.shape))
    nowhere_else = {"data_dir": None, "download": False}
    results = assess.assess(model, experiment, "adda", Protocol(metrics=("accuracy@classify",)), options=nowhere_else)
    assert [(result.metric, result.value) for result in results] == [("accuracy@classify", pytest.approx(4 / 6))]
