import keras
import numpy as np
import pytest
import tensorflow as tf
from families import contracts

from tfgan_zoo import zoo
from tfgan_zoo.errors import ZooError
from tfgan_zoo.families.infogan import InfoGAN


def small(**arguments):
    return InfoGAN(
        **{"image_shape": (8, 8, 1), "latent_dim": 4, "categories": 3, "filters": 4, "units": 16, **arguments}
    )


def batch_of(model, size=6):
    return {"image": model.element_spec["image"].to_model(tf.constant(contracts.batch_for(model, size)["image"]))}


def test_the_sizes_are_the_papers():
    model = InfoGAN()
    dense = 74 * 1024 + 2 * 1024 + 1024 * 49 * 128 + 2 * 49 * 128
    deconv = 16 * 128 * 64 + 2 * 64 + 16 * 64 + 1
    sizes = {name: sum(w.numpy().size for w in getattr(model, name).trainable_weights) for name in model.network_names}
    assert sizes["generator"] == dense + deconv
    assert sizes["trunk"] == 16 * 64 + 64 + 16 * 64 * 128 + 2 * 128 + 49 * 128 * 1024 + 2 * 1024
    assert sizes["recognizer"] == 1024 * 128 + 2 * 128 + 129 * 12 and sizes["discriminator"] == 1025


def test_category_and_code_change_the_picture_and_are_drawn_unless_given():
    model = small()
    contracts.enliven(model)
    kinds = model.endpoints["generate"].inputs
    assert list(kinds) == ["z", "code", "label"] and kinds["code"].given([2, -2]).shape == (2,)
    asked = [model.sample([5], **given).numpy().astype(int) for given in
             ({"label": 0, "code": [0, 0]}, {"label": 1, "code": [0, 0]}, {"label": 0, "code": [2, 0]})]  # fmt: skip
    for other in asked[1:]:
        assert (asked[0] != other).any()
    drawn = {"z": 0, "code": 0, "label": 0}
    fake = model.fake(batch_of(model, 200))
    for name in drawn:
        assert len(fake[name]) == 200
    assert np.unique(fake["label"]).tolist() == [0, 1, 2]
    for name in ("z", "code"):
        assert -1 <= np.min(fake[name]) < -0.9 and 0.9 < np.max(fake[name]) <= 1


def test_both_players_raise_the_bound_of_equation_5():
    model = small(info_weight=0.5)
    contracts.enliven(model)
    batch = batch_of(model)
    model.noise.begin()
    fake = model.fake(batch)
    real, made = model.trunk(batch["image"], training=True), model.trunk(fake["image"], training=True)
    read = {key: value.numpy().astype(float) for key, value in model.recognizer(made, training=True).items()}
    log_q = read["label"] - np.log(np.exp(read["label"]).sum(1, keepdims=True))
    label = np.log(3) + log_q[range(6), fake["label"].numpy()].mean()
    gap = read["code"] - fake["code"].numpy()
    code = 2 * np.log(2) + np.sum(-(gap**2) / 2 - np.log(2 * np.pi) / 2, axis=1).mean()

    def softplus(features, sign):
        return np.log1p(np.exp(sign * model.discriminator(features).numpy().astype(float))).mean()

    expected = softplus(real, -1) + softplus(made, 1) - 0.5 * (label + code)
    assert float(model.discriminator_loss(batch, fake)) == pytest.approx(expected, rel=1e-4)
    loss, terms = model.generator_loss(batch, fake)
    assert float(terms["information"]) == pytest.approx(label + code, rel=1e-4)
    assert float(loss) == pytest.approx(softplus(made, -1) - 0.5 * (label + code), rel=1e-4)


def test_codes_are_learnt_without_labels():
    """Q learns to read from a picture of which category it was made."""
    model = small(code_dim=0)
    assert list(model.endpoints) == ["generate", "classify"]
    model.compile({"discriminator": keras.optimizers.Adam(0.01), "generator": keras.optimizers.Adam(0.01)})
    batch = contracts.batch_for(model, 32)
    first, second = (contracts.take_steps(model, batch, steps=40)["information"][0] for _ in range(2))
    assert first < second and 0.35 < second < np.log(3)  # in nats; whoever guesses has 0
    made = model.sample(range(60), label=np.arange(60) % 3).numpy()
    read = model.sample(range(60), endpoint="classify", image=made).numpy()
    assert read.shape == (60,) and set(read) <= {0, 1, 2}


def test_it_does_without_labels_in_the_data_and_refuses_odd_sides():
    assert list(zoo.build("infogan_mnist").element_spec) == ["image"]
    with pytest.raises(ZooError, match="multiples of 4"):
        small(image_shape=(30, 28, 1))
