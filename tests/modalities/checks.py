"""What every kind of data must do, checked for the kind that a test names."""

import numpy as np
import pytest
import tensorflow as tf

from tfgan_zoo.errors import ZooError


def made_up(kind, count=3, seed=0):
    """`count` made-up data."""
    return kind.example(count, np.random.default_rng(seed))


def check_example(kind, sides):
    """Made-up data are in stored form, equal for equal seeds and unlike each other; they can be given to a model."""
    data = made_up(kind, 20)
    assert data.shape == (20, *sides) and data.dtype == kind.stored
    assert np.array_equal(made_up(kind, 20), data) and not np.array_equal(made_up(kind, 20, seed=1), data)
    assert len(np.unique(data.reshape(20, -1), axis=0)) > 1
    assert np.array_equal(kind.given(data), data) and np.array_equal(kind.given(data[0]), data[0])
    assert kind.given(data.tolist()).dtype == kind.stored
    assert all(np.array_equal(kind.fit(datum), datum) for datum in data)
    assert kind.nbytes == data[0].nbytes


def check_forms(kind, stored, low=None, high=None):
    """Stored -> model -> stored gives the same numbers, and the model form lies in [low, high]."""
    seen = kind.to_model(tf.constant(stored))
    assert seen.dtype == kind.model and tuple(seen.shape) == stored.shape
    if low is not None:
        assert np.min(seen) == low and np.max(seen) == high
    again = kind.to_stored(seen)
    assert again.dtype == kind.stored
    np.testing.assert_array_equal(again, stored)
    np.testing.assert_array_equal(kind.to_model(seen), seen)  # the model form stays as it is


def check_files(kind, stored, folder):
    """What is written is read again, one by one and all in one file; nothing temporary is left."""
    for place, datum in enumerate(stored):
        path = folder / "new" / f"{place}{kind.suffixes[0]}"
        kind.write(path, datum)
        (read,) = kind.read(path)
        np.testing.assert_array_equal(kind.fit(read), datum)
    kind.write_all(folder / f"all{kind.suffixes[0]}", stored)
    kind.write_all(folder / f"one{kind.suffixes[0]}", stored[:1])
    (read,) = kind.read(folder / f"one{kind.suffixes[0]}")
    np.testing.assert_array_equal(kind.fit(read), stored[0])
    assert len(list(folder.iterdir())) == 3 and len(list((folder / "new").iterdir())) == len(stored)


def check_picture(kind, stored, count=None):
    """For people: uint8 pictures, one for each datum or `count` for all; returns them."""
    pictures = kind.picture(stored)
    assert kind.visible and pictures.dtype == np.uint8
    assert pictures.ndim == 4 and pictures.shape[-1] in (1, 3) and len(pictures) == (count or len(stored))
    return pictures


def refusal(call, *arguments, **keywords):
    """The one line that `call` refuses with."""
    with pytest.raises(ZooError) as error:
        call(*arguments, **keywords)
    assert "\n" not in str(error.value)
    return str(error.value)
