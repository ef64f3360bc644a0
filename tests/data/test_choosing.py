"""Which examples are taken: `where`, held-out groups, splits and classes told by file names; captions."""

import json
import re

import numpy as np
import pytest
from helpers import everything, one_line, resumes, source, spec
from PIL import Image as Pillow
from pydantic import ValidationError

from tfgan_zoo.errors import ZooError
from tfgan_zoo.modalities import ClassLabel, Points, Text

TONES = ("", " with dark skin tone", " with medium-light skin tone")
IGNORE = " with .* skin tone"


@pytest.fixture
def folder(tmp_path):
    """Sixty pictures, each filled with its number: twenty names in three skin tones, of two groups."""
    rows = []
    for number in range(60):
        name, tone = f"name {number // 3}", TONES[number % 3]
        row = {"file_name": f"{number:02d}.png", "text": name + tone, "group": "ab"[number % 2], "size": number % 5}
        rows.append(row)
        Pillow.new("L", (8, 8), number).save(tmp_path / row["file_name"])
    (tmp_path / "metadata.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return lambda **more: source("folder", path=str(tmp_path), **more)


def numbers(opened):
    return everything(opened)[:, 0, 0, 0].tolist()


# === where ===
def test_where_on_a_folder(folder):
    here = folder(label="group", where={"group": "b", "size": [0, 3]})
    opened = here.open(spec())
    wanted = [n for n in range(60) if n % 2 and n % 5 in (0, 3)]
    assert numbers(opened) == wanted and opened.num_examples == len(wanted)
    assert set(everything(opened, "label").tolist()) == {1} and opened.class_names == ("a", "b")  # numbers stay
    assert here.knows()["num_classes"] == 2
    resumes(opened)
    for value in ("b", 1, [1]):
        chosen = folder(label="group", where={"label": value}).open(spec())
        assert numbers(chosen) == list(range(1, 60, 2))
    assert numbers(folder(where={"group": "b"}, split="train[:10]").open(spec(label=False))) == [1, 3, 5, 7, 9]
    assert (
        len({folder(label="group", **m).open(spec()).facts["fingerprint"] for m in ({}, {"where": {"label": 0}})}) == 2
    )


def test_where_on_arrays(tmp_path):
    image = np.broadcast_to(np.arange(10, dtype=np.uint8)[:, None, None], (10, 8, 8))
    np.savez(tmp_path / "x.npz", image=image, label=np.arange(10) % 3, age=np.arange(10) * 10)

    def here(**where):
        return source("arrays", path=str(tmp_path / "x.npz"), where=where)

    assert numbers(here(label=[0, 2]).open(spec())) == [0, 2, 3, 5, 6, 8, 9]
    assert here(label=1).open(spec()).num_classes == 3
    assert numbers(here(label=1).open(spec(label=False))) == [1, 4, 7]  # labels need not be asked for
    assert numbers(here(age=[30, 50]).open(spec())) == [3, 5]
    resumes(here(label=[0, 1]).open(spec()))


def test_where_on_what_is_drawn():
    whole = source("synthetic", size=80, characters="AB7").open(spec())
    part = source("synthetic", size=80, characters="AB7", where={"label": ["7", "A"]}).open(spec())
    kept = np.isin(everything(whole, "label"), [0, 2])
    np.testing.assert_array_equal(everything(part), everything(whole)[kept])
    np.testing.assert_array_equal(everything(part, "label"), everything(whole, "label")[kept])
    ring = source("synthetic", name="ring", size=100, where={"label": [0, 4]})
    points = everything(ring.open({"point": Points((2,)), "label": ClassLabel()}), "point")
    assert (np.abs(points[:, 1]) < 0.1).all() and len(points) < 60
    with pytest.raises(ZooError, match="made-up examples have nothing to choose by"):
        source("synthetic", name="examples", where={"label": 0}).open(spec())


@pytest.mark.parametrize(
    ("where", "message"),
    [
        ({"grup": "a"}, "data.where: unknown key 'grup': did you mean 'group'"),
        ({"group": "c"}, "data.where.group: unknown value 'c': .*Allowed: a, b"),
        ({"text": "nobody"}, "data.where.text: no example has 'nobody'; some have name 0"),
        ({"group": "a", "file_name": "x"}, "unknown key 'file_name'"),
        ({"group": "a", "size": 1, "text": "name 0"}, "no example of this split is such"),
    ],
)
def test_where_that_finds_nothing(folder, where, message):
    with pytest.raises(ZooError, match=message) as caught:
        folder(where=where).open(spec(label=False))
    one_line(caught)


def test_where_needs_something_to_choose_by(tmp_path):
    (tmp_path / "a.txt").write_text("a cat\n")
    with pytest.raises(ZooError, match="data.where: sentences data have nothing to choose by"):
        source("sentences", path=str(tmp_path / "a.txt"), where={"label": 1}).open({"text": Text((2,))})


# === hold_out ===
def test_groups_are_held_out_whole(folder):
    here = folder(label="group", hold_out={"share": 0.3, "by": "text", "ignore": IGNORE})
    assert here.splits() == ["train", "test"]
    train, test = numbers(here.open(spec())), numbers(here.open(spec(), split="test"))
    assert sorted(train + test) == list(range(60)) and 9 <= len(test) <= 30
    assert not {n // 3 for n in train} & {n // 3 for n in test}  # no name on both sides, in whatever tone
    assert here.open(spec(), split="test").class_names == ("a", "b")
    assert numbers(here.open(spec(), split="test[:2]")) == test[:2]
    without = folder(hold_out={"share": 0.3, "by": "text"})
    mixed = numbers(without.open(spec(label=False), split="test"))
    assert {n // 3 for n in mixed} & {n // 3 for n in range(60) if n not in mixed}  # tones apart, as they should not be


def test_what_is_held_out_stays_so_when_files_are_added(folder, tmp_path):
    here = folder(hold_out={"share": 0.3})
    before = numbers(here.open(spec(label=False), split="test"))
    lines = (tmp_path / "metadata.jsonl").read_text().splitlines()
    Pillow.new("L", (8, 8), 99).save(tmp_path / "new.png")
    (tmp_path / "metadata.jsonl").write_text("\n".join(['{"file_name": "new.png"}', *lines]) + "\n")
    after = numbers(here.open(spec(label=False), split="test"))
    assert [n for n in after if n != 99] == before
    pinned = folder(hold_out={"share": 0.1}).open(spec(label=False), split="test")
    assert numbers(pinned) == [2, 3, 6, 33, 40, 42]  # for ever, on every machine


@pytest.mark.parametrize(
    ("hold_out", "message"),
    [
        ({"share": 1.5}, "share = 1.5: must lie between 0 and 1"),
        ({"share": 0.1, "ignore": "(["}, "no regular expression"),
        ({"by": "text"}, "share\n  Field required"),
    ],
)
def test_wrong_hold_out(folder, hold_out, message):
    with pytest.raises(ValidationError, match=re.escape(message)):
        folder(hold_out=hold_out)


def test_hold_out_by_what_is_not_there(folder, tmp_path):
    with pytest.raises(ZooError, match="data.hold_out.by: unknown key 'grup': did you mean 'group'"):
        folder(hold_out={"share": 0.1, "by": "grup"}).open(spec(label=False))
    for split in ("train", "test"):
        (tmp_path / "own" / split).mkdir(parents=True)
        Pillow.new("L", (8, 8)).save(tmp_path / "own" / split / "a.png")
    for more in ({"hold_out": {"share": 0.1}}, {"pattern": "(?P<train>.*)"}):
        with pytest.raises(ZooError, match="has splits of its own: train, test") as caught:
            source("folder", path=str(tmp_path / "own"), **more).open(spec(label=False))
        one_line(caught)


# === pattern ===
@pytest.fixture
def named(tmp_path):
    for number in range(12):
        Pillow.new("L", (8, 8), number).save(tmp_path / f"{'cat dog'.split()[number % 2]}_{number:02d}.png")
    return lambda pattern, **more: source("folder", path=str(tmp_path), pattern=pattern, **more)


def test_file_names_tell_classes_and_splits(named):
    here = named(r"(?P<label>[a-z]+)_((?P<test>0[0-3])|(?P<train>\d+))")
    opened, test = here.open(spec()), here.open(spec(), split="test")
    assert here.splits() == ["train", "test"] and opened.class_names == test.class_names == ("cat", "dog")
    assert numbers(test) == [0, 2, 1, 3] and everything(test, "label").tolist() == [0, 0, 1, 1]
    assert sorted(numbers(opened)) == list(range(4, 12))
    assert here.knows() == {"num_classes": 2, "class_names": ["cat", "dog"]}
    plain = named("(?P<animal>[a-z]+)_.*", label="animal", where={"animal": "dog"}).open(spec())
    assert numbers(plain) == [1, 3, 5, 7, 9, 11]
    assert opened.facts["fingerprint"] != plain.facts["fingerprint"]


def test_a_group_called_split_names_it(tmp_path):
    for name in ("train_a", "train_b", "test_c"):
        Pillow.new("L", (8, 8)).save(tmp_path / f"{name}.png")
    here = source("folder", path=str(tmp_path), pattern="(?P<split>[a-z]+)_.*")
    assert here.splits() == ["train", "test"] and here.open(spec(label=False)).num_examples == 2


@pytest.mark.parametrize(
    ("pattern", "message"),
    [
        ("[a-z]+", "does not fit 'cat_00.png'; it must fit every file"),
        ("(?P<label>.*)_(?P<test>0.)?.*", "tells no split of 'cat_10.png'"),
    ],
)
def test_patterns_that_do_not_fit(named, pattern, message):
    with pytest.raises(ZooError, match=message) as caught:
        named(pattern).open(spec())
    one_line(caught)
    with pytest.raises(ValidationError, match="no regular expression"):
        named("(")


# === Captions ===
def test_captions_beside_pictures(tmp_path):
    for number, text in enumerate(["A red apple.", "a green apple", "grass"]):
        Pillow.new("L", (8, 8), number).save(tmp_path / f"{number}.png")
        (tmp_path / f"{number}.txt").write_text(text + "\n")
    here = source("folder", path=str(tmp_path))
    assert here.knows() == {"vocabulary": ["a", "apple", "grass", "green", "red"]}
    assert source("folder", path=str(tmp_path), words=2).knows() == {"vocabulary": ["a", "apple"]}
    words = Text((2,), here.knows()["vocabulary"][:2])
    opened = here.open(spec(label=False) | {"text": words})
    assert words.decode(opened.rows([0, 1, 2])["text"]) == ["a ?", "a ?", "?"]
    assert opened.facts["texts"] == {"text": {"words": 7, "unknown_words": 3, "cut_texts": 2}}
    (tmp_path / "1.txt").write_text("another one")
    changed = here.open(spec(label=False) | {"text": words})
    assert opened.facts["fingerprint"] != changed.facts["fingerprint"]
    (tmp_path / "2.txt").unlink()
    with pytest.raises(ZooError, match="has no 'text'"):
        here.open(spec(label=False) | {"text": words})
    (tmp_path / "1.txt").write_bytes(b"\xff\xfe")
    with pytest.raises(ZooError, match="1.txt: is not UTF-8 text"):
        here.open(spec(label=False))


def test_the_vocabulary_is_that_of_the_training_data(folder):
    here = folder(hold_out={"share": 0.3, "by": "text", "ignore": IGNORE}, where={"size": [0, 1, 2]})
    words = Text((6,), here.knows()["vocabulary"])
    train, test = (here.open(spec(label=False) | {"text": words}, split=split) for split in ("train", "test"))
    assert train.facts["texts"]["text"]["unknown_words"] == 0
    assert test.facts["texts"]["text"]["unknown_words"] == test.num_examples  # the number of each name
    assert words.decode(train.rows([0])["text"])[0].startswith("name")
