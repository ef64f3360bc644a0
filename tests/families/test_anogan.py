import keras
import numpy as np
import pytest
import tensorflow as tf
from families import contracts

from tfgan_zoo import config
from tfgan_zoo.evaluation import Protocol, assess
from tfgan_zoo.families.anogan import AnoGAN
from tfgan_zoo.modalities import Image


def small(**arguments):
    sizes = {"image_shape": (8, 8, 1), "latent_dim": 3, "filters": 4, "search_steps": 3}
    model = AnoGAN(**{**sizes, **arguments})
    contracts.enliven(model)
    return model


def pictures(count=5):
    return np.random.default_rng(0).integers(0, 256, (count, 8, 8, 1), np.uint8)


def in_model_form(stored):
    return Image((8, 8, 1)).to_model(tf.constant(stored))


def test_the_score_adds_up_residual_and_discrimination():
    model, z = small(feature_weight=0.3), np.random.default_rng(1).uniform(-1, 1, (5, 3)).astype("float32")
    image = in_model_form(pictures())
    made = model.generator(z, training=False)
    x = image
    features = []
    for given in (image, made):
        x = given
        for layer in model.discriminator.layers[1:-2]:
            x = layer(x)
        features.append(x.numpy())
    assert features[0].shape == (5, 4 * 4 * 4)
    expected = 0.7 * np.abs(image - made).sum((1, 2, 3)) + 0.3 * np.abs(features[0] - features[1]).sum(1)
    np.testing.assert_allclose(model.distance(image, model.features(image), z), expected, rtol=1e-4)


def test_the_search_finds_what_the_generator_can_make():
    """Made pictures are found again, though the search begins elsewhere; others stay far away."""
    model = small(latent_dim=2, search_steps=300, search_rate=0.02)
    own = model.generate({"z": tf.constant([[0.5, -0.3], [-0.6, 0.2], [0.1, 0.7]])})
    start = tf.constant([[0.9, -0.1], [-0.1, 0.9], [0.6, 0.1]])  # at 0 all rectifiers are at their kink
    before = model.distance(own, model.features(own), start).numpy()
    after = model.score({"image": own, "z": start}).numpy()[:, 0]
    assert (after < before / 5).all(), (before, after)
    other = model.score({"image": in_model_form(pictures(3)), "z": start}).numpy()[:, 0]
    assert other.min() > 5 * after.max()


def test_each_row_is_searched_for_alone_and_nothing_of_the_model_moves():
    model = small()
    before = [weight.numpy() for weight in model.weights]
    together = model.sample(range(5), endpoint="score", image=pictures()).numpy()
    alone = model.sample([3], endpoint="score", image=pictures()[3]).numpy()
    np.testing.assert_allclose(alone[0], together[3], rtol=1e-5)
    for old, weight in zip(before, model.weights, strict=True):
        np.testing.assert_array_equal(old, weight.numpy())
    assert not model.endpoints["score"].exported


def test_an_encoder_is_taught_in_a_second_phase_and_scores_at_once():
    model = small(with_encoder=True, encoder_feature_weight=2.0)
    assert [phase.name for phase in model.phases] == ["play", "encode"] and not small().phases
    batch = {"image": in_model_form(pictures())}
    again = model.reconstruct(batch)
    gap = np.square(model.features(batch["image"]) - model.features(again)).mean(1)
    expected = np.square(batch["image"] - again).mean((1, 2, 3)) + 2 * gap
    np.testing.assert_allclose(model.score_encoded(batch)[:, 0], expected, rtol=1e-4)
    model.enter(model.phases[1])
    model.compile({"encoder": keras.optimizers.Adam(0.01)})
    losses = [contracts.take_steps(model, {"image": pictures()}, steps=20) for _ in range(2)]
    assert list(losses[0]) == ["e_loss"] and losses[1]["e_loss"] < losses[0]["e_loss"]
    assert float(np.mean(model.score_encoded(batch))) < expected.mean()


def test_one_class_is_normal_and_all_are_scored(tmp_path):
    """Training data are of one class; the score is measured on data of all classes."""
    dark, labels = np.zeros((40, 8, 8, 1), np.uint8), np.repeat([0, 1], 20)
    image = np.where(labels[:, None, None, None] == 0, dark, pictures(40))
    np.savez(tmp_path / "both", train_image=image, train_label=labels, test_image=image, test_label=labels)
    source = f'source = "arrays"\npath = "{tmp_path}/both.npz"\n'
    (tmp_path / "one.toml").write_text(f'family = "anogan"\n[data]\n{source}where = {{ label = 0 }}\n')
    (tmp_path / "all.toml").write_text(f'family = "anogan"\n[data]\n{source}')
    experiment = config.load(str(tmp_path / "one.toml"))
    model = small(search_steps=2)
    assert experiment.data.open(model.element_spec).num_examples == 20
    protocol = Protocol(metrics=("auroc@score",), settings={"auroc": {"normal": 0}})
    against = {"image": image, "label": labels.astype(np.int32)}
    (result,) = assess.assess(
        model, experiment, "one", protocol, against=against, options={"data_dir": None, "download": False}
    )
    scores = model.sample(range(40), endpoint="score", image=image).numpy()[:, 0]
    pairs = scores[labels == 1][:, None] - scores[labels == 0][None]
    assert result.value == pytest.approx((np.sign(pairs) / 2 + 0.5).mean(), abs=0.01)
