"""Next-frame prediction: it sees no more than the past, continues what it is given, and its losses are the papers'."""

import numpy as np
import pytest
import tensorflow as tf
from helpers import run

from tfgan_zoo import images, losses
from tfgan_zoo.errors import ZooError
from tfgan_zoo.families.next_frame import NextFrame


def small(**arguments):
    sizes = {"past": 3, "image_shape": (16, 8, 1), "filters": 2, "units": 4, "ahead": 2, "restore_steps": 0}
    return NextFrame(**{**sizes, **arguments})


def multiscale(**arguments):
    return small(**{"predictor": "multiscale", "scales": 2, "adversarial_weight": 0.05, **arguments})


def clips(model, count=3, frames=None):
    random = np.random.default_rng(0)
    return random.integers(0, 256, (count, frames or model.past + 1, *model.image_shape)).astype(np.uint8)


def real(model):
    return {"video": model.element_spec["video"].to_model(tf.constant(clips(model)))}


@pytest.mark.parametrize("make", [small, multiscale])
def test_the_last_frame_is_foreseen_from_those_before_it_alone(make):
    model = make()
    video = clips(model)
    made = model.sample(range(3), endpoint="foresee", video=video).numpy()
    np.testing.assert_array_equal(made[:, :-1], video[:, :-1])
    other = video.copy()
    other[:, -1] = 255 - other[:, -1]
    np.testing.assert_array_equal(model.sample(range(3), endpoint="foresee", video=other), made)
    other[:, 0] = 255 - other[:, 0]
    assert (model.sample(range(3), endpoint="foresee", video=other).numpy()[:, -1] != made[:, -1]).any()


@pytest.mark.parametrize("make", [small, multiscale])
def test_a_video_of_any_length_is_continued_frame_by_frame(make):
    model = make()
    for frames in (1, 3, 7):
        video = clips(model, frames=frames)
        longer = model.sample(range(3), endpoint="predict", video=video).numpy()
        assert longer.shape == (3, frames + 2, 16, 8, 1)
        np.testing.assert_array_equal(longer[:, :frames], video)
    seen = model.element_spec["video"].to_model(tf.constant(clips(model, frames=7)))
    first = model.foresee({"video": seen[:, -4:]})  # the last of which is not looked at
    whole = model.predict({"video": seen[:, :-1]})
    np.testing.assert_allclose(whole[:, 6], first[:, -1], atol=1e-5)
    second = model.foresee({"video": tf.concat([whole[:, 4:7], seen[:, :1]], 1)})
    np.testing.assert_allclose(whole[:, 7], second[:, -1], atol=1e-5)


def test_keras_own_predict_stays():
    model = multiscale(adversarial_weight=0.0, ahead=1)
    seen = real(model)["video"].numpy()
    answers = model.predict(seen, batch_size=2, verbose=0)
    np.testing.assert_allclose(answers, model.predict({"video": tf.constant(seen)}), atol=1e-5)


@pytest.mark.parametrize("norm", [1, 2])
def test_losses_are_those_of_the_paper(norm):
    model = multiscale(norm=norm, gdl_weight=0.5)
    batch = real(model)
    fake = model.fake(batch)
    assert [frame.shape[1:3] for frame in fake] == [(8, 4), (16, 8)]
    true = batch["video"][:, -1].numpy().astype(np.float64)
    half = true.reshape(3, 8, 2, 4, 2, 1).mean((2, 4))
    theirs, ours = (
        np.asarray(model.judge(batch, seen), np.float64)
        for seen in (map(tf.constant, [half.astype("f4"), true.astype("f4")]), fake)
    )
    assert theirs.shape == (3, 2)
    cost = lambda x: np.log1p(np.exp(x)).mean(0).sum()  # noqa: E731
    np.testing.assert_allclose(model.discriminator_loss(batch, fake), cost(-theirs) + cost(ours), rtol=1e-5)
    made = fake[-1].numpy().astype(np.float64)
    restore = (np.abs(true - made) ** norm).mean()
    down, right = (np.abs(np.abs(np.diff(true, axis=i)) - np.abs(np.diff(made, axis=i))).mean() for i in (1, 2))
    loss, terms = model.generator_loss(batch, fake)
    np.testing.assert_allclose(loss, restore + 0.5 * (down + right) + 0.05 * cost(-ours), rtol=1e-5)
    assert set(terms) == {"restore", "gdl", "deceive"}


def test_edges_of_equal_height_have_no_gradient_difference():
    frame = np.random.default_rng(0).normal(size=(2, 5, 6, 1)).astype(np.float32)
    assert float(losses.gradient_difference(frame, -frame + 3)) < 1e-6
    blurred = np.full_like(frame, frame.mean())
    assert float(losses.gradient_difference(frame, blurred)) > 0.5


def test_the_adversary_enters_later_or_never():
    model = small(restore_steps=5)
    model.compile()
    assert [phase.name for phase in model.phases] == ["restore", "deceive"]
    assert [player.name for player in model.playing] == ["generator"]
    batch = real(model)
    assert set(model.generator_loss(batch, model.fake(batch))[1]) == {"restore"}
    model.enter(model.phases[1])
    assert [player.name for player in model.playing] == ["discriminator", "generator"]
    alone = small(adversarial_weight=0.0, restore_steps=5)
    assert alone.network_names == ("generator",) and not alone.phases


def test_a_coarse_guess_is_corrected():
    """Without weights in the last scale, its answer is the coarser one, enlarged."""
    model = multiscale()
    for weight in model.generator.weights[-8:]:
        weight.assign(tf.zeros_like(weight))
    batch = real(model)
    coarse, fine = model.fake(batch)
    np.testing.assert_allclose(fine, np.tanh(np.repeat(np.repeat(coarse, 2, 1), 2, 2)), atol=1e-6)


def test_multiscale_trains_both_players():
    model = multiscale()
    model.compile()
    before = [weight.numpy() for weight in model.weights]
    history = model.fit({"video": clips(model, 8)}, batch_size=8, verbose=0).history
    assert set(history) == {"d_loss", "g_loss", "restore", "deceive"}
    names = [weight.path for weight, old in zip(model.weights, before, strict=True) if (weight.numpy() != old).any()]
    assert len(names) > len(before) / 2


def test_a_gif_is_continued(tmp_path):
    model = multiscale(adversarial_weight=0.0)
    model.save(tmp_path / "model.keras")
    video = np.repeat(clips(model, 1, frames=6)[0] // 128 * 255, 2, axis=1)  # of another size, in two colours
    images.save_gif(tmp_path / "walk.gif", list(video))
    asked = "translate", tmp_path / "model.keras", tmp_path / "walk.gif", tmp_path / "on.gif", "--endpoint", "predict"
    done = run(*asked)
    assert done.exit_code == 0, done.output
    assert images.decode_frames(tmp_path / "on.gif").shape[:3] == (8, 16, 8)


@pytest.mark.parametrize("wrong", [{"scales": 5}, {"image_shape": (16, 12, 1), "scales": 3}, {"filters": 1}])
def test_sizes_that_cannot_be(wrong):
    with pytest.raises(ZooError, match="give 1 to 4 scales"):
        multiscale(**wrong)
