"""A dictionary of aligned sentences, and the domains that ask for one."""

import pytest
from helpers import source
from pydantic import ValidationError

from tfgan_zoo.data.dictionary import dictionary

pytest.importorskip("nltk")
ENGLISH = ["a red house", "a house", "a cat", "a red cat", "a dog"]
FRENCH = ["une maison rouge", "une maison", "un chat", "un chat rouge", "un chien"]


def test_words_that_go_together_translate_each_other():
    found = dict(line.split() for line in dictionary(ENGLISH, FRENCH))
    assert {word: found[word] for word in ("red", "house", "cat", "dog")} == {
        "red": "rouge", "house": "maison", "cat": "chat", "dog": "chien"
    }  # fmt: skip
    assert dict(line.split() for line in dictionary(FRENCH, ENGLISH))["rouge"] == "red"


def test_domains_tell_the_dictionary_of_their_pairs(tmp_path):
    for split, part in (("train", slice(0, 2)), ("val", slice(0, 5))):
        for name, lines in (("en", ENGLISH), ("fr", FRENCH)):
            (tmp_path / f"{split}.{name}").write_text("\n".join(lines[part]) + "\n")
    en, fr = (str(tmp_path / f"{{split}}.{name}") for name in ("en", "fr"))
    sides = {"x": {"source": "sentences", "path": en}, "y": {"source": "sentences", "path": fr}}
    pairs = {"source": "sentences", "path": en, "target_path": fr, "split": "val"}
    known = source("domains", **sides, pairs=pairs).knows()
    assert known["vocabulary_x"] == ["a", "house", "red"]
    assert known["dictionary_xy"] == dictionary(ENGLISH, FRENCH)
    assert known["dictionary_yx"] == dictionary(FRENCH, ENGLISH)
    assert source("domains", **sides, pairs=pairs | {"split": "val[:2]"}).knows()["dictionary_yx"][0] != "chat cat"
    there = source("domains", **sides, pairs={**pairs, "path": "{split}.en"}, data_dir=str(tmp_path)).located()
    assert there.pairs["path"] == en
    with pytest.raises(ValidationError, match="data.pairs: must be"):
        source("domains", **sides, pairs=sides["x"])
