"""The oracle: what it writes, what it says of it, and its sentences as data."""

import numpy as np
import pytest
from helpers import everything, resumes, source

from tfgan_zoo import oracle
from tfgan_zoo.errors import ZooError
from tfgan_zoo.modalities import Image, Text
from tfgan_zoo.oracle import FIRST, Oracle


def numbers(count, length=4, seed=0):
    return np.random.default_rng(seed).random((count, length))


def test_weights_depend_on_the_seed_and_stay_what_they_are():
    """Sentences of published runs must be written again: NumPy's generators are not to change unnoticed."""
    assert Oracle(0, 6, 3).embedding[0].tolist() == pytest.approx([0.1257302, -0.1321049, 0.6404227], abs=1e-6)
    assert Oracle(0, 6, 3).write(numbers(2)).tolist() == Oracle(0, 6, 3).write(numbers(2)).tolist()
    assert (Oracle(0, 50).write(numbers(9)) != Oracle(1, 50).write(numbers(9))).any()


def test_words_come_as_often_as_it_says_and_chances_add_to_one():
    small = Oracle(3, 5, 4)
    every = np.array([[a, b] for a in range(5) for b in range(5)]) + FIRST
    chances = np.exp(-2 * small.costs(every))  # the mean of two words
    assert chances.sum() == pytest.approx(1, abs=1e-5)
    written = small.write(numbers(20_000, 2))
    assert written.dtype == np.int32
    often = [(written == pair).all(1).mean() for pair in every]
    np.testing.assert_allclose(often, chances, atol=0.015)


def test_what_it_does_not_know_costs_as_much_as_its_least_likely_word():
    small = Oracle(3, 5, 4)
    worst = max(small.costs(np.array([[word]]))[0] for word in range(FIRST, 5 + FIRST))
    for unknown in (0, 1, 5 + FIRST):
        assert small.costs(np.array([[unknown]]))[0] == pytest.approx(worst, rel=1e-5)


def test_its_sentences_are_data():
    kind = Text((6,), source("oracle", words=20).knows()["vocabulary"])
    here = source("oracle", words=20, size=30)
    opened = here.open({"text": kind})
    texts = everything(opened, "text")
    assert texts.shape == (30, 6) and texts.min() >= FIRST and texts.max() < kind.tokens
    assert opened.facts["oracle"] == {"seed": 0, "words": 20, "units": 32}
    resumes(opened)
    more = everything(source("oracle", words=20, size=40).open({"text": kind}), "text")
    np.testing.assert_array_equal(more[:30], texts)
    part = everything(here.open({"text": kind}, split="train[10:]"), "text")
    np.testing.assert_array_equal(part, texts[10:])
    assert (everything(here.open({"text": kind}, split="test"), "text") != texts).any()
    with pytest.raises(ZooError, match="data of an oracle has no 'image'"):
        here.open({"image": Image((8, 8, 1))})
    with pytest.raises(ZooError, match="give its seed, words and units"):
        oracle.of({"colour": 3})
