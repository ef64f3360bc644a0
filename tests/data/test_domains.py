"""Two domains without pairs."""

import numpy as np
import pytest
from helpers import everything, labels, one_line, resumes, source, spec
from PIL import Image as Pillow
from pydantic import ValidationError

from tfgan_zoo.data.sources import domains
from tfgan_zoo.errors import ZooError
from tfgan_zoo.modalities import Audio, ClassLabel, Image, Text

BOTH = {"x": Image((4, 4, 1)), "y": Image((4, 4, 1))}


@pytest.fixture
def arrays(tmp_path):
    """Domain x: ten 4 x 4 pictures filled with their number, labelled by it; y: seven 6 x 6 ones from 100."""
    x, y = np.arange(10, dtype=np.uint8), np.arange(100, 107, dtype=np.uint8)
    a = np.broadcast_to(x[:, None, None], (10, 4, 4))
    b = np.broadcast_to(y[:, None, None], (7, 6, 6))
    np.savez(tmp_path / "a.npz", train_image=a, train_label=x, test_image=a[:3], test_label=x[:3])
    np.savez(tmp_path / "b.npz", train_image=b, train_label=y % 5, test_image=b[:5], test_label=y[:5] % 5)
    x = {"source": "arrays", "path": str(tmp_path / "a.npz")}
    y = {"source": "arrays", "path": str(tmp_path / "b.npz")}
    return lambda x_more=None, y_more=None, **more: source(
        "domains", x=x | (x_more or {}), y=y | (y_more or {}), **more
    )


def numbers(batches, key):
    return np.concatenate([batch[key][:, 0, 0, 0] for batch in batches])


def test_each_domain_has_an_order_and_epochs_of_its_own(arrays):
    opened = arrays().open(BOTH)
    resumes(opened)
    batches = list(opened.batches(7, seed=1).take(20).as_numpy_iterator())
    x, y = numbers(batches, "x"), numbers(batches, "y")
    assert (np.sort(x.reshape(14, 10), axis=1) == np.arange(10)).all()
    assert (np.sort(y.reshape(20, 7), axis=1) == np.arange(100, 107)).all()
    assert len({tuple(epoch) for epoch in y.reshape(20, 7)}) == 20
    assert batches[0]["x"].shape == batches[0]["y"].shape == (7, 4, 4, 1)  # of one size, whatever their own


def test_domains_of_one_source_do_not_meet_in_pairs(arrays, tmp_path):
    same = {"path": str(tmp_path / "a.npz")}
    batches = list(arrays(y_more=same).open(BOTH).batches(10).take(30).as_numpy_iterator())
    met = (numbers(batches, "x") == numbers(batches, "y")).mean()
    assert 0.03 < met < 0.2  # one in ten by chance


def test_labels_belong_to_a_domain(arrays):
    wanted = {**BOTH, "label": ClassLabel(), "label_y": ClassLabel()}
    opened = arrays().open(wanted)
    batch = next(opened.batches(4).as_numpy_iterator())
    np.testing.assert_array_equal(batch["label"], batch["x"][:, 0, 0, 0])
    np.testing.assert_array_equal(batch["label_y"], batch["y"][:, 0, 0, 0] % 5)
    assert opened.num_classes == 10 and list(batch) == list(wanted)
    alone = arrays().open({"y": BOTH["y"], "label": ClassLabel()}, split="test")  # as a test of y is opened
    assert everything(alone, "label").tolist() == [0, 1, 2, 3, 4] and alone.num_classes == 5
    assert alone.num_examples == 5 and everything(alone, "y")[:, 0, 0, 0].tolist() == [100, 101, 102, 103, 104]


def test_evaluation_begins_the_shorter_domain_again(arrays):
    opened = arrays().open(BOTH)
    assert opened.num_examples == 10
    batches = list(opened.examples(4).as_numpy_iterator())
    assert [len(batch["x"]) for batch in batches] == [4, 4, 2]
    assert numbers(batches, "x").tolist() == list(range(10))
    assert numbers(batches, "y").tolist() == [*range(100, 107), 100, 101, 102]
    rows = opened.rows([9, 0])
    assert rows["x"][:, 0, 0, 0].tolist() == [9, 0] and rows["y"][:, 0, 0, 0].tolist() == [102, 100]
    assert [len(batch["y"]) for batch in opened.examples(4, limit=6).as_numpy_iterator()] == [4, 2]


def test_splits_lead_to_those_of_the_domains(arrays):
    here = arrays({"split": "train[:4]"}, {"split": "train[2:5]"})
    assert here.splits() == ["train", "test"]
    opened, test = here.open(BOTH), here.open(BOTH, split="test")
    assert sorted(set(numbers(opened.batches(8).take(3).as_numpy_iterator(), "x"))) == [0, 1, 2, 3]
    assert sorted(set(numbers(opened.batches(8).take(3).as_numpy_iterator(), "y"))) == [102, 103, 104]
    assert numbers(test.examples(8).as_numpy_iterator(), "x").tolist() == [0, 1, 2, 0, 1]
    assert here.open(BOTH, split="test[:2]").num_examples == 2
    for own, usual, asked, result in [
        ("trainA", "train", "test", "testA"),
        ("trainA[:9]", "train", "test[:5]", "testA[:5]"),
        ("trainA[:9]", "train", "train", "trainA[:9]"),
        ("train[:2000]", "train", "test", "test"),
        ("photos", "train", "test", "test"),
        ("train", "train[:50%]", "train[50%:]", "train[50%:]"),
    ]:
        assert domains.split_of(own, usual, asked) == result


def test_folders_of_domains(tmp_path):
    for split, colour, count in [("trainA", 10, 3), ("trainB", 200, 5), ("testA", 20, 2), ("testB", 210, 1)]:
        (tmp_path / split).mkdir()
        for number in range(count):
            Pillow.new("L", (8, 8), colour + number).save(tmp_path / split / f"{number}.png")
    sides = {side: {"source": "folder", "path": str(tmp_path), "split": f"train{side.upper()}"} for side in "xy"}
    sides["x"]["split"], sides["y"]["split"] = "trainA", "trainB"
    here = source("domains", transforms=[{"random_crop": 6}, "random_flip"], **sides)
    opened, test = here.open(BOTH), here.open(BOTH, split="test")
    assert here.splits() == ["train", "test"]
    assert everything(opened, "x")[:3, 0, 0, 0].tolist() == [10, 11, 12] and opened.num_examples == 5
    assert everything(test, "y")[:, 0, 0, 0].tolist() == [210, 210] and test.num_examples == 2
    assert opened.facts["domains"]["x"]["source"].endswith("[trainA]")
    assert opened.facts["domains"]["y"]["transforms"] == here.transforms  # taken over
    resumes(opened)


def test_random_transforms_are_drawn_for_each_domain(arrays):
    ramp = {"transforms": ["random_flip"]}
    opened = arrays(**ramp).open(BOTH)
    assert opened.opened["x"].facts["transforms"] == opened.opened["y"].facts["transforms"] == ["random_flip"]
    own = arrays({"transforms": ["invert"]}, **ramp).open(BOTH)
    assert own.opened["x"].facts["transforms"] == ["invert"] and everything(own, "x").max() == 255


def test_two_typefaces():
    x = {"source": "synthetic", "faces": ["DejaVuSans-Bold"], "size": 50, "characters": "Aa"}
    here = source("domains", x=x, y=x | {"faces": ["cmtt10"], "seed": 1})
    opened = here.open({"x": Image((16, 16, 1)), "y": Image((16, 16, 1)), "label_x": ClassLabel()})
    resumes(opened)
    assert here.splits() == ["train", "validation", "test"] and here.knows()["class_names"] == ["A", "a"]
    ink = {side: (everything(opened, side) > 128).mean() for side in "xy"}
    assert ink["x"] > 1.2 * ink["y"]  # bold, and not


def test_sentences_of_two_languages(tmp_path):
    (tmp_path / "train.en").write_text("a cat\na dog\na house\n")
    (tmp_path / "train.fr").write_text("un chat\nun chien\n")
    sides = {"x": {"source": "sentences", "path": str(tmp_path / "{split}.en")}}
    here = source("domains", **sides, y={"source": "sentences", "path": str(tmp_path / "{split}.fr")})
    known = here.knows()
    assert known == {"vocabulary_x": ["a", "cat", "dog", "house"], "vocabulary_y": ["un", "chat", "chien"]}
    kinds = {"x": Text((3,), known["vocabulary_x"]), "y": Text((3,), known["vocabulary_y"])}
    assert kinds["y"].decode(here.open(kinds).rows([1])["y"]) == ["un chien"]


def test_streamed_domains(tmp_path):
    import tensorflow_datasets as tfds

    with tfds.testing.mock_data(num_examples=5):
        table = {"source": "tfds", "name": "mnist", "cache": False}
        opened = source("domains", x=table, y=table).open(BOTH)
        resumes(opened, late=1, count=1)
        assert everything(opened, "y").shape == (5, 4, 4, 1)


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ({"source": "foldr"}, "unknown data source 'foldr': did you mean 'folder'"),
        ({}, "unknown data source None"),
        ({"source": "folder"}, "data.x.path is missing"),
        ({"source": "folder", "path": "a", "pth": 1}, "unknown key 'data.x.pth': did you mean 'data.x.path'"),
        ({"source": "folder", "path": 3}, "data.x.path = 3: should be text"),
        ({"source": "folder", "path": "a", "batch_size": 3}, "set data.batch_size"),
        ({"source": "domains"}, "a domain is one source"),
    ],
)
def test_wrong_tables_are_told_in_one_line(table, message):
    with pytest.raises(ValidationError) as caught:
        source("domains", x=table, y={"source": "synthetic"})
    error = caught.value.errors()[0]["ctx"]["error"]
    assert isinstance(error, ZooError) and message in str(error) and "\n" not in str(error)


def test_what_domains_cannot_do(arrays, tmp_path):
    with pytest.raises(ValidationError, match="derive: say it in the tables of the domains"):
        arrays(derive={"mask": "mask"})
    with pytest.raises(ZooError, match="data.where: say it in the tables"):
        arrays(where={"label": 1}).open(BOTH)
    with pytest.raises(ZooError, match="x.npz' is not a file") as caught:
        arrays({"path": str(tmp_path / "x.npz")}).open(BOTH)
    one_line(caught)
    with pytest.raises(ZooError, match="no 'train_audio'"):
        arrays().open({**BOTH, "audio": Audio((9, 1))})
    with pytest.raises(ZooError, match="gives 'label_x'.*to no model"):
        arrays().open({**BOTH, "label": ClassLabel(), "label_x": ClassLabel()})
    with pytest.raises(ZooError, match="no 'train_picture'"):
        arrays().open({**spec(), "picture": Image((4, 4, 1))})


def test_located_domains_are_found_from_elsewhere(arrays, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    here = source("domains", x={"source": "arrays", "path": "a.npz"}, y={"source": "arrays", "path": "b.npz"})
    arrays()
    found = here.located()
    monkeypatch.chdir("/")
    assert found.open(BOTH).num_examples == 10
    again = type(found).model_validate_json(found.model_dump_json())
    assert labels(again.open({**BOTH, "label": ClassLabel()}).examples(5), -1)[0] == [0, 1, 2, 3, 4]
