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

    found = {k: f for k, f in features.items() if type(f) is tfds.features.Image} if hasattr(features, "items") else {}
    if not found:
        raise ZooError(f"data.name: {name} has no images; give an image dataset.")
    if wanted and wanted not in found:
        raise unknown("image", wanted, found, "data.image")
    key = wanted or ("image" if "image" in found else next(iter(found)))
    if not wanted and key != "image" and len(found) > 1:
        raise ZooError(f"data.name: {name} has several images; choose one with data.image: {', '.join(sorted(found))}.")
    if found[key].np_dtype not in (np.uint8, np.uint16):
        raise ZooError(
            f"data.name: {name} has {np.dtype(found[key].np_dtype).name} images; only 8 and 16 bits are read."
        )
    return key, found[key]


def video_feature(name: str, features, wanted: str | None = None) -> tuple[str, object]:
    """The key and the feature that hold the video: `wanted`, or else `video`, or the only one there is."""
    import tensorflow_datasets as tfds

    found = {k: f for k, f in features.items() if type(f) is tfds.features.Video} if hasattr(features, "items") else {}
    if not found:
        raise ZooError(f"data.name: {name} has no videos; give a data set of videos, such as ucf101 or moving_mnist.")
    if wanted and wanted not in found:
        raise unknown("video", wanted, found, "data.video")
    key = wanted or ("video" if "video" in found else next(iter(found)))
    if not wanted and key != "video" and len(found) > 1:
        raise ZooError(f"data.name: {name} has several videos; choose one with data.video: {', '.join(sorted(found))}.")
    if found[key].feature.np_dtype not in (np.uint8, np.uint16):
        kind = np.dtype(found[key].feature.np_dtype).name
        raise ZooError(f"data.name: {name} has {kind} videos; only 8 and 16 bits are read.")
    return key, found[key]


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
