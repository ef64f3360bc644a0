"""Answers to files: a model's endpoints that take a picture, a sound or a text, asked about files and folders.

An endpoint that fills holes takes a mask too: white in a file of its own, or what is transparent in the picture.
"""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from tfgan_zoo import console, generation, images, output, sampling
from tfgan_zoo.adversarial import AdversarialModel
from tfgan_zoo.endpoints import Noise
from tfgan_zoo.errors import ZooError, unknown
from tfgan_zoo.modalities import ClassLabel, Image, Mask, Modality, Points, Text


def translate(
    model: AdversarialModel,
    source: str | os.PathLike,
    out: str | os.PathLike,
    endpoint: str | None = None,
    seed: int = 0,
    **given: Any,
) -> list[Path]:
    """Ask an endpoint about the data in files, one answer for each.

    Args:
        source: a file, or a folder whose files are read in the order of their names.
        out: a file for the answer to a file (for the answers to a file of many), else a folder.
        endpoint: its name, or how its name ends ("y" for `translate_xy`); may be left out where there is just one.
        seed: of the noise that the endpoint takes, if it does.
        given: its other conditions by input name. A mask may be an array, a file, or a folder of files that are named
            as the pictures; without one it is what is transparent in the picture.

    Returns:
        The files written.

    Raises:
        ZooError: no such endpoint or file, data that do not fit, a place that cannot be written.
    """
    generation.check_seeds([seed])
    name = endpoint_for_files(model, endpoint)
    asked = sampling.endpoint_of(model, name)
    key, kind = datum_of(asked)
    if key in given:
        raise ZooError(f"{key} is read from {source}; leave it out of what is given.")
    files = inputs_in(Path(source).expanduser(), kind)
    places = places_for(files, output.destination(out, output.suffixes_of(asked.output)), asked.output)
    mask = next((name for name, kind in asked.conditions.items() if isinstance(kind, Mask) and name != key), None)
    masks = masks_for(files, given.get(mask)) if mask else [None] * len(files)
    sampler = sampling.sampler(model, name)
    with console.progress(shown=len(files) > 1, transient=True) as bar:
        task = bar.add_task(name, total=len(files), text="")
        for file, place, holes in zip(files, places, masks, strict=True):
            data = read(file, kind)
            if holes is not None:
                given[mask] = read_mask(holes, file, asked.conditions[mask])
            answers = sampler(seed + np.arange(len(data)), **{key: data}, **given).numpy()
            if len(answers) == 1 and place.suffix.lower() in asked.output.suffixes:
                asked.output.write(place, answers[0])
            else:
                output.write_all(asked.output, place, answers, padding=0, scale=1)
            bar.advance(task)
    return places


def read(file: Path, kind: Modality) -> np.ndarray:
    """The data in a file, brought to the shape of their kind: stored (n, ...). Raises ZooError."""
    data = kind.read(file)
    try:
        return np.stack([kind.fit(datum) for datum in data])
    except ZooError as error:
        raise ZooError(f"{file}: {error}") from None


def told(key: str, value: Any, kind: Modality | Noise, class_names: Sequence[str] | None = None) -> Any:
    """What a person told of an input, ready for its kind: numbers for "0.5,-1", the number of a class, a file's datum.

    Args:
        value: text, a path, or what the kind takes itself.
        class_names: by which a class may be called.

    Raises:
        ZooError: a name that no class has, text that is no number and no file, a file that cannot be read.
    """
    if isinstance(kind, ClassLabel):
        if not isinstance(value, str):
            return value
        if value.removeprefix("-").isdecimal():
            return int(value)
        if not class_names:
            raise ZooError(f"{key}={value}: its classes have no names; give a number from 0 to {kind.num_classes - 1}.")
        if value not in class_names:
            raise unknown("class", value, class_names, where=key)
        return list(class_names).index(value)
    if isinstance(kind, Text | Mask):  # masks are read with the pictures that they belong to
        return value
    numbers = isinstance(kind, Noise | Points)
    if numbers and isinstance(value, int | float):
        return [value]
    if not isinstance(value, str | os.PathLike):
        return value
    if numbers and isinstance(value, str):
        try:
            return [float(part) for part in value.split(",")]
        except ValueError:
            if not Path(value).is_file():
                raise ZooError(f"{key}={value}: give numbers separated by commas, such as 0.5,-1, or a file.") from None
    path = Path(value).expanduser()
    if not path.is_file():
        raise ZooError(f"{key}={value}: there is no such file; give {kind.name}.")
    return kind.given(np.load(path, allow_pickle=False)) if isinstance(kind, Noise) else read(path, kind)[0]


def masks_for(files: list[Path], given: Any) -> list[Path] | list[None]:
    """Where the mask of each picture is read: a file of its own, or the picture itself; None where it is no file.

    Raises:
        ZooError: no such file, or no mask for a picture.
    """
    if given is None:
        return files
    if not isinstance(given, str | os.PathLike):
        return [None] * len(files)
    path = Path(given).expanduser()
    if not path.is_dir():
        if not path.is_file():
            raise ZooError(f"mask {path}: there is no such file or folder.")
        return [path] * len(files)
    named = {found.stem: found for found in inputs_in(path, Mask((None, None, 1)))}
    if missing := [file for file in files if file.stem not in named]:
        more = f" and {len(missing) - 1:,} more" if missing[1:] else ""
        raise ZooError(f"mask {path}: holds none for {missing[0].name}{more}; name masks as the pictures.")
    return [named[file.stem] for file in files]


def read_mask(path: Path, picture: Path, kind: Mask) -> np.ndarray:
    """What is to be filled of a picture, brought to the shape of its kind as the picture is: stored (h, w, 1).

    Args:
        path: the mask; or the picture itself, where its own transparency is meant.

    Raises:
        ZooError: a file that is no picture or of another size; a picture that is opaque.
    """
    if path == picture:
        mask = np.where(images.alpha(picture) == 255, 0, 255).astype(np.uint8)
        if not mask.any():
            raise ZooError(f"{picture}: has no transparent part to fill; give a mask that is white there (--mask).")
        return kind.fit(mask)
    (mask,), (seen,) = kind.read(path), Image((None, None, 3)).read(picture)
    if mask.shape[:2] != seen.shape[:2]:
        sizes = [f"{side.shape[0]} x {side.shape[1]}" for side in (mask, seen)]
        raise ZooError(f"mask {path}: is {sizes[0]}, and {picture} is {sizes[1]}; give one of the picture's size.")
    return kind.fit(mask)


def places_for(files: list[Path], target: Path, kind: Modality) -> list[Path]:
    """Where the answers to `files` are written, in the file or the folder `target`.

    Raises:
        ZooError: where an answer would overwrite an input, another answer, or lie among other files.
    """
    if output.is_file(target, kind):
        if len(files) > 1:
            raise ZooError(f"out={str(target)!r}: is one file, and there are {len(files)} to answer; name a folder.")
        places = [target]
    else:
        places = [target / f"{file.stem}{kind.suffixes[0]}" for file in files]
        named = {}
        for file, place in zip(files, places, strict=True):
            if place in named:
                raise ZooError(f"{file} and {named[place].name}: both answers would be {place}; rename one of them.")
            named[place] = file
        output.check_folder(target, [place.name for place in places])
    inputs = {file.resolve() for file in files}
    for place in places:
        if place.resolve() in inputs:
            raise ZooError(f"out={str(target)!r}: {place} is to be answered and would be overwritten; name another.")
    return places


def datum_of(endpoint) -> tuple[str, Modality] | None:
    """The input of an endpoint that comes from a file: (name, kind), a mask last; None where it takes none."""
    found = [(key, kind) for key, kind in endpoint.conditions.items() if kind.from_files]
    return min(found, key=lambda entry: isinstance(entry[1], Mask), default=None)


def question(model: AdversarialModel) -> str | None:
    """The command that asks a model for what it is made for, `RUN` in place of its name; None where there is none."""
    generate = model.endpoints.get("generate")
    if generate and generate.from_seeds:
        return "generate RUN --num 64 --out samples.png"
    if generate and (datum := datum_of(generate)):
        given = '--text "..."' if isinstance(datum[1], Text) else "--given FILE"
        return f"generate RUN {given} --num 64 --out samples.png"
    found = [name for name, endpoint in model.endpoints.items() if datum_of(endpoint)]
    if not found:
        return None
    masked = len([kind for kind in model.endpoints[found[0]].conditions.values() if isinstance(kind, Mask)])
    return "translate RUN my_files answers" + f" --endpoint {found[0]}" * (len(found) > 1) + " --mask masks" * masked


def endpoint_for_files(model: AdversarialModel, wanted: str | None) -> str:
    """The name of the endpoint that answers to files. Raises ZooError where none or several fit."""
    found = [name for name, endpoint in model.endpoints.items() if datum_of(endpoint)]
    if not found:
        raise ZooError(f"{type(model).__name__} takes no files; it can {', '.join(model.endpoints)}.")
    if wanted is None:
        if len(found) > 1:
            raise ZooError(f"{type(model).__name__} can {' and '.join(found)}: say which (--endpoint {found[0]}).")
        return found[0]
    near = [wanted] if wanted in found else [name for name in found if name.endswith(wanted)]
    near = [name for name in near if name.startswith("translate_")] or near  # "y" is no wish for `cycle_y`
    if len(near) != 1:
        raise unknown("endpoint", wanted, found, where=type(model).__name__)
    return near[0]


def inputs_in(source: Path, kind: Modality) -> list[Path]:
    """The files to read: `source` itself, or those in the folder that have a suffix of this kind of data."""
    if source.is_file():
        return [source]
    if not source.is_dir():
        raise ZooError(f"{source}: there is no such file or folder.")
    found = sorted(path for path in source.iterdir() if path.suffix.lower() in kind.suffixes and path.is_file())
    if not found:
        raise ZooError(f"{source}: holds no file of the kind that is wanted ({' '.join(kind.suffixes)}).")
    return found
