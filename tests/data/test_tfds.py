"""TensorFlow Datasets: on mocked data, on a tiny set prepared on the spot, on MNIST if it is there."""

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_datasets as tfds
from helpers import everything, labels, one_line, resumes, source, spec

from tfgan_zoo import images
from tfgan_zoo.data import streamed
from tfgan_zoo.data.base import Data
from tfgan_zoo.data.sources import tfds as module
from tfgan_zoo.errors import MissingData, ZooError
from tfgan_zoo.modalities import Audio, ClassLabel, Image, Mask, Video


def prepare(folder):
    """Thirty 9 x 7 pictures, each of one colour, its number; the label is the number divided by ten."""
    number = np.arange(30, dtype=np.uint8)
    image = np.array(np.broadcast_to(number[:, None, None, None], (30, 9, 7, 3)))
    train = tf.data.Dataset.from_tensor_slices({"image": image, "label": number.astype(np.int64) // 10})
    features = {
        "image": tfds.features.Image(shape=(9, 7, 3)),
        "label": tfds.features.ClassLabel(num_classes=3),
    }
    tfds.dataset_builders.store_as_tfds_dataset(
        name="zoo_tiny",
        version="1.0.0",
        features=tfds.features.FeaturesDict(features),
        split_datasets={"train": train.take(30), "test": train.take(6)},
        data_dir=str(folder),
        disable_shuffling=True,
    )


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tfds")
    prepare(folder)
    return lambda **more: source("tfds", name="zoo_tiny", data_dir=str(folder), **more)


def ids(dataset, count):
    return np.concatenate([batch["image"][:, 0, 0, 0] for batch in dataset.take(count)])


@pytest.mark.parametrize("cache", [True, False])
def test_epochs_are_permutations_that_resume(tiny, monkeypatch, cache):
    monkeypatch.setattr(streamed, "BLOCK", 8)  # several blocks in an epoch
    opened = tiny(cache=cache, transforms=["random_flip", {"random_shift": 1}]).open(spec((9, 7, 3)))
    assert (type(opened) is Data) is cache and opened.facts["cached"] is cache
    whole = ids(opened.batches(4, seed=2), 30)
    assert (np.sort(whole.reshape(4, 30), axis=1) == np.arange(30)).all()
    assert len({tuple(epoch) for epoch in whole.reshape(4, 30)}) == 4
    tf.random.set_seed(1)
    for start in (0, 5, 11):  # 5 is within the first epoch, 11 in the second
        np.testing.assert_array_equal(ids(opened.batches(4, seed=2, start=start), 8), whole[4 * start : 4 * start + 32])
    assert (ids(opened.batches(4, seed=3), 7) != whole[:28]).any()


@pytest.mark.parametrize("cache", [True, False])
def test_shards_shapes_and_order(tiny, cache):
    opened = tiny(cache=cache).open(spec((8, 6, 1)))
    assert opened.batches(4).element_spec["image"] == tf.TensorSpec((4, 8, 6, 1), tf.uint8)
    policy = opened.batches(4).options().experimental_distribute.auto_shard_policy
    assert policy == tf.data.experimental.AutoShardPolicy.OFF
    parts = [ids(opened.batches(4, shard=(i, 2)), 9).reshape(9, 2) for i in range(2)]
    np.testing.assert_array_equal(np.hstack(parts).ravel(), ids(opened.batches(4), 9))
    one_pass = everything(opened)
    assert one_pass.shape == (30, 8, 6, 1)
    np.testing.assert_array_equal(np.sort(one_pass[:, 0, 0, 0]), np.arange(30))
    assert sum(len(batch) for batch in labels(opened.examples(4, limit=10), -1)) == 10


def test_streamed_and_cached_data_are_the_same(tiny):
    cached, streamed = (
        tiny(cache=cache, transforms=[{"center_crop": 5}]).open(spec((8, 8, 3))) for cache in (True, False)
    )
    np.testing.assert_array_equal(everything(cached), everything(streamed))
    assert cached.facts["fingerprint"] == streamed.facts["fingerprint"]
    part = tiny(split="train[10:50%]").open(spec((9, 7, 3)))
    np.testing.assert_array_equal(everything(part), everything(tiny().open(spec((9, 7, 3))))[3:15])


def test_random_transforms_of_a_stream_resume(tiny):
    opened = tiny(cache=False, transforms=["random_flip"]).open(spec((9, 7, 3)))
    whole = list(opened.batches(4, seed=1).take(6))
    for late, batch in zip(opened.batches(4, seed=1, start=4), whole[4:], strict=False):
        tf.nest.map_structure(np.testing.assert_array_equal, late, batch)


@pytest.mark.parametrize("cache", [True, False])
def test_where(tiny, cache):
    here = tiny(cache=cache, where={"label": [0, 2]})
    opened = here.open(spec((9, 7, 3)))
    assert opened.num_examples == 20 and opened.num_classes == 3 and opened.facts["cached"] is cache
    assert everything(opened)[:, 0, 0, 0].tolist() == [*range(10), *range(20, 30)]
    assert (np.sort(ids(opened.batches(4, seed=2), 10).reshape(2, 20)) == [*range(10), *range(20, 30)]).all()
    resumes(opened)
    plain = tiny(cache=cache, where={"label": 1}).open(spec((9, 7, 3), label=False))  # no labels asked for
    assert everything(plain)[:, 0, 0, 0].tolist() == list(range(10, 20))
    assert tiny(where={"label": 1}, split="train[:12]").open(spec((9, 7, 3))).num_examples == 2
    with pytest.raises(ZooError, match="data.where: unknown key 'labl': did you mean 'label'"):
        tiny(where={"labl": 1}).open(spec())
    with pytest.raises(ZooError, match="data.where.label: unknown value 7: Allowed: 0, 1, 2"):
        tiny(where={"label": 7}).open(spec())


def test_where_by_another_feature():
    with tfds.testing.mock_data(num_examples=40):
        men = source("tfds", name="celeb_a", where={"attributes/Male": True}).open(spec(label=False))
        assert 0 < men.num_examples < 40
        with pytest.raises(ZooError, match="unknown key 'Male'.*attributes/Male.*label") as caught:
            source("tfds", name="celeb_a", where={"Male": True}).open(spec(label=False))
        one_line(caught)


@pytest.mark.parametrize("size", [None, 8])
def test_random_parts(tiny, size):
    """Streamed or cached: parts of one height and width, elsewhere at every turn, whole or middle in evaluation."""
    entries = ["random_crop" if size is None else {"random_crop": size}, "random_flip"]
    cached, streamed = (tiny(cache=cache, transforms=entries).open(spec((6, 6, 3))) for cache in (True, False))
    assert cached.facts["cached"] and not streamed.facts["cached"]
    np.testing.assert_array_equal(everything(cached), everything(streamed))
    assert cached.facts["fingerprint"] == streamed.facts["fingerprint"]
    for opened in (cached, streamed):
        for batch in resumes(opened):
            assert batch["image"].shape == (4, 6, 6, 3)
            np.testing.assert_array_equal(batch["image"][:, 0, 0, 0] // 10, batch["label"])


def test_pictures_of_many_sizes_are_cut_from_the_stream():
    with tfds.testing.mock_data(num_examples=5):
        opened = source("tfds", name="lsun/bedroom", transforms=["random_crop"]).open(spec((32, 32, 3), label=False))
        assert not opened.facts["cached"]  # nobody knows how large they are
        batch = next(opened.batches(4).as_numpy_iterator())
        assert batch["image"].shape == (4, 32, 32, 3) and len({picture.tobytes() for picture in batch["image"]}) == 4


@pytest.mark.parametrize("cache", [True, False])
def test_derived_keys(tiny, cache):
    wanted = {"high_res": Image((8, 4, 3)), "low_res": Image((4, 2, 3)), "mask": Mask((8, 4, 1))}
    entries = ["random_crop", "random_flip"]
    opened = tiny(cache=cache, transforms=entries, derive={"mask": "random_mask"}).open(wanted)
    for batch in [*resumes(opened), *opened.examples(7).as_numpy_iterator()]:
        assert list(batch) == list(wanted) and batch["mask"].shape[1:] == (8, 4, 1)
        for high, low in zip(batch["high_res"], batch["low_res"], strict=True):
            np.testing.assert_array_equal(low, images.scale(high, 4, 2))
    masks = everything(opened, "mask")
    assert len({mask.tobytes() for mask in masks}) > 20
    np.testing.assert_array_equal(opened.rows([9, 3])["mask"], masks[[9, 3]])


def test_splits_that_are_not_there(tiny):
    with pytest.raises(ZooError, match="unknown split 'trian': did you mean 'train'.*Allowed: test, train"):
        tiny(split="trian").open(spec())
    with pytest.raises(ZooError, match=r"data.split 'train\[:x\]'.*Splits: train, test") as caught:
        tiny(split="train[:x]").open(spec())
    assert "\n" not in str(caught.value)
    with pytest.raises(ZooError, match="Splits: train, test"):
        tiny(split="train[5:5]").open(spec())


def test_damaged_files_are_told(tmp_path):
    prepare(tmp_path)
    [file] = tmp_path.rglob("*train*tfrecord*")
    file.write_bytes(file.read_bytes()[:-10])
    with pytest.raises(ZooError, match="prepare them again") as caught:
        source("tfds", name="zoo_tiny", data_dir=str(tmp_path)).open(spec())
    assert "\n" not in str(caught.value)


def test_data_that_is_not_there_names_the_ways_on(tmp_path):
    with pytest.raises(ZooError) as caught:
        source("tfds", name="celeb_a", data_dir=str(tmp_path)).open(spec(label=False))
    message = str(caught.value)
    for way in (
        "data.download=true",
        "--download",
        "data.source=folder data.path=FOLDER",
        "data.source=synthetic",
        "--smoke",
    ):
        assert way in message
    assert "celeb_a" in message and "\n" not in message


def test_unknown_names(tmp_path):
    with pytest.raises(ZooError, match="unknown dataset 'mnst': did you mean .*'mnist'"):
        source("tfds", name="mnst", data_dir=str(tmp_path)).open(spec())
    with pytest.raises(ZooError, match="unknown config 'bedrom': did you mean 'bedroom'"):
        source("tfds", name="lsun/bedrom", data_dir=str(tmp_path)).open(spec())
    with pytest.raises(ZooError, match="has no images"):
        source("tfds", name="iris", data_dir=str(tmp_path)).open(spec())


def test_a_download_that_fails_names_the_ways_on(tmp_path, monkeypatch):
    def fail(*args, **kwargs):
        raise OSError("no route\nto the host")

    monkeypatch.setattr(module, "offline", lambda: None)
    monkeypatch.setattr(tfds.core.DatasetBuilder, "download_and_prepare", fail)
    with pytest.raises(ZooError, match="could not be downloaded: no route; .*data.source=synthetic"):
        source("tfds", name="mnist", data_dir=str(tmp_path), download=True).open(spec())


def test_without_a_network_nothing_is_tried(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "ARCHIVE", "http://localhost:1")
    monkeypatch.setattr(tfds.core.DatasetBuilder, "download_and_prepare", lambda builder: pytest.fail("it was tried"))
    with pytest.raises(MissingData, match="localhost:1 does not answer .*refused.*; fetch it with") as caught:
        source("tfds", name="mnist", data_dir=str(tmp_path), download=True).open(spec())
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["dataset_info.json", "features.json"])
@pytest.mark.parametrize("text", [None, b"", b'{"na', b"[]", b"\xff\xfe"])
def test_a_damaged_description_is_one_line(tmp_path, name, text):
    prepare(tmp_path)
    (file,) = tmp_path.rglob(name)
    file.unlink() if text is None else file.write_bytes(text)
    for ask in (lambda data: data.open(spec()), lambda data: data.knows(), lambda data: data.splits()):
        with pytest.raises(ZooError, match="zoo_tiny") as caught:
            ask(source("tfds", name="zoo_tiny", data_dir=str(tmp_path)))
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize("cache", [True, False])
def test_celeb_a(cache):
    with tfds.testing.mock_data(num_examples=5):
        settings = {"transforms": [{"center_crop": 178}, "random_flip"], "cache": cache}
        opened = source("tfds", name="celeb_a", **settings).open(spec((64, 64, 3), label=False))
        assert opened.num_examples == 5 and opened.facts["image_shape"] == [218, 178, 3]
        assert next(iter(opened.batches(4)))["image"].shape == (4, 64, 64, 3)
        assert everything(opened).shape == (5, 64, 64, 3)
        with pytest.raises(ZooError, match="data.label: attributes/5_o_Clock_Shadow, .*attributes/Young"):
            source("tfds", name="celeb_a", **settings).open(spec((64, 64, 3)))
        opened = source("tfds", name="celeb_a", label="attributes/Male", **settings).open(spec((64, 64, 3)))
        assert opened.num_classes == 2 and set(everything(opened, "label").tolist()) == {0, 1}


@pytest.mark.parametrize("cache", [True, False])
def test_lsun(cache):
    with tfds.testing.mock_data(num_examples=5):  # pictures of many sizes
        opened = source("tfds", name="lsun/bedroom", cache=cache).open(spec((32, 32, 3), label=False))
        assert opened.facts["image_shape"] == [None, None, 3]
        assert next(iter(opened.batches(4)))["image"].shape == (4, 32, 32, 3)
        assert everything(opened).shape == (5, 32, 32, 3)
        with pytest.raises(ZooError, match="lsun/bedroom has no feature 'label'.*this dataset has none"):
            source("tfds", name="lsun/bedroom").open(spec())


def test_one_of_several_pictures_is_chosen_by_name():
    with tfds.testing.mock_data(num_examples=5):
        with pytest.raises(ZooError, match="several images; choose one with data.image: hr, lr"):
            source("tfds", name="div2k/bicubic_x4").open(spec(label=False))
        with pytest.raises(ZooError, match="data.image: unknown image 'hrr': did you mean 'hr'") as caught:
            source("tfds", name="div2k/bicubic_x4", image="hrr").open(spec(label=False))
        one_line(caught)


# === Videos ===
CLIP = {"video": Video((4, 5, 5, 1)), "label": ClassLabel()}


@pytest.fixture(scope="module")
def clips(tmp_path_factory):
    """Twelve videos of 5, 6, 7, 8, 5 ... frames: frame j of video i has the grey 10 i + j; the label is i div 4."""
    folder = tmp_path_factory.mktemp("clips")

    def made():
        for i in range(12):
            frames = [np.full((9, 7, 3), 10 * i + j, np.uint8) for j in range(5 + i % 4)]
            yield {"clip": np.stack(frames), "label": i // 4}

    signature = {"clip": tf.TensorSpec((None, 9, 7, 3), tf.uint8), "label": tf.TensorSpec((), tf.int64)}
    features = {"clip": tfds.features.Video((None, 9, 7, 3)), "label": tfds.features.ClassLabel(num_classes=3)}
    tfds.dataset_builders.store_as_tfds_dataset(
        name="zoo_clips",
        version="1.0.0",
        features=tfds.features.FeaturesDict(features),
        split_datasets={"train": tf.data.Dataset.from_generator(made, output_signature=signature)},
        data_dir=str(folder),
        disable_shuffling=True,
    )
    return lambda **more: source("tfds", name="zoo_clips", data_dir=str(folder), **more)


def greys(videos):
    """The grey of each frame: int (n, frames)."""
    return np.asarray(videos)[:, :, 2, 2, 0].astype(int)


@pytest.mark.parametrize("cache", [True, False])
@pytest.mark.parametrize("more", [{}, {"transforms": ["random_crop", "random_flip"]}], ids=["whole", "parts"])
def test_clips_begin_elsewhere_in_every_epoch(clips, monkeypatch, cache, more):
    monkeypatch.setattr(streamed, "BLOCK", 5)  # several blocks in an epoch
    opened = clips(cache=cache, **more).open(CLIP)
    assert opened.facts["cached"] is cache and opened.num_examples == 12
    seen = {}
    for batch in opened.batches(4, seed=1).take(60).as_numpy_iterator():
        assert (np.diff(greys(batch["video"])) == 1).all()
        for first, label in zip(greys(batch["video"])[:, 0], batch["label"], strict=True):
            assert label == first // 40
            seen.setdefault(first // 10, []).append(first % 10)
    assert all(set(starts) == set(range(2 + i % 4)) and len(starts) == 20 for i, starts in seen.items())
    resumes(opened)


@pytest.mark.parametrize(
    "more, wanted, left_out",
    [
        ({}, [[0, 1, 2, 3], [11, 12, 13, 14]], 0),  # the middle
        ({"long": "first"}, [[0, 1, 2, 3], [10, 11, 12, 13]], 0),
        ({"stride": 2}, [[20, 22, 24, 26], [30, 32, 34, 36]], 6),
        ({"stride": 2, "short": "repeat"}, [[0, 2, 4, 4], [10, 12, 14, 15]], 0),
        ({"stride": 2, "where": {"label": 1}}, [[60, 62, 64, 66], [70, 72, 74, 76]], 2),
    ],
)
def test_clips_that_evaluation_sees(clips, more, wanted, left_out, capsys):
    cached, streamed = (clips(cache=cache, **more).open(CLIP) for cache in (True, False))
    found = everything(cached, "video")
    assert greys(found)[:2].tolist() == wanted
    np.testing.assert_array_equal(found, everything(streamed, "video"))
    assert cached.facts["fingerprint"] == streamed.facts["fingerprint"]
    said = capsys.readouterr().err
    assert (f"zoo_clips: left out {left_out} videos of fewer than 7 frames" in said) == bool(left_out)


def test_videos_of_the_catalogue():
    with tfds.testing.mock_data(num_examples=6):
        opened = source("tfds", name="ucf101/ucf101_1", transforms=["random_crop"]).open(
            {"video": Video((5, 32, 32, 3))}
        )
        assert not opened.facts["cached"] and opened.facts["image_shape"] == [None, None, 3]  # sizes nobody knows
        batch = next(opened.batches(4).as_numpy_iterator())
        assert batch["video"].shape == (4, 5, 32, 32, 3) and len({clip.tobytes() for clip in batch["video"]}) == 4
        opened = source("tfds", name="moving_mnist", split="test").open({"video": Video((5, 32, 32, 1))})
        assert opened.facts["cached"] and opened.facts["cached_bytes"] == 6 * 20 * 32 * 32


def test_videos_that_are_not_there(clips):
    with tfds.testing.mock_data(num_examples=6):
        for name, more, message in [
            ("moving_mnist", {"stride": 7}, "none of the 6 videos of moving_mnist has the 22 frames of a clip"),
            ("moving_mnist", {"video": "x"}, "data.video: unknown video 'x': Allowed: image_sequence"),
            ("mnist", {}, "mnist has no videos; give a data set of videos, such as ucf101 or moving_mnist"),
        ]:
            with pytest.raises(ZooError, match=message) as caught:
                source("tfds", name=name, split="test", **more).open({"video": CLIP["video"]})
            one_line(caught)
    with pytest.raises(ZooError, match="none of the 12 videos of zoo_clips has the 13 frames") as caught:
        clips(stride=4).open(CLIP)
    one_line(caught)
    with pytest.raises(ZooError, match="has no images"):
        clips().open(spec())


def test_mnist(shared):
    here = source("tfds", name="mnist", data_dir=str(shared / "data/tfds"), split="test")
    opened = here.open(spec((28, 28, 1)))
    assert opened.num_examples == 10_000 and opened.num_classes == 10
    assert opened.facts["source"] == "tfds mnist/3.0.1 [test]" and opened.facts["cached_bytes"] == 10_000 * 788
    assert np.bincount(everything(opened, "label")).tolist() == [
        980,
        1135,
        1032,
        1010,
        982,
        892,
        958,
        1028,
        974,
        1009,
    ]
    assert here.open(spec((28, 28, 1)), split="train[:1000]").num_examples == 1000


@pytest.mark.parametrize("cache", [True, False])
def test_sounds(tmp_path, cache):
    """Twelve sounds of 50 to 72 samples at 4 kHz, each filled with its number; half the rate halves their length."""
    pytest.importorskip("scipy")
    numbers = range(12)
    rows = [{"audio": np.full(50 + 2 * n, 100 * n, np.int64), "label": n % 3} for n in numbers]
    shape = {"audio": tf.TensorSpec((None,), tf.int64), "label": tf.TensorSpec((), tf.int64)}
    features = {"audio": tfds.features.Audio(sample_rate=4000), "label": tfds.features.ClassLabel(num_classes=3)}
    tfds.dataset_builders.store_as_tfds_dataset(
        name="zoo_sounds",
        version="1.0.0",
        features=tfds.features.FeaturesDict(features),
        split_datasets={"train": tf.data.Dataset.from_generator(lambda: iter(rows), output_signature=shape)},
        data_dir=str(tmp_path),
        disable_shuffling=True,
    )
    wanted = {"audio": Audio((40, 1), 4000), "label": ClassLabel()}
    here = source("tfds", name="zoo_sounds", data_dir=str(tmp_path), cache=cache, where={"label": [0, 2]})
    opened = here.open(wanted)
    resumes(opened, late=1, count=1)
    heard = everything(opened, "audio")
    assert heard.dtype == np.int16 and heard[:, 0, 0].tolist() == [100 * n for n in numbers if n % 3 != 1]
    assert (heard == heard[:, :1]).all() and opened.facts["cached"] is cache
    halved = everything(here.open(wanted | {"audio": Audio((40, 1), 2000)}), "audio")
    assert [int(np.flatnonzero(sound[:, 0]).max()) + 1 for sound in halved[1:3]] == [27, 28]  # of 54 and 56
    with pytest.raises(ZooError, match="zoo_sounds has no images"):
        here.open(spec())
    with tfds.testing.mock_data(num_examples=2), pytest.raises(ZooError, match="mnist has no sounds") as caught:
        source("tfds", name="mnist").open(wanted)
    one_line(caught)
