import numpy as np
import pytest
import tensorflow as tf

from tfgan_zoo.errors import ZooError
from tfgan_zoo.families.vgan import VGAN


def small(**arguments):
    return VGAN(**{"frames": 8, "image_shape": (16, 8, 1), "latent_dim": 4, "filters": 2, **arguments})


def real(model, count=3):
    kind = model.element_spec["video"]
    return {"video": kind.to_model(tf.constant(kind.example(count, np.random.default_rng(0))))}


def cut(model, bias):
    """Make the mask 0 (or 1) everywhere, by the bias of its head."""
    head = next(
        layer
        for layer in model.generator.layers
        if layer.output.shape[-1] == 1 and "sigmoid" in str(layer.get_config().get("activation"))
    )
    deconv = head.input._keras_history.operation
    deconv.kernel.assign(tf.zeros_like(deconv.kernel))
    deconv.bias.assign([bias])


def test_where_the_mask_is_zero_nothing_moves():
    model = small()
    assert {"generate", "encode"} == set(model.endpoints)
    moving = model.sample(range(2)).numpy().astype(int)
    assert moving.shape == (2, 8, 16, 8, 1) and moving.std(axis=1).max() > 0
    cut(model, -100.0)
    still = model.sample(range(2)).numpy()
    assert (still == still[:, :1]).all() and (still[0] != still[1]).any()


def test_the_foreground_is_all_where_the_mask_is_one():
    model = small()
    cut(model, 100.0)
    made = model.sample(range(2)).numpy()
    assert (made != made[:, :1]).any(), "frames of the foreground differ"
    model.noise.begin()
    fake = model.fake(real(model))
    np.testing.assert_allclose(fake["mask"], 1.0)
    assert fake["mask"].shape == (3, 8, 16, 8, 1)


def test_losses_are_those_of_the_paper():
    model = small(mask_weight=0.5)
    batch = real(model)
    model.noise.begin()
    fake = model.fake(batch)
    theirs, ours = (np.asarray(model.judge(video), np.float64) for video in (batch["video"], fake["video"]))
    softplus = lambda x: np.log1p(np.exp(x)).mean()  # noqa: E731
    loss = model.discriminator_loss(batch, fake)
    np.testing.assert_allclose(loss, (softplus(-theirs) + softplus(ours)) / 2, rtol=1e-5)
    loss, terms = model.generator_loss(batch, fake)
    np.testing.assert_allclose(loss, softplus(-ours) + 0.5 * np.mean(fake["mask"]), rtol=1e-5)
    assert set(terms) == {"mask"}


def test_a_first_frame_is_animated():
    model = small(conditional=True, frame_weight=3.0)
    batch = real(model)
    model.noise.begin()
    fake = model.fake(batch)
    loss, _ = model.generator_loss(batch, fake)
    frame = np.abs(np.asarray(fake["video"])[:, 0] - batch["video"][:, 0]).mean()
    deceive = np.log1p(np.exp(-np.asarray(model.judge(fake["video"]), np.float64))).mean()
    np.testing.assert_allclose(loss, deceive + 3 * frame, rtol=1e-5)
    first = np.zeros((2, 16, 8, 1), np.uint8)
    first[1] = 255
    made = model.sample(range(2), endpoint="animate", image=first).numpy()
    assert made.shape == (2, 8, 16, 8, 1) and (made[0] != made[1]).any()


def test_one_stream_has_no_mask():
    model = small(streams=1)
    model.noise.begin()
    assert set(model.fake(real(model))) == {"video"}


@pytest.mark.parametrize("wrong", [{"frames": 12}, {"frames": 4}, {"image_shape": (12, 8, 1)}])
def test_sizes_that_cannot_be(wrong):
    with pytest.raises(ZooError, match="8, 16, 32"):
        small(**wrong)
