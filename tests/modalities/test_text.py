"""Text: numbers of words as `keras.layers.TextVectorization` gives them, and files of lines."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from modalities.checks import check_example, check_files, check_forms, made_up, refusal

from tfgan_zoo.data.words import known, vocabulary
from tfgan_zoo.modalities import Text
from tfgan_zoo.modalities.text import split_words
from tfgan_zoo.serving.encoded import read_texts, words_table

WORDS = ("a", "red", "green", "apple", "pear")
KIND = Text((6,), WORDS)


def sentences():
    return KIND.encode(["a red apple", "A GREEN pear!", "red red red red red red"])


def test_text(tmp_path):
    check_example(KIND, (6,))
    check_forms(KIND, made_up(KIND))
    check_files(KIND, sentences(), tmp_path)
    assert (tmp_path / "all.txt").read_text() == "a red apple\na green pear\nred red red red red red\n"
    np.testing.assert_array_equal(KIND.read(tmp_path / "all.txt"), sentences())
    assert KIND.tokens == 7 and not KIND.visible and KIND.from_files


def test_words_and_numbers():
    assert sentences()[0].tolist() == [2, 3, 5, 0, 0, 0]
    assert KIND.encode(["a blue pear", "one two three four five six seven"]).tolist() == [[2, 1, 6, 0, 0, 0], [1] * 6]
    assert KIND.decode(sentences()) == ["a red apple", "a green pear", "red red red red red red"]
    assert KIND.decode(np.int32([[2, 1, 6, 0, 0, 0]])) == ["a ? pear"]
    assert KIND.given("a red apple").tolist() == [2, 3, 5, 0, 0, 0]
    assert KIND.given(["a pear", "an apple"]).tolist() == [[2, 6, 0, 0, 0, 0], [1, 5, 0, 0, 0, 0]]
    assert KIND.given(b"a pear").tolist() == [2, 6, 0, 0, 0, 0]


def test_numbers_are_those_of_the_keras_layer():
    layer = keras.layers.TextVectorization(vocabulary=list(WORDS), output_sequence_length=6)
    texts = ["A red, red apple!", "it's (a) green_pear", "", "apple\tpear\nred", "a-red 100% pear", "RED  apple."]
    np.testing.assert_array_equal(KIND.encode(texts), layer(texts).numpy())
    assert split_words(b"A red, red apple!") == ["a", "red", "red", "apple"]


def test_apostrophes_within_words_stay():
    texts = ["I don't know the dogs' \"o'clock\".", "'Rock 'n' roll', she's ''here''", "' '' '", "l'homme, d'une"]
    assert [split_words(text) for text in texts] == [
        ["i", "don't", "know", "the", "dogs", "o'clock"],
        ["rock", "n", "roll", "she's", "here"],
        [],
        ["l'homme", "d'une"],
    ]
    kind = Text((6,), vocabulary(texts))
    assert kind.decode(kind.encode(texts)) == [" ".join(split_words(text)) for text in texts]
    np.testing.assert_array_equal(read_texts(tf.constant(texts), kind, words_table(kind)), kind.encode(texts))


def test_vocabularies_that_know_no_apostrophes_mean_what_they_meant():
    kind = Text((4,), ("dont", "its", "dogs", "know"))
    texts = ["I don't know", "it's the dog's", "dont its dogs know"]
    numbers = [[1, 2, 5, 0], [3, 1, 4, 0], [2, 3, 4, 5]]
    assert kind.encode(texts).tolist() == numbers
    assert read_texts(tf.constant(texts), kind, words_table(kind)).numpy().tolist() == numbers
    assert known(texts, kind) == {"words": 10, "unknown_words": 2, "cut_texts": 0}


def test_networks_answer_with_logits():
    logits = tf.one_hot(sentences(), KIND.tokens) * 5.0
    np.testing.assert_array_equal(KIND.to_stored(logits), sentences())


def test_other_texts_are_refused(tmp_path):
    assert "got numbers from 0 to 7; words have 0 to 6" in refusal(KIND.given, [0, 1, 2, 3, 4, 7])
    assert "words have 0 to 6" in refusal(KIND.given, [-1, 1, 2, 3, 4, 5])
    assert "where Text (6) is wanted" in refusal(KIND.given, [1, 2])
    assert "without fractions" in refusal(KIND.given, [0.5] * 6)
    (tmp_path / "a.txt").write_bytes(b"\xff\xfe\x00")
    assert "a.txt: cannot be read as text" in refusal(KIND.read, tmp_path / "a.txt")
    (tmp_path / "b.txt").write_text("")
    assert "b.txt: holds nothing" in refusal(KIND.read, tmp_path / "b.txt")
    assert "missing.txt" in refusal(KIND.read, tmp_path / "missing.txt")


@pytest.mark.parametrize("words", [[], ["a"], ("a", "b")])
def test_vocabularies_of_any_length(words):
    kind = Text([4], words)
    assert kind == Text((4,), tuple(words)) and hash(kind)
    assert made_up(kind).max() < kind.tokens == len(words) + 2
