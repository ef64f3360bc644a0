"""What people name on the command line, as streams of images: folders, SavedModels, data sets, presets, statistics."""

import re
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from tfgan_zoo import config, data, files, index, zoo
from tfgan_zoo.errors import ZooError, unknown
from tfgan_zoo.evaluation import Statistics
from tfgan_zoo.evaluation.streams import Pictures, Selected, Served, Stream, saved_model
from tfgan_zoo.metrics.maths import frechet


def images(text: str, samples: int | None, seed: int, options: dict[str, Any], labelled: bool) -> Stream:
    """A target that is neither a run nor a pretrained preset: a SavedModel, a folder of pictures or a data set.

    Args:
        samples: how many images; None for all there are, and for 10,000 of a SavedModel.
        options: `data_dir` and `download` of TFDS.
        labelled: whether labels are wanted.
    """
    path = Path(text)
    if path.is_dir():
        exported = saved_model(path)
        return Served(exported, samples or 10_000, seed) if exported else Pictures(path, samples)
    return Selected(dataset(text, None, options, labelled), samples)


def against(
    text: str, samples: int | None, spec: dict | None, options: dict[str, Any], labelled: bool
) -> Stream | Statistics:
    """The reference that `text` names: FOLDER, STATS.npz, PRESET[:SPLIT] or DATASET[:SPLIT].

    Args:
        samples: how many of its images; None for all.
        spec: the model's `element_spec`, whose shape a data set is brought to; None for the data set's own shape.

    Raises:
        ZooError: nothing of that name, or what it names cannot be read.
    """
    path = Path(text).expanduser()
    if path.is_dir():
        return Pictures(path, samples)
    if path.suffix == ".npz":
        return statistics(path)
    return Selected(dataset(text, spec, options, labelled), samples)


def statistics(path: Path) -> Statistics:
    """The `mu` and `sigma` of another tool's .npz file. Raises ZooError where it holds none that fit each other."""
    try:
        with np.load(path, allow_pickle=False) as stored:
            mean, cov = (np.asarray(stored[name], np.float64) for name in ("mu", "sigma"))
    except FileNotFoundError:
        raise ZooError(f"{path}: there is no such file.") from None
    except KeyError:
        raise ZooError(f"{path}: holds no `mu` and `sigma`; statistics of pytorch-fid or the FID authors do.") from None
    except (OSError, ValueError, EOFError, AttributeError, zipfile.BadZipFile) as error:
        raise ZooError(f"{path}: is not a readable .npz file ({error}).") from None
    if (
        mean.ndim != 1
        or cov.shape != (len(mean), len(mean))
        or not (np.isfinite(mean).all() and np.isfinite(cov).all())
    ):
        raise ZooError(f"{path}: mu {mean.shape} and sigma {cov.shape}; they must be finite, (n,) and (n, n).")
    return Statistics(f"statistics {path.name}", files.sha256(path)[:20], frechet.Statistics(mean, cov, None))


def dataset(text: str, spec: dict | None, options: dict[str, Any], labelled: bool) -> Any:
    """The opened data of PRESET[:SPLIT] or DATASET[:SPLIT] (a TFDS name); by default the test split, if any."""
    name, split = split_of(text)
    if name in index.presets():
        experiment = config.override(config.load(name), config.data_options(**options))
        return opened(experiment.data, spec or zoo.build(experiment).element_spec, split, labelled)
    if not _tfds(name):
        raise unknown("run, preset, folder, statistics file or TFDS data set", text, index.presets())
    source = data.source_class("tfds")(source="tfds", name=name, **options)
    shape = source.image_shape() if spec is None else tuple(spec["image"].shape)
    if None in shape:
        raise ZooError(
            f"{name}: its pictures have various sizes: name a preset (it says the crop and the size), or a folder."
        )
    return opened(source, {"image": tf.TensorSpec(shape, tf.float32)}, split, labelled)


def _tfds(name: str) -> bool:
    """Whether TFDS knows a data set of this name (with or without a config and a version)."""
    import tensorflow_datasets as tfds

    return name.split("/")[0].split(":")[0] in tfds.list_builders(with_community_datasets=False)


def split_of(text: str) -> tuple[str, str | None]:
    """ "cifar10:test" -> ("cifar10", "test"); what follows a colon and is a version stays with the name."""
    match = re.fullmatch(r"([^:]+(?::\d[\d.]*)?):([A-Za-z_].*)", text)
    return (match[1], match[2]) if match else (text, None)


def opened(source: Any, spec: dict, split: str | None, labelled: bool) -> Any:
    """The data of `split`; None for the test split where there is one, else the configured one."""
    spec = {key: value for key, value in spec.items() if key in ("image", "label")}
    if labelled:
        spec["label"] = tf.TensorSpec((), tf.int32)
    if split is not None:
        return source.open(spec, split=split)
    try:
        return source.open(spec, split="test")
    except ZooError:
        return source.open(spec)
