"""The pipeline that all data sources share: order, resumption, transforms, bending, the registry."""

import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf
from helpers import labels, spec
from pydantic import ValidationError

from tfgan_zoo import data, devices, images
from tfgan_zoo.data import base, keyed, memory, transforms
from tfgan_zoo.errors import ZooError


@pytest.fixture
def numbered(tmp_path):
    """Ten 8 x 8 images, each filled with its own number, which is its label too."""
    image = np.broadcast_to(np.arange(10, dtype=np.uint8)[:, None, None], (10, 8, 8))
    np.savez(tmp_path / "ten.npz", image=image, label=np.arange(10))
    return lambda **more: data.source_class("arrays")(source="arrays", path=str(tmp_path / "ten.npz"), **more)


def test_sources_are_found_by_file_name_without_heavy_imports():
    code = (
        "import sys, tfgan_zoo.data as d; names = d.source_names();"
        "[d.source_class(n) for n in names]; print(*names);"
        "assert not {'tensorflow', 'keras', 'tensorflow_datasets'} & set(sys.modules)"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert {"arrays", "folder", "synthetic", "tfds"} <= set(run.stdout.split())


def test_unknown_source_suggests_the_nearest():
    with pytest.raises(ZooError, match="unknown data source 'fodler': did you mean 'folder'"):
        data.source_class("fodler")
    assert data.Data is base.Data and data.BaseSource is base.BaseSource


def test_settings_are_strict(numbered):
    for wrong in ({"colour": 1}, {"batch_size": "64"}, {"batch_size": 0}, {"cache": "yes"}):
        with pytest.raises(ValidationError):
            numbered(**wrong)


def test_every_epoch_is_a_permutation_and_orders_differ(numbered):
    opened = numbered().open(spec())
    epochs = np.array(labels(opened.batches(5), 20)).reshape(10, 10)
    assert (np.sort(epochs, axis=1) == np.arange(10)).all()
    assert len({tuple(epoch) for epoch in epochs}) == 10


def test_batches_that_straddle_epochs_show_each_example_once(numbered):
    flat = np.array(labels(numbered().open(spec()).batches(4), 15)).ravel()
    assert (np.sort(flat.reshape(6, 10), axis=1) == np.arange(10)).all()


def test_batch_depends_on_seed_and_number_only(numbered):
    opened = numbered(transforms=["random_flip", {"random_shift": 2}]).open(spec())
    whole = list(opened.batches(4, seed=3).take(9))
    tf.random.set_seed(99)
    late = list(opened.batches(4, seed=3, start=6).take(3))
    for first, second in zip(whole[6:], late, strict=True):
        tf.nest.map_structure(np.testing.assert_array_equal, first, second)
    assert labels(opened.batches(4, seed=4), 5) != labels(opened.batches(4, seed=3), 5)
    far = next(iter(opened.batches(4, seed=3, start=10**12)))  # at once, however far
    assert far["image"].shape == (4, 8, 8, 1)


def test_shards_are_the_parts_of_a_batch(numbered):
    opened = numbered(transforms=["random_flip"]).open(spec())
    parts = [list(opened.batches(6, seed=1, shard=(i, 3)).take(4)) for i in range(3)]
    for k, batch in enumerate(opened.batches(6, seed=1).take(4)):
        for key in batch:
            np.testing.assert_array_equal(batch[key], np.concatenate([part[k][key] for part in parts]))
    with pytest.raises(ZooError, match="batch_size 6 cannot be shared by 4"):
        opened.batches(6, shard=(0, 4))


def test_shapes_dtypes_and_options(numbered):
    opened = numbered().open(spec())
    dataset = opened.batches(4)
    assert dataset.element_spec["image"] == tf.TensorSpec((4, 8, 8, 1), tf.uint8)
    assert dataset.element_spec["label"] == tf.TensorSpec((4,), tf.int32)
    policy = dataset.options().experimental_distribute.auto_shard_policy
    assert policy == tf.data.experimental.AutoShardPolicy.OFF
    assert opened.examples(4).element_spec["image"].shape.as_list() == [None, 8, 8, 1]
    assert set(numbered().open(spec(label=False)).batches(2).element_spec) == {"image"}


def test_examples_are_one_ordered_pass_without_random_transforms(numbered):
    opened = numbered(transforms=["random_flip"]).open(spec())
    assert labels(opened.examples(4), -1) == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9]]
    assert labels(opened.examples(4, limit=6), -1) == [[0, 1, 2, 3], [4, 5]]
    assert int(opened.examples(4).cardinality()) == 3


def test_distribution_gives_each_replica_its_part(numbered):
    strategy = devices.strategy(2)
    opened = numbered().open(spec())
    spread = next(iter(strategy.experimental_distribute_dataset(opened.batches(4))))
    parts = [part.numpy().tolist() for part in strategy.experimental_local_results(spread["label"])]
    assert [len(part) for part in parts] == [2, 2] and [n for part in parts for n in part] == labels(
        opened.batches(4), 1
    )[0]


def test_fit_takes_the_batches(numbered):
    class Mean(tf.keras.Model):
        def train_step(self, batch):
            return {"mean": tf.reduce_mean(tf.cast(batch["image"], tf.float32))}

    model = Mean()
    model.compile()
    history = model.fit(numbered().open(spec()).batches(10), steps_per_epoch=2, epochs=1, verbose=0)
    assert history.history["mean"] == [4.5]


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ("random_flop", "unknown transform 'random_flop': did you mean 'random_flip'"),
        ("resolve", "unknown transform 'resolve'"),
        ({"center_crop": "x"}, "center_crop: size = 'x'"),
        ({"center_crop": 0}, "center_crop: size = 0"),
        ({"center_crop": {"sise": 3}}, "center_crop does not take {'sise': 3}; it is center_crop(size)"),
        ("center_crop", "center_crop needs size"),
        ({"invert": 3}, "invert does not take 3; it is invert()"),
        ({"invert": {}, "pad": 2}, "must have one name"),
    ],
)
def test_wrong_transforms_are_told_in_one_line(numbered, entry, message):
    with pytest.raises(ValidationError) as caught:
        numbered(transforms=[entry])
    error = caught.value.errors()[0]["ctx"]["error"]
    assert isinstance(error, ZooError) and message in str(error) and "\n" not in str(error)


def test_a_random_transform_that_cannot_work_is_told_before_training(numbered):
    with pytest.raises(ZooError, match="random_shift by 8 pixels of 8 x 8"):
        numbered(transforms=[{"random_shift": 8}]).open(spec())


def test_steady_transforms():
    image = np.arange(4 * 6 * 3, dtype=np.uint8).reshape(4, 6, 3)
    np.testing.assert_array_equal(transforms.center_crop(image, 2), image[1:3, 2:4])
    np.testing.assert_array_equal(transforms.center_crop(image, [9, 2]), image[:, 2:4])
    np.testing.assert_array_equal(transforms.invert(image), 255 - image)
    assert transforms.pad(image, 2, 255).shape == (8, 10, 3) and transforms.pad(image, 2, 255)[0, 0, 0] == 255
    assert transforms.resize(image, [5, 3]).shape == (5, 3, 3)


def test_random_transforms_are_drawn_for_each_image():
    ramp = np.broadcast_to(np.arange(8, dtype=np.uint8)[:, None] * 8 + np.arange(8, dtype=np.uint8), (400, 8, 8))
    stack = np.array(ramp[..., None])

    def random(i):
        return keyed.uniform(5, np.arange(400), i)

    flipped = transforms.random_flip([stack.copy()], random)[0]
    mirrored = (flipped == stack[:, :, ::-1]).all((1, 2, 3))
    assert 150 < mirrored.sum() < 250 and (flipped[~mirrored] == stack[~mirrored]).all()
    turned = transforms.random_turn([stack.copy()], random)[0]
    quarters = [(turned == np.rot90(stack, k, axes=(1, 2))).all((1, 2, 3)).sum() for k in range(4)]
    assert sum(quarters) == 400 and min(quarters) > 70
    rarely = transforms.random_turn([stack.copy()], random, 0.2)[0]
    assert 0.05 < (rarely != stack).any((1, 2, 3)).mean() < 0.25
    with pytest.raises(ZooError, match="random_turn of 8 x 4 images: they must be square"):
        transforms.random_turn([stack[:, :, :4].copy()], random)
    shifted = transforms.random_shift([stack.copy()], random, 1)[0]
    np.testing.assert_array_equal(np.unique(shifted[:, 4, 4, 0]), [27, 28, 29, 35, 36, 37, 43, 44, 45])


def test_keyed_numbers():
    assert keyed.bits(1, 2)[0] == keyed.bits(1, np.arange(3))[2] != keyed.bits(2, 1)[0]
    assert keyed.bits(0, 0)[0] == 12035550249420947055  # pinned: runs must be repeatable for ever
    draws = keyed.uniform(0, np.arange(100_000))
    assert abs(draws.mean() - 0.5) < 0.005 and draws.min() >= 0 and draws.max() < 1
    normal = keyed.normal(-1, np.arange(100_000))
    assert abs(normal.mean()) < 0.015 and abs(normal.std() - 1) < 0.01
    a, b = (keyed.permutation(10_000, 7, 0, epoch) for epoch in (0, 1))
    for first, second in [
        (a, b),
        (a[1:], a[:-1]),
        (a, np.arange(10_000)),
    ]:  # no likeness between epochs or neighbours
        assert abs(np.corrcoef(first, second)[0, 1]) < 0.04


def test_bend_crops_to_proportion_scales_and_matches_channels():
    image = np.zeros((20, 40, 3), np.uint8)
    image[:, 10:30] = (255, 0, 0)  # the middle square is red
    np.testing.assert_array_equal(images.bend(image, (5, 5, 3)), np.broadcast_to([255, 0, 0], (5, 5, 3)))
    np.testing.assert_array_equal(images.bend(image, (5, 5, 1)), np.full((5, 5, 1), 76))  # luma of red
    grey = np.full((6, 4, 1), 9, np.uint8)
    np.testing.assert_array_equal(images.bend(grey, (6, 4, 3)), np.full((6, 4, 3), 9))
    clear = np.zeros((4, 4, 4), np.uint8)  # transparent black is white
    np.testing.assert_array_equal(images.bend(clear, (4, 4, 3)), np.full((4, 4, 3), 255))
    checks = np.indices((64, 64)).sum(0)[..., None] % 2 * 255
    small = images.bend(checks.astype(np.uint8), (16, 16, 1))  # antialiased: no moire
    assert small.min() > 100 and small.max() < 155


def test_cache_fits_in_a_quarter_of_the_free_memory(monkeypatch):
    monkeypatch.setattr(memory, "free_memory", lambda: 4000)
    assert memory.fits(10, (10, 10, 1), "auto") and not memory.fits(11, (10, 10, 1), "auto")
    assert memory.fits(11, (10, 10, 1), True) and not memory.fits(1, (1, 1, 1), False)


def test_lazy_images_are_made_once():
    asked = []

    def make(rows):
        asked.extend(rows.tolist())
        return np.broadcast_to(rows.astype(np.uint8)[:, None, None, None], (len(rows), 2, 2, 1))

    lazy = memory.Lazy(make, 5, (2, 2, 1), keep=True)
    assert lazy[np.array([3, 1, 3])][:, 0, 0, 0].tolist() == [3, 1, 3]
    assert lazy[np.array([1, 4])][:, 0, 0, 0].tolist() == [1, 4] and asked == [1, 3, 4]


@pytest.mark.parametrize(
    ("split", "places"),
    [
        ("train", range(200)),
        ("train[:10]", range(10)),
        ("train[90%:]", range(180, 200)),
        ("train[10:50%]", range(20, 100)),
        ("train[-5:-1]", range(195, 199)),
    ],
)
def test_split_slices(split, places):
    assert base.subset(split, ["train"], lambda name: 200) == ("train", places)


@pytest.mark.parametrize(
    ("split", "message"),
    [("trian", "did you mean 'train'"), ("train[5:5]", "holds no example"), ("train[:x]", "cannot be read")],
)
def test_wrong_splits(split, message):
    with pytest.raises(ZooError, match=message):
        base.subset(split, ["train", "test"], lambda name: 200)


def test_element_specs_that_cannot_be_met(numbered):
    with pytest.raises(ZooError, match="without None"):
        numbered().open(spec((None, 8, 1)))
    with pytest.raises(ZooError, match="1 or 3"):
        numbered().open(spec((8, 8, 2)))


def test_fingerprint_tells_data_apart(numbered):
    def of(wanted=None, **more):
        return numbered(**more).open(wanted or spec()).facts["fingerprint"]

    assert of() == of(transforms=["random_flip"]) == of(batch_size=3) and len(of()) == 64
    assert len({of(), of(split="train[:5]"), of(transforms=["invert"]), of(spec((4, 4, 1)))}) == 4
