"""The data at hand, by tables as presets have them: each opens below one --data-dir, in training and held out."""

import re
import tomllib

import numpy as np
import pytest
from helpers import resumes

from tfgan_zoo import data
from tfgan_zoo.config_errors import check
from tfgan_zoo.modalities import Audio, ClassLabel, Image, Mask, Text, Voxels

SUMMER = 'x = { source = "folder", path = "summer2winter", split = "trainA[:30]" }'
WINTER = 'y = { source = "folder", path = "summer2winter", split = "trainB[:20]" }'
TONES = 'hold_out = { share = 0.1, by = "text", ignore = " with .* skin tone" }'
DIGITS = r"pattern = '(?P<label>\d)_(?P<speaker>[a-z]+)_((?P<test>[0-4])|(?P<train>\d+))'"

# (name, table, what a model wants, training examples, held-out examples or None)
TABLES = [
    (
        "super-resolution",
        'source = "folder"\npath = "sr/T91"\nsplit = "train[:20]"\ntransforms = ["random_crop", "random_flip"]',
        {"high_res": Image((96, 96, 3)), "low_res": Image((24, 24, 3))},
        (20, None),
    ),
    (
        "inpainting",
        'source = "folder"\npath = "summer2winter/testA"\ntransforms = [{ random_crop = 72 }, "random_flip"]\n'
        "derive = { mask = { random_mask = { least = 0.1, most = 0.5 } } }",
        {"image": Image((64, 64, 3)), "mask": Mask((64, 64, 1))},
        (50, None),
    ),
    (
        "unpaired photographs",
        f'source = "domains"\n{SUMMER}\n{WINTER}\ntransforms = [{{ random_crop = 72 }}, "random_flip"]',
        {"x": Image((64, 64, 3)), "y": Image((64, 64, 3))},
        (30, 50),
    ),
    (
        "two typefaces",
        'source = "domains"\nx = { source = "synthetic", faces = ["DejaVuSans"], size = 40 }\n'
        'y = { source = "synthetic", faces = ["STIXGeneralItalic"], size = 40, seed = 1 }',
        {"x": Image((32, 32, 1)), "y": Image((32, 32, 1)), "label_x": ClassLabel()},
        (40, 40),
    ),
    (
        "adaptation",
        'source = "domains"\nx = { source = "tfds", name = "mnist", split = "train[:2000]" }\n'
        'y = { source = "arrays", path = "usps/usps.npz", split = "train[:1800]" }',
        {"x": Image((28, 28, 1)), "label": ClassLabel(), "y": Image((28, 28, 1))},
        (2000, 10_000),
    ),
    (
        "pairs side by side",
        'source = "paired"\npath = "facades"\nsplit = "train[:20]"\nside = "right"\n'
        'transforms = [{ random_crop = 72 }, "random_flip"]',
        {"source": Image((64, 64, 3)), "target": Image((64, 64, 3))},
        (20, 106),
    ),
    (
        "captions",
        f'source = "folder"\npath = "emoji_3d"\n{TONES}\nwhere = {{ group = "Food & Drink" }}',
        {"image": Image((64, 64, 3)), "text": Text((8,), ("red", "apple"))},
        (None, None),
    ),
    (
        "sounds",
        f'source = "audio"\npath = "spoken_digits"\n{DIGITS}\nnormalize = "peak"',
        {"audio": Audio((8192, 1), 8000), "label": ClassLabel()},
        (2700, 300),
    ),
    (
        "some classes",
        'source = "arrays"\npath = "usps/usps.npz"\nwhere = { label = [3, 8] }',
        {"image": Image((28, 28, 1)), "label": ClassLabel()},
        (1200, 332),
    ),
    (
        "solids",
        'source = "arrays"\npath = "modelnet10/monitor.npz"\nsplit = "train[:85%]"',
        {"voxels": Voxels((32, 32, 32, 1))},
        (383, None),
    ),
    (
        "aligned sentences",
        'source = "sentences"\npath = "multi30k/{split}.en.gz"\ntarget_path = "multi30k/{split}.fr.gz"\nsplit = "val"',
        {"source": Text((20,), ("a", "man")), "target": Text((20,), ("un", "homme"))},
        (1014, 1000),
    ),
    (
        "halves without pairs",
        'source = "domains"\nsplit = "val"\n'
        'x = { source = "sentences", path = "multi30k/{split}.en.gz", split = "val[:50%]" }\n'
        'y = { source = "sentences", path = "multi30k/{split}.de.gz", split = "val[50%:]" }',
        {"x": Text((20,), ("a", "man")), "y": Text((20,), ("ein", "mann"))},
        (507, 1000),
    ),
    ("a texture", 'source = "texture"\npath = "textures/bricks.png"', {"image": Image((96, 96, 3))}, (10_000, None)),
]


@pytest.mark.parametrize(("table", "wanted", "counts"), [row[1:] for row in TABLES], ids=[row[0] for row in TABLES])
def test_tables_at_hand(shared, table, wanted, counts):
    values = tomllib.loads(table) | {"data_dir": str(shared / "data")}
    source = check(data.source_class(values["source"]), values, "data", "here", {}).located()
    opened = source.open(wanted)
    for batch in resumes(opened, late=1, count=1):
        for key, kind in wanted.items():
            assert batch[key].shape == (4, *kind.shape) and batch[key].dtype == kind.stored
            assert len({row.tobytes() for row in batch[key]}) > 1  # something is seen, and not the same in each
    train, test = counts
    assert train is None or opened.num_examples == train
    if test is not None:
        assert "test" in source.splits() and source.open(wanted, split="test").num_examples == test


def test_no_emoji_name_is_on_both_sides(shared):
    values = tomllib.loads(TONES) | {"source": "folder", "path": str(shared / "data/emoji_3d")}
    source = data.source_class("folder")(**values)
    names = {}
    for split in ("train", "test"):
        items = source.listed(split).items
        names[split] = {re.sub(" with .* skin tone", "", item.text) for item in items}
        assert (len(items), split) in ((2850, "train"), (295, "test"))
    assert not names["train"] & names["test"] and len(names["train"] | names["test"]) > 1500
    tones = [sum("skin tone" in item.text for item in source.listed(split).items) for split in names]
    assert min(tones) > 100  # tones are on both sides


def test_stated_facts_of_the_sounds(shared):
    values = tomllib.loads(DIGITS) | {"source": "audio", "path": str(shared / "data/spoken_digits")}
    source = data.source_class("audio")(**values, where={"speaker": "george"})
    opened = source.open({"audio": Audio((8192, 1), 8000), "label": ClassLabel()}, split="test")
    assert opened.class_names == tuple("0123456789") and opened.num_examples == 50 and opened.facts["rates"] == [8000]
    assert np.bincount(opened.rows(range(50))["label"]).tolist() == [5] * 10
