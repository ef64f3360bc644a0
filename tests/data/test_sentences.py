"""Sentences of text files, alone and in aligned pairs."""

import gzip

import pytest
from helpers import everything, one_line, resumes, source
from pydantic import ValidationError

from tfgan_zoo.errors import ZooError
from tfgan_zoo.modalities import Image, Text

ENGLISH = ["A cat sits.", "A dog runs!", "", "The cat runs to the dog.", "Two dogs."]
FRENCH = ["Un chat.", "Un chien.", "Rien.", "Le chat court.", "..."]


@pytest.fixture
def texts(tmp_path):
    for split, part in [("train", slice(0, 5)), ("test_2016", slice(0, 2))]:
        for name, lines in [("en", ENGLISH), ("fr", FRENCH)]:
            with gzip.open(tmp_path / f"{split}.{name}.gz", "wt", encoding="utf-8") as file:
                file.write("\n".join(lines[part]) + "\n")
    return lambda **more: source("sentences", path=str(tmp_path / "{split}.en.gz"), **more)


def kind(*words):
    return Text((4,), words)


def test_lines_with_words(texts):
    here = texts()
    assert here.knows() == {"vocabulary": ["a", "cat", "dog", "runs", "the", "dogs", "sits", "to", "two"]}
    words = kind(*here.knows()["vocabulary"])
    opened = here.open({"text": words})
    assert words.decode(everything(opened, "text")) == ["a cat sits", "a dog runs", "the cat runs to", "two dogs"]
    assert opened.facts["empty_lines"] == 1
    assert opened.facts["texts"]["text"] == {"words": 14, "unknown_words": 0, "cut_texts": 1}
    resumes(opened)
    assert texts(words=2).knows() == {"vocabulary": ["a", "cat"]}


def test_splits(texts):
    here = texts()
    assert here.splits() == ["test_2016", "train", "test"]  # the only one that is called so
    assert here.open({"text": kind()}, split="test").num_examples == 2
    assert here.open({"text": kind()}, split="train[:2]").num_examples == 2
    with pytest.raises(ZooError, match="unknown split 'val'.*Allowed: test, test_2016, train"):
        here.open({"text": kind()}, split="val")


def test_longer_lines_are_left_out(texts):
    opened = texts(longest=3).open({"text": kind("a")})
    assert opened.num_examples == 3 and opened.facts["longer_lines"] == 1
    assert opened.facts["texts"]["text"]["unknown_words"] == 6


def test_aligned_pairs(texts, tmp_path):
    here = texts(target_path=str(tmp_path / "{split}.fr.gz"))
    known = here.knows()
    assert known["target_vocabulary"] == ["chat", "un", "chien", "court", "le"]
    wanted = {"source": kind(*known["source_vocabulary"]), "target": kind(*known["target_vocabulary"])}
    opened = here.open(wanted)
    rows = opened.rows([0, 1, 2])
    assert wanted["target"].decode(rows["target"]) == ["un chat", "un chien", "le chat court"]
    assert wanted["source"].decode(rows["source"])[2] == "the cat runs to"
    assert opened.num_examples == 3 and opened.facts["empty_lines"] == 2  # of either side
    for batch in resumes(opened):
        for english, french in zip(batch["source"], batch["target"], strict=True):
            pair = wanted["source"].decode([english])[0], wanted["target"].decode([french])[0]
            assert ("dog runs" in pair[0]) == ("chien" in pair[1])
    assert here.open({"target": wanted["target"]}).num_examples == 3


def test_a_plain_file_is_the_training_data(tmp_path):
    (tmp_path / "all.txt").write_text("été\nhiver\n", encoding="utf-8")
    here = source("sentences", path=str(tmp_path / "all.txt"))
    assert here.splits() == ["train"] and here.knows() == {"vocabulary": ["hiver", "été"]}
    (tmp_path / "more.txt").write_text("sommer\n")
    with pytest.raises(ZooError, match="the files have 2 and 1 lines; they must agree"):
        source("sentences", path=str(tmp_path / "all.txt"), target_path=str(tmp_path / "more.txt")).knows()


def test_sentences_are_found_below_the_data_folder(texts, tmp_path, monkeypatch):
    here = source("sentences", path="{split}.en.gz", data_dir=str(tmp_path))
    assert here.open({"text": kind()}).num_examples == 4
    assert here.located().path == str(tmp_path / "{split}.en.gz")


def test_files_that_cannot_be_used(texts, tmp_path):
    for path, message in [("no/{split}.gz", "is not there"), ("no.txt", "is not there")]:
        with pytest.raises(ZooError, match=message) as caught:
            source("sentences", path=str(tmp_path / path)).open({"text": kind()})
        one_line(caught)
    whole = (tmp_path / "train.en.gz").read_bytes()
    for content in (whole[:30], b"plain text", b""):
        (tmp_path / "bad.gz").write_bytes(content)
        with pytest.raises(ZooError, match="cannot be read as UTF-8 text|holds no example") as caught:
            source("sentences", path=str(tmp_path / "bad.gz")).open({"text": kind()})
        one_line(caught)
    (tmp_path / "bad.txt").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ZooError, match="cannot be read as UTF-8 text"):
        source("sentences", path=str(tmp_path / "bad.txt")).open({"text": kind()})
    (tmp_path / "empty.txt").write_text("\n...\n")
    with pytest.raises(ZooError, match="has no line with a word"):
        source("sentences", path=str(tmp_path / "empty.txt")).open({"text": kind()})
    with pytest.raises(ZooError, match="the model wants source and target; give a data.target_path"):
        texts().open({"source": kind(), "target": kind()})
    with pytest.raises(ZooError, match="has no 'image'"):
        texts().open({"image": Image((8, 8, 1))})
    with pytest.raises(ZooError, match="has no 'text'"):
        texts(target_path=str(tmp_path / "{split}.fr.gz")).open({"text": kind()})
    with pytest.raises(ValidationError, match="stands in both paths or in none"):
        texts(target_path="all.fr.gz")
    (tmp_path / "test_2016.fr.gz").unlink()
    with pytest.raises(ZooError, match="has no split 'test_2016'"):
        texts(target_path=str(tmp_path / "{split}.fr.gz")).open({"target": kind()}, split="test_2016")
