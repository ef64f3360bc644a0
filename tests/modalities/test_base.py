"""Classes and points, and what all kinds share."""

import dataclasses
import math

import numpy as np
import pytest
import tensorflow as tf
from modalities.checks import check_example, check_files, check_forms, check_picture, made_up, refusal

from tfgan_zoo import modalities
from tfgan_zoo.modalities import ClassLabel, Image, Modality, Points

KINDS = [getattr(modalities, name) for name in modalities.__all__ if name != "Modality"]


@pytest.mark.parametrize("kind", KINDS)
def test_kinds_tell_what_they_are(kind):
    assert issubclass(kind, Modality) and kind.__doc__
    assert kind.plural and all(suffix.startswith(".") for suffix in kind.suffixes)
    assert np.dtype(kind.stored) and np.dtype(kind.model)


def test_equal_declarations_are_equal():
    assert Points([2]) == Points((2,)) != Points((3,))
    assert ClassLabel(10) == ClassLabel(10) != ClassLabel(9) and Points((2,)) != Image((2, 2, 1))
    assert Points((None, 3)).name == "Points (any, 3)" and ClassLabel(10).name == "ClassLabel (10 classes)"
    assert ClassLabel().name == "ClassLabel (any classes)"
    with pytest.raises(dataclasses.FrozenInstanceError):
        Points((2,)).shape = (3,)


# === Points ===
@pytest.mark.parametrize("sides", [(2,), (1,), (7,), (3, 2)])
def test_points(sides, tmp_path):
    kind = Points(sides)
    check_example(kind, sides)
    check_forms(kind, made_up(kind))
    check_files(kind, made_up(kind), tmp_path)
    assert kind.crowd and check_picture(kind, made_up(kind, 500), count=1).shape == (1, 256, 256, 1)


def test_many_points_in_one_file(tmp_path):
    stored = made_up(Points((2,)), 5)
    Points((2,)).write_all(tmp_path / "all.npy", stored)
    np.testing.assert_array_equal(Points((2,)).read(tmp_path / "all.npy"), stored)


def test_the_plot_shows_where_points_lie():
    plot = Points((2,)).picture(np.float32([[1.0, 0.0]] * 3 + [[0.0, -1.0], [np.nan, np.inf]]))[0, :, :, 0]
    ((top, right), (bottom, middle)) = np.argwhere(plot < 255)
    assert top == 127 and right == math.floor((1 / 1.5 + 1) * 128) and middle == 128 and bottom > 200
    assert plot[top, right] < plot[bottom, middle]  # the more, the darker


def test_other_points_are_refused(tmp_path):
    kind = Points((2,))
    assert "got an array of shape (3,) where Points (2) is wanted" in refusal(kind.given, [1, 2, 3])
    assert "'somewhere' where Points (2) is wanted" in refusal(kind.given, "somewhere")
    assert "where Points (2) is wanted" in refusal(kind.given, [[1.0, 2.0], [3.0]])
    assert "finite numbers are wanted" in refusal(kind.given, [1.0, np.nan])
    assert "finite numbers are wanted" in refusal(kind.given, [1.0, 1e300])
    assert "data of shape (3,) where Points (2) is wanted" in refusal(kind.fit, np.zeros(3, np.float32))
    np.save(tmp_path / "three.npy", np.zeros(3))
    np.save(tmp_path / "none.npy", np.zeros((0, 2)))
    np.save(tmp_path / "objects.npy", np.array([{}], object), allow_pickle=True)
    np.savez(tmp_path / "archive.npy.npz", a=np.zeros(2))
    (tmp_path / "archive.npy.npz").rename(tmp_path / "archive.npy")
    (tmp_path / "text.npy").write_text("1, 2")
    (tmp_path / "zip.npy").write_bytes(b"PK\x03\x04 and no more")
    np.save(tmp_path / "cut.npy", np.zeros(2))
    (tmp_path / "cut.npy").write_bytes((tmp_path / "cut.npy").read_bytes()[:-3])
    for path in [*sorted(tmp_path.iterdir()), tmp_path / "missing.npy"]:
        assert path.name in refusal(kind.read, path)
    assert "holds nothing" in refusal(kind.read, tmp_path / "none.npy")
    np.save(tmp_path / "wide.npy", np.array([1.5, 2.5]))
    assert kind.read(tmp_path / "wide.npy").dtype == np.float32  # float64 is what NumPy writes by itself


# === Classes ===
def test_classes(tmp_path):
    kind = ClassLabel(10)
    check_example(kind, ())
    stored = made_up(kind, 6)
    check_forms(kind, stored)
    kind.write(tmp_path / "one.txt", stored[0])
    kind.write_all(tmp_path / "all.txt", stored)
    assert kind.read(tmp_path / "one.txt").tolist() == [stored[0]]
    assert kind.read(tmp_path / "all.txt").tolist() == stored.tolist()
    assert (tmp_path / "all.txt").read_text() == "".join(f"{number}\n" for number in stored)
    assert not kind.visible and not kind.from_files


def test_networks_answer_with_logits():
    logits = tf.one_hot([3, 0, 2], 4) * 7.0
    stored = ClassLabel(4).to_stored(logits)
    assert stored.numpy().tolist() == [3, 0, 2] and stored.dtype == tf.int32
    assert ClassLabel(4).to_model(tf.constant([3, 0], tf.int64)).dtype == tf.int32


@pytest.mark.parametrize("bad", [10, -1, 1.5, "cat", True, [0, 10], [[1]], [], [1, [2]], None])
def test_other_classes_are_refused(bad):
    line = refusal(ClassLabel(10).given, bad)
    assert str(bad) in line and "must be a whole number from 0 to 9" in line


def test_any_number_of_classes():
    assert ClassLabel().given([0, 1000]).tolist() == [0, 1000]
    assert "must be a whole number." in refusal(ClassLabel().given, "cat")
    assert set(made_up(ClassLabel(), 50)) == {0, 1}


@pytest.mark.parametrize("text", ["1 2 three", "10", "-1", "", "1.5", b"\xff\xfe"])
def test_files_without_classes_are_refused(text, tmp_path):
    (tmp_path / "a.txt").write_bytes(text if isinstance(text, bytes) else text.encode())
    assert "a.txt: cannot be read as class numbers" in refusal(ClassLabel(10).read, tmp_path / "a.txt")


def test_what_has_no_picture_says_so():
    assert "ClassLabel: has no picture" in refusal(ClassLabel(3).picture, np.zeros(2, np.int32))
