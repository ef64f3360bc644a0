"""What the features of a TFDS data set hold: the picture, the sound or the video; the classes."""

import numpy as np

from tfgan_zoo.errors import ZooError, unknown


def at(features, path: str):
    """The feature at `a/b`, or None."""
    for name in path.split("/"):
        if not hasattr(features, "keys") or name not in features:
            return None
        features = features[name]
    return features


def value_of(record: dict, path: str):
    """What a record holds at `a/b`."""
    for name in path.split("/"):
        record = record[name]
    return record


def image_feature(name: str, features, wanted: str | None = None) -> tuple[str, object]:
    """The key and the feature that hold the picture: `wanted`, or else `image`, or the only one there is."""
    import tensorflow_datasets as tfds

    key, feature = _feature("image", tfds.features.Image, name, features, wanted, "an image dataset")
    _check_depth(name, feature, "images")
    return key, feature


def video_feature(name: str, features, wanted: str | None = None) -> tuple[str, object]:
    """The key and the feature that hold the video: `wanted`, or else `video`, or the only one there is."""
    import tensorflow_datasets as tfds

    instead = "a data set of videos, such as ucf101 or moving_mnist"
    key, feature = _feature("video", tfds.features.Video, name, features, wanted, instead)
    _check_depth(name, feature.feature, "videos")
    return key, feature


def _feature(noun: str, cls: type, name: str, features, wanted: str | None, instead: str) -> tuple[str, object]:
    """The key and the feature of class `cls`: `wanted`, or else the one called `noun`, or the only one there is."""
    found = {k: f for k, f in features.items() if type(f) is cls} if hasattr(features, "items") else {}
    if not found:
        raise ZooError(f"data.name: {name} has no {noun}s; give {instead}.")
    if wanted and wanted not in found:
        raise unknown(noun, wanted, found, f"data.{noun}")
    key = wanted or (noun if noun in found else next(iter(found)))
    if not wanted and key != noun and len(found) > 1:
        several = f"data.name: {name} has several {noun}s; choose one with data.{noun}"
        raise ZooError(f"{several}: {', '.join(sorted(found))}.")
    return key, found[key]


def _check_depth(name: str, feature, nouns: str) -> None:
    """Raise where pictures or frames have other than 8 or 16 bits."""
    if feature.np_dtype not in (np.uint8, np.uint16):
        kind = np.dtype(feature.np_dtype).name
        raise ZooError(f"data.name: {name} has {kind} {nouns}; only 8 and 16 bits are read.")


def audio_feature(name: str, features) -> tuple[str, object]:
    """The key and the feature that hold the sound: `audio`, or the first there is."""
    import tensorflow_datasets as tfds

    found = {k: f for k, f in features.items() if type(f) is tfds.features.Audio} if hasattr(features, "items") else {}
    if not found:
        raise ZooError(f"data.name: {name} has no sounds; give a data set of sounds.")
    key = "audio" if "audio" in found else next(iter(found))
    if not found[key].sample_rate:
        raise ZooError(f"data.name: {name} does not tell the rate of its sounds; use WAV files (data.source=audio).")
    return key, found[key]


def class_features(features, prefix: str = "") -> list[str]:
    """The paths of the features that hold a class, or a yes or no."""
    import tensorflow_datasets as tfds

    found = []
    for key, feature in features.items():
        if isinstance(feature, tfds.features.FeaturesDict):
            found += class_features(feature, f"{prefix}{key}/")
        elif isinstance(feature, tfds.features.ClassLabel) or _is_bool(feature):
            found.append(prefix + key)
    return found


def _is_bool(feature) -> bool:
    return getattr(feature, "np_dtype", None) == np.bool_ and feature.shape == ()


def classes(name: str, path: str, feature) -> tuple[int, list[str] | None]:
    """How many classes a feature has, and their names. Raises ZooError where it holds none."""
    import tensorflow_datasets as tfds

    if isinstance(feature, tfds.features.ClassLabel) and feature.num_classes:
        return feature.num_classes, feature.names
    if _is_bool(feature):
        return 2, ["no", "yes"]
    raise ZooError(f"data.label {path!r} of {name} is neither a class nor a yes or no; give another feature.")
