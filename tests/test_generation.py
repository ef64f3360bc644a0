"""Grids and picture files; samples, walks and arithmetic by seed."""

from types import SimpleNamespace

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image
from toys import CLASSES, MODELS, lively, spoiled

from tfgan_zoo import generation, images, modalities, resources, sampling
from tfgan_zoo.errors import ZooError

PICTURES = ("dcgan", "dcgan_ema", "gan")


@pytest.fixture(scope="module", params=PICTURES)
def model(request):
    return lively(MODELS[request.param]())


@pytest.fixture(scope="module")
def dcgan():
    return lively(MODELS["dcgan_ema"]())


@pytest.fixture(scope="module")
def labelled():
    return lively(MODELS["labelled"]())


def one_line(error) -> str:
    assert "\n" not in str(error.value)
    return str(error.value)


# === Pictures ===
def test_grid_places_images_in_rows():
    tiles = np.arange(5, dtype=np.uint8)[:, None, None, None] * np.ones((1, 2, 3, 1), np.uint8)
    result = images.grid(tiles, padding=1, scale=2)
    assert result.shape == (2 * 5 + 1, 3 * 7 + 1, 1) and result.dtype == np.uint8
    assert (result[1:5, 8:14] == 1).all() and (result[6:10, 1:7] == 3).all()
    assert (result[6:, 15:] == 255).all() and (result[0] == 255).all() and (result[:, 7] == 255).all()
    assert images.grid(tiles, columns=9, padding=0, scale=1).shape == (2, 15, 1)


@pytest.mark.parametrize(
    "side, count, scale",
    [
        (28, 16, 3),
        (28, 100, 3),
        (32, 400, 1),
        (64, 16, 1),
        (16, 1, 6),
    ],
)
def test_grid_enlarges_what_is_small(side, count, scale):
    columns = int(count**0.5)
    picture = images.grid(np.zeros((count, side, side, 3), np.uint8))
    assert picture.shape == (columns * (side * scale + 2) + 2,) * 2 + (3,)


@pytest.mark.parametrize(
    "bad",
    [
        np.zeros((2, 4, 4, 1)),
        np.zeros((4, 4, 1), np.uint8),
        np.zeros((0, 4, 4, 1), np.uint8),
        np.zeros((1, 4, 4, 2), np.uint8),
    ],
)
def test_grid_refuses_other_arrays(bad):
    with pytest.raises(ZooError, match="uint8 images"):
        images.grid(bad)


@pytest.mark.parametrize("channels", [1, 3])
def test_picture_files(tmp_path, channels):
    frames = np.random.default_rng(0).integers(0, 256, (3, 8, 6, channels), np.uint8)
    images.save_image(tmp_path / "a.png", frames[0])
    with Image.open(tmp_path / "a.png") as read:
        assert read.mode == {1: "L", 3: "RGB"}[channels]
        assert np.array_equal(np.asarray(read).reshape(frames[0].shape), frames[0])
    images.save_image(tmp_path / "a.jpg", frames[0])
    images.save_gif(tmp_path / "a.gif", frames, seconds=0.1)
    with Image.open(tmp_path / "a.gif") as read:
        assert read.n_frames == 3 and read.info["duration"] == 100 and read.info["loop"] == 0
    assert len(list(tmp_path.iterdir())) == 3  # nothing temporary


# === Samples ===
def test_an_image_depends_on_its_seed_alone(model):
    whole = generation.generate(model, 19, seed=5)
    assert whole.shape == (19, *model.image_shape) and whole.dtype == np.uint8
    assert len({image.tobytes() for image in whole}) == 19
    assert np.array_equal(generation.generate(model, 19, seed=5), whole)
    assert np.array_equal(generation.generate(model, 19, seed=5, batch=3), whole)
    assert np.array_equal(generation.generate(model, 1, seed=5), whole[:1])
    assert np.array_equal(generation.generate(model, 7, seed=11, batch=5), whole[6:13])
    assert np.abs(whole - model.sample_images(tf.range(5, 24)).numpy().astype(int)).max() <= 1


def test_truncation_changes_images(dcgan):
    assert not np.array_equal(generation.generate(dcgan, 2), generation.generate(dcgan, 2, truncation=0.5))


def test_generate_writes_a_grid_or_a_folder(dcgan, tmp_path):
    result = generation.generate(dcgan, 4, out=tmp_path / "new" / "grid.png")
    with Image.open(tmp_path / "new" / "grid.png") as read:
        assert np.array_equal(np.asarray(read), images.grid(result)[:, :, 0])
    generation.generate(dcgan, 4, out=tmp_path / "plain.jpg", grid=False)
    with Image.open(tmp_path / "plain.jpg") as read:
        assert read.size == (32, 32)
    result = generation.generate(dcgan, 3, seed=7, out=tmp_path / "single")
    names = sorted(path.name for path in (tmp_path / "single").iterdir())
    assert names == ["seed00000007.png", "seed00000008.png", "seed00000009.png"]
    with Image.open(tmp_path / "single" / "seed00000008.png") as read:
        assert np.array_equal(np.asarray(read), result[1, :, :, 0])


@pytest.mark.parametrize(
    "bad, message",
    [
        ({"num": 0}, "num must be a whole number of 1 or more, got 0"),
        ({"num": 1.5}, "num must be"),
        ({"batch": 0}, "batch must be"),
        ({"seed": -1}, "a seed must be"),
        ({"seed": 2**63 - 1}, "less than 2\\*\\*63"),
        ({"truncation": 0.0}, "truncation must be a number greater than 0"),
        ({"truncation": float("nan")}, "truncation must be"),
        ({"out": "images.txt"}, r"cannot write \.txt; choose one of \.png, \.jpg, \.jpeg, \.npy, a folder"),
        ({"out": __file__ + "/x.png"}, "is a file, not a folder"),
    ],
)
def test_generate_refuses_what_cannot_work(dcgan, bad, message):
    with pytest.raises(ZooError, match=message) as error:
        generation.generate(dcgan, **bad)
    one_line(error)


@pytest.mark.parametrize("name", ["points", "labelled_points"])
def test_points(name, tmp_path):
    model = lively(MODELS[name]())
    whole = generation.generate(model, 19, seed=5, out=tmp_path / "points.npy")
    assert whole.shape == (19, 2) and whole.dtype == np.float32 and len(np.unique(whole, axis=0)) > 10
    assert np.array_equal(generation.generate(model, 7, seed=11, batch=5), whole[6:13])
    assert np.array_equal(np.load(tmp_path / "points.npy"), whole)
    np.testing.assert_allclose(model.sample(tf.range(5, 24)), whole, atol=1e-6)
    generation.generate(model, 19, seed=5, out=tmp_path / "points.png", grid=False)
    with Image.open(tmp_path / "points.png") as read:
        assert read.size == (256, 256) and (np.asarray(read) < 255).sum() > 10  # one plot of all
    generation.generate(model, 2, out=tmp_path / "single")
    assert sorted(p.name for p in (tmp_path / "single").iterdir()) == ["seed00000000.npy", "seed00000001.npy"]
    assert np.array_equal(np.load(tmp_path / "single" / "seed00000001.npy"), generation.generate(model, 1, seed=1)[0])


def test_classes_are_given_or_drawn(labelled):
    third = generation.generate(labelled, 6, label=3)
    assert np.array_equal(generation.generate(labelled, 6, label=[3] * 6, batch=4), third)
    mixed = [1, 3, 0, 3, 2, 3]
    each = generation.generate(labelled, 6, label=mixed)
    assert [np.array_equal(a, b) for a, b in zip(each, third)] == [label == 3 for label in mixed]
    drawn = sampling.draw(labelled, "generate", tf.range(6))["label"].numpy()
    assert set(drawn) <= set(range(CLASSES)) and len(set(drawn)) > 1
    assert np.array_equal(generation.generate(labelled, 6), generation.generate(labelled, 6, label=drawn))


@pytest.mark.parametrize(
    "given, said",
    [
        ({"label": CLASSES}, f"label: .*5.*from 0 to {CLASSES - 1}"),
        ({"label": -1}, "from 0 to 4"),
        ({"label": 1.5}, "label: .*1.5.*whole number"),
        ({"label": "three"}, "label: .*'three'.*whole number"),
        ({"label": [1, 2, 3]}, "label: got 3 of them; give one for all, or one for each of 4"),
        ({"lable": 3}, "unknown input 'lable': did you mean 'label'"),
        ({"z": [1.0, 2.0]}, r"z: got .* of shape \(2,\); it takes numbers of shape \(8,\)"),
        ({"z": [[1.0], [2.0, 3.0]]}, "z: got"),
        ({"z": "noise"}, "z: got 'noise'"),
        ({"z": [np.nan] * 8}, "z: got"),
    ],
)
def test_a_wrong_condition_is_named(labelled, given, said):
    with pytest.raises(ZooError, match=said) as error:
        generation.generate(labelled, 4, **given)
    one_line(error)


def test_another_endpoint_is_asked():
    model, code = lively(MODELS["encoding"]()), np.array([0.5, -1, 0, 2], np.float32)
    painted = generation.generate(model, endpoint="paint", code=code)
    assert painted.shape == (1, 8, 8, 1)  # nothing is drawn, so there is one answer
    np.testing.assert_array_equal(painted, model.sample([0], "paint", code=code))
    assert len(generation.generate(model, endpoint="paint", code=np.stack([code] * 3), num=3)) == 3
    assert generation.without_files(model) == "generate" and len(generation.generate(model)) == 16
    with pytest.raises(ZooError) as error:
        generation.generate(model, endpoint="paint")
    assert one_line(error) == "Encoding.paint needs code (Points (4)): give it with --given code=VALUE."
    with pytest.raises(ZooError, match="unknown endpoint 'pant': did you mean 'paint'"):
        generation.generate(model, endpoint="pant")


@pytest.mark.parametrize(
    "left, found",
    [
        (["encode", "paint"], "paint"),
        (["encode", "classify"], "makes nothing out of noise; it can encode, classify: use `translate`."),
        (["encode", "paint", "again"], "use `translate`, or name one (--endpoint paint)."),
    ],
)
def test_models_without_generate_are_asked_what_needs_no_file(left, found):
    every = MODELS["encoding"]().endpoints
    model = SimpleNamespace(endpoints={name: every[name if name in every else "paint"] for name in left})
    if found == "paint":
        assert generation.without_files(model) == found
        return
    with pytest.raises(ZooError) as error:
        generation.without_files(model)
    assert found in one_line(error)


def test_noise_can_be_given(labelled):
    z = np.random.default_rng(0).normal(size=(3, 8)).astype(np.float32)
    made = generation.generate(labelled, 3, label=2, z=z)
    expected = labelled.generator([z, np.full(3, 2)])
    assert np.abs(made - (expected.numpy() + 1) * 127.5).max() <= 1
    assert np.array_equal(generation.generate(labelled, 2, label=2, z=z[1])[1], made[1])


@pytest.mark.parametrize("name", ["gan", "points", "labelled"])
def test_broken_weights_make_no_answers(name, tmp_path):
    model = spoiled(lively(MODELS[name]()))
    for ask in (
        lambda **out: generation.generate(model, 3, **out),
        lambda **out: generation.interpolate(model, [0, 1], **out),
        lambda **out: generation.arithmetic(model, "1 - 2", **out),
    ):
        with pytest.raises(ZooError, match="NaN or infinity in .* weights are broken") as error:
            ask(out=tmp_path / "a.png")
        assert model.name in one_line(error)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["dcgan", "points"])
def test_more_than_memory_holds_is_refused_before_the_work(name, monkeypatch, tmp_path):
    monkeypatch.setattr(resources, "free_memory", lambda: 1_000_000_000)
    model = MODELS[name]()
    model.generate = None  # asking it would fail
    for ask in (
        lambda: generation.generate(model, 100_000_000, out=tmp_path / "many"),
        lambda: generation.interpolate(model, [0, 1], steps=100_000_000),
    ):
        with pytest.raises(ZooError, match="=100000000: takes .* GB of memory, and 1.0 GB are free") as error:
            ask()
        one_line(error)


# === Walks ===
def test_slerp_follows_the_arc():
    a, b = tf.constant([[2.0, 0.0]] * 3), tf.constant([[0.0, 2.0]] * 3)
    t = tf.linspace(0.0, 1.0, 3)
    result = generation.slerp(a, b, t).numpy()
    np.testing.assert_allclose(result, [[2, 0], [2**0.5, 2**0.5], [0, 2]], atol=1e-6)
    shaped = generation.slerp(tf.reshape(a, (3, 2, 1)), tf.reshape(b, (3, 2, 1)), t)  # noise of several axes
    np.testing.assert_array_equal(shaped[..., 0], result)
    for other in (a * 3, -a, a * 0):  # on one line
        np.testing.assert_allclose(generation.slerp(a, other, t), generation.lerp(a, other, t))


def test_interpolation_runs_from_seed_to_seed(dcgan, tmp_path):
    ends = generation.generate(dcgan, 3).astype(int)
    for method in ("linear", "spherical"):
        result = generation.interpolate(dcgan, [0, 1, 2], steps=3, method=method, out=tmp_path / "strip.png")
        assert result.shape == (2, 3, 16, 16, 1)
        for pair in (0, 1):
            assert np.abs(result[pair, [0, -1]] - ends[pair : pair + 2]).max() <= 1
    with Image.open(tmp_path / "strip.png") as read:
        assert read.size == (3 * (16 * 6 + 2) + 2, 2 * (16 * 6 + 2) + 2)
    generation.interpolate(dcgan, [0, 1, 2], steps=3, out=tmp_path / "walk.gif")
    with Image.open(tmp_path / "walk.gif") as read:
        assert read.n_frames == 8  # five images there, three between on the way back
    for bad, message in [
        ({"seeds": [1]}, "two or more"),
        ({"method": "cubic"}, "Allowed: linear, spherical"),
        ({"steps": 1}, "steps must"),
        ({"out": "strip"}, "choose one of .png"),
    ]:
        with pytest.raises(ZooError, match=message) as error:
            generation.interpolate(dcgan, **bad)
        one_line(error)


def test_points_are_walked_between(tmp_path):
    model = lively(MODELS["points"]())
    t = tf.linspace(0.0, 1.0, 5)
    a, b = sampling.draw(model, "generate", [3, 9])["z"]
    for method, between in (("linear", generation.lerp), ("spherical", generation.slerp)):
        walk = generation.interpolate(model, [3, 9], steps=5, method=method)
        assert walk.shape == (1, 5, 2) and walk.dtype == np.float32
        expected = model({"z": between(tf.stack([a] * 5), tf.stack([b] * 5), t)})
        np.testing.assert_allclose(walk[0], expected, atol=1e-6)
    walk = generation.interpolate(model, [3, 9], steps=5, out=tmp_path / "a.npy")
    assert np.array_equal(np.load(tmp_path / "a.npy"), walk)
    generation.interpolate(model, [3, 9, 4], steps=5, out=tmp_path / "a.png")
    with Image.open(tmp_path / "a.png") as read:
        assert read.size == (256 + 4, 2 * (256 + 2) + 2)  # one plot for each pair
    with pytest.raises(ZooError, match=r"cannot write \.gif"):
        generation.interpolate(model, out=tmp_path / "a.gif")


def test_a_class_stays_while_noise_moves(labelled):
    """Labels are whole numbers: they are held, and never interpolated."""
    for given in ({"label": 4}, {}):
        label = given.get("label", int(sampling.draw(labelled, "generate", [2])["label"][0]))
        ends = generation.generate(labelled, 3, seed=2, label=label).astype(int)
        for method in generation.METHODS:
            walk = generation.interpolate(labelled, [2, 4, 3], steps=4, method=method, **given)
            assert walk.shape == (2, 4, 8, 8, 1)
            assert np.abs(walk[:, [0, -1]] - ends[[[0, 2], [2, 1]]]).max() <= 1
    with pytest.raises(ZooError, match="label: got 3 of them; give one"):
        generation.interpolate(labelled, [2, 4, 3], label=[1, 2, 3])


def test_truncation_moves_the_walk(dcgan):
    plain = generation.interpolate(dcgan, [0, 1], steps=3)
    short = generation.interpolate(dcgan, [0, 1], steps=3, truncation=0.5)
    assert not np.array_equal(plain, short)
    ends = generation.generate(dcgan, 2, truncation=0.5).astype(int)
    assert np.abs(short[0, [0, -1]] - ends).max() <= 1
    with pytest.raises(ZooError, match="truncation must be"):
        generation.interpolate(dcgan, truncation=0)


# === Arithmetic ===
def test_parse():
    assert generation.parse("3 - 7 + 12") == [(1, [3]), (-1, [7]), (1, [12])]
    assert generation.parse(" (1,2 , 3)-( 4,5)+(7) ") == [(1, [1, 2, 3]), (-1, [4, 5]), (1, [7])]
    assert generation.parse("-2") == [(-1, [2])]


@pytest.mark.parametrize(
    "bad, named",
    [
        ("", "''"),
        ("3 -", "'-' at character 3"),
        ("3 4", "'4' at character 3"),
        ("(1,2", r"'\(1,2' at character 1"),
        ("1 + seven", r"'\+ seven' at character 3"),
        ("(1,)", r"\(1,\)"),
        ("1 * 2", r"'\* 2'"),
        ("99999999999999999999", r"less than 2\*\*63"),
        ("__import__('os')", "cannot read"),
        ("²", "cannot read"),
    ],
)
def test_parse_names_what_it_cannot_read(bad, named):
    with pytest.raises(ZooError, match=named) as error:
        generation.parse(bad)
    one_line(error)


def test_arithmetic_is_done_on_latents(dcgan, tmp_path):
    shown = generation.arithmetic(dcgan, "(1,2) - 3 + 4", out=tmp_path / "sum.png").astype(int)
    z = sampling.draw(dcgan, "generate", [1, 2, 3, 4])["z"].numpy()
    mean = (z[0] + z[1]) / 2
    expected = modalities.Image((16, 16, 1)).to_stored(dcgan({"z": tf.stack([mean, z[2], z[3], mean - z[2] + z[3]])}))
    assert np.abs(shown - expected).max() <= 1
    with Image.open(tmp_path / "sum.png") as read:
        cell = 16 * 6 + 4
        assert read.size == (4 * cell + 3 * (cell // 2), 3 * (16 * 6 + 2) + 2)
        pixels = np.asarray(read)
    assert (pixels[:cell, cell:] == 255).all()  # only the group has images above its mean
    middle = pixels.shape[0] - cell // 2
    assert pixels[middle, cell + cell // 4] == 0  # the minus sign
    nothing_added = generation.arithmetic(dcgan, "7 - 7 + 9")[-1]
    assert np.abs(nothing_added - generation.arithmetic(dcgan, "9")[-1].astype(int)).max() <= 1


def test_arithmetic_of_points(tmp_path):
    model = lively(MODELS["points"]())
    result = generation.arithmetic(model, "(1,2) - 3", out=tmp_path / "sum.png")
    assert result.shape == (3, 2) and result.dtype == np.float32
    z = sampling.draw(model, "generate", [1, 2, 3])["z"].numpy()
    mean = (z[0] + z[1]) / 2
    np.testing.assert_allclose(result, model({"z": tf.stack([mean, z[2], mean - z[2]])}), atol=1e-6)
    with Image.open(tmp_path / "sum.png") as read:
        assert (np.asarray(read) < 255).sum() == 3  # one plot of the terms and the result


def test_arithmetic_within_one_class(labelled):
    result = generation.arithmetic(labelled, "(1,2) - 3", label=2).astype(int)
    z = sampling.draw(labelled, "generate", [1, 2, 3])["z"].numpy()
    noise = tf.stack([(z[0] + z[1]) / 2, z[2], (z[0] + z[1]) / 2 - z[2]])
    expected = modalities.Image((8, 8, 1)).to_stored(labelled({"z": noise, "label": tf.constant([2] * 3)}))
    assert np.abs(result - expected).max() <= 1
    assert not np.array_equal(generation.arithmetic(labelled, "(1,2) - 3", label=1), result)
