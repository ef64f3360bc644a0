"""Real data that people name to compare with: folders, data sets, presets, statistics of other tools."""

import os
import re
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from tfgan_zoo import config, console, data, files, index, zoo
from tfgan_zoo.data.base import DATA_VARIABLE
from tfgan_zoo.errors import ZooError, unknown
from tfgan_zoo.evaluation.given import Arrays, GivenStatistics, Pictures, Served, in_memory, saved_model
from tfgan_zoo.evaluation.protocol import DEFAULT_SAMPLES, Protocol
from tfgan_zoo.evaluation.streams import Selected, Stream
from tfgan_zoo.metrics import registry
from tfgan_zoo.metrics.maths import frechet
from tfgan_zoo.modalities import ClassLabel, Image
from tfgan_zoo.targets import Target


def as_reference(given: Any, protocol: Protocol) -> Any:
    """Real data as `measure.evaluate` takes them: what people name is found, arrays are wrapped, the rest is left.

    Raises:
        ZooError: as `against`.
    """
    if in_memory(given):
        return Arrays(given)
    if isinstance(given, str | os.PathLike):
        samples = protocol.reference_samples or protocol.samples
        return against(given, samples, None, None, {}, registry.labelled(protocol.metrics))
    return given


def pictures(target: Target, samples: int | None, seed: int, options: dict[str, Any], labelled: bool) -> Stream:
    """Pictures that are there already: a SavedModel's, a folder's or a data set's.

    Args:
        samples: how many images; None for all there are, and for 10,000 of a SavedModel.
        options: `data_dir` and `download`.
        labelled: whether labels are wanted.
    """
    if target.kind == "savedmodel":
        return Served(saved_model(target.path), samples or DEFAULT_SAMPLES, seed)
    if target.kind == "folder":
        return Pictures(target.path, samples)
    return Selected(dataset(target.text, None, options, labelled), samples)


def against(
    text: Any,
    samples: int | None,
    spec: dict | None,
    key: str | None,
    options: dict[str, Any],
    labelled: bool,
) -> Stream | GivenStatistics:
    """The reference that `text` names: FOLDER, STATS.npz, PRESET[:SPLIT], DATASET[:SPLIT]; or `Arrays` in memory.

    Args:
        samples: how many of its images; None for all.
        spec: the model's `element_spec`, whose shape a data set is brought to; None for the data set's own shape.
        key: which of its data are compared.

    Raises:
        ZooError: nothing of that name, or what it names cannot be read or is no real data.
    """
    if in_memory(text):
        arrays = Arrays(text)
        return Selected(arrays, samples and min(samples, arrays.num_examples))
    if found := folder(text, options.get("data_dir"), samples):
        return found
    path = Path(text).expanduser()
    if path.suffix == ".npz":
        return statistics(path)
    opened = dataset(str(text), spec, options, labelled)
    return Selected(opened, samples and min(samples, opened.num_examples), key)


def folder(text: Any, data_dir: str | None, samples: int | None) -> Pictures | None:
    """The pictures of a folder that lies where `text` says, or else below `data_dir` or $TFGAN_ZOO_DATA.

    Returns:
        None where there is no such folder.

    Raises:
        ZooError: a run, or a folder without pictures.
    """
    path, home = Path(text).expanduser(), data_dir or os.environ.get(DATA_VARIABLE)
    if not path.exists() and home:
        path = Path(home).expanduser() / path
    if (path / "config.json").is_file():
        raise ZooError(f"{text}: is a run directory, whose pictures are not real; name its data, a preset or a folder.")
    if not path.is_dir():
        return None
    found = Pictures(path, samples)
    found.description = f"folder {text}"
    return found


def held_out(source: Any, spec: Mapping[str, Any], split: str | None, quiet: bool = False) -> Any:
    """The opened split to compare with: `split`, else `test`; None where there is none (said unless quiet).

    Raises:
        ZooError: a split that is named and not there, or one that is there and cannot be read.
    """
    if split is None and "test" not in source.splits():
        if not quiet:
            console.note("these data have no test split: measuring against the training data, without a floor")
        return None
    return source.open(spec, split=split or "test") if (split or "test") != source.split else None


def statistics(path: Path) -> GivenStatistics:
    """The `mu` and `sigma` of another tool's .npz file. Raises ZooError where it holds none that fit each other."""
    try:
        with np.load(path, allow_pickle=False) as stored:
            mean, cov = (np.asarray(stored[name], np.float64) for name in ("mu", "sigma"))
    except FileNotFoundError:
        raise ZooError(f"{path}: there is no such file.") from None
    except KeyError:
        raise ZooError(f"{path}: holds no `mu` and `sigma`; statistics of pytorch-fid or the FID authors do.") from None
    except (OSError, ValueError, EOFError, AttributeError, zipfile.BadZipFile) as error:
        reason = "it is no archive of arrays" if "pickle" in str(error) else error
        raise ZooError(f"{path}: is not a readable .npz file ({reason}).") from None
    if (
        mean.ndim != 1
        or cov.shape != (len(mean), len(mean))
        or not (np.isfinite(mean).all() and np.isfinite(cov).all())
    ):
        raise ZooError(f"{path}: mu {mean.shape} and sigma {cov.shape}; they must be finite, (n,) and (n, n).")
    return GivenStatistics(f"statistics {path.name}", files.sha256(path)[:20], frechet.Statistics(mean, cov, None))


def dataset(text: str, spec: Mapping[str, Any] | None, options: dict[str, Any], labelled: bool) -> Any:
    """The opened data of PRESET[:SPLIT] or DATASET[:SPLIT] (a TFDS name); by default the test split, if any."""
    name, split = split_of(text)
    if name in index.presets():
        experiment = config.override(config.load(name), config.data_options(**options))
        return opened_split(experiment.data, spec or zoo.build(experiment).element_spec, split, labelled)
    if not _tfds(name):
        raise unknown("run, preset, folder, statistics file or TFDS data set", text, index.presets())
    source = data.source_class("tfds")(source="tfds", name=name, **options)
    if spec is None:
        if None in source.image_shape():
            raise ZooError(
                f"{name}: its pictures have various sizes: name a preset (it says the crop and the size), or a folder."
            )
        spec = {"image": Image(source.image_shape())}
    return opened_split(source, spec, split, labelled)


def _tfds(name: str) -> bool:
    """Whether TFDS knows a data set of this name (with or without a config and a version)."""
    import tensorflow_datasets as tfds

    return name.split("/")[0].split(":")[0] in tfds.list_builders(with_community_datasets=False)


def split_of(text: str) -> tuple[str, str | None]:
    """ "cifar10:test" -> ("cifar10", "test"); what follows a colon and is a version stays with the name."""
    match = re.fullmatch(r"([^:]+(?::\d[\d.]*)?):([A-Za-z_].*)", text)
    return (match[1], match[2]) if match else (text, None)


def opened_split(source: Any, spec: Mapping[str, Any], split: str | None, labelled: bool) -> Any:
    """The data of `split`; None for the test split where there is one, else the configured one."""
    spec = {key: kind for key, kind in spec.items() if labelled or not isinstance(kind, ClassLabel)}
    if labelled and not any(isinstance(kind, ClassLabel) for kind in spec.values()):
        spec["label"] = ClassLabel()
    split = split or ("test" if "test" in source.splits() else None)
    return source.open(spec, split=split)
