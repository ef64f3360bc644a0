"""The verbs that work on a target: a preset with pretrained weights, a run directory, a file, or a model in memory."""

import dataclasses
import importlib.util
import os
import warnings
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from tfgan_zoo import (
    config,
    console,
    evaluation,
    generation,
    images,
    manifold,
    output,
    sharing,
    targets,
    translation,
    zoo,
)
from tfgan_zoo.adversarial import AdversarialModel
from tfgan_zoo.errors import ZooError, unknown
from tfgan_zoo.evaluation import assess, measure, references, similar
from tfgan_zoo.evaluation import study as human
from tfgan_zoo.metrics import registry
from tfgan_zoo.runs import Run
from tfgan_zoo.serving import formats, places, savedmodel
from tfgan_zoo.serving.settings import Settings

if TYPE_CHECKING:
    from tfgan_zoo.serving.server import Server

Target = str | os.PathLike | AdversarialModel | zoo.Loaded
Measured = Target | np.ndarray | Mapping[str, np.ndarray]
MEASURED = ("run", "pretrained", "keras", "savedmodel", "folder", "dataset")


def generate(
    target: Target,
    num: int | None = None,
    seed: int = 0,
    truncation: float | None = None,
    out: str | os.PathLike | None = None,
    batch: int = 64,
    seeds: Sequence[int] | None = None,
    endpoint: str | None = None,
    **given: Any,
) -> np.ndarray:
    """`num` answers of the model's `generate`, in stored form; answer i is that of seed `seed + i`, or of `seeds[i]`.

    `given` are its conditions, such as `label=3`; a class may be given by its name, a picture by its file. `endpoint`
    asks something else, such as `synthesize`. See `generation.generate`.
    """
    loaded = zoo.loaded(target)
    endpoint = generation.without_files(loaded.model, endpoint)
    asked = {"batch": batch, "seeds": seeds, "endpoint": endpoint, **loaded.conditions(given, endpoint)}
    return generation.generate(loaded.model, num, seed, truncation, out, **asked)


def interpolate(
    target: Target,
    seeds: Sequence[int] = (0, 1),
    steps: int = 8,
    method: str = "linear",
    out: str | os.PathLike | None = None,
    truncation: float | None = None,
    **given: Any,
) -> np.ndarray:
    """Answers on the way between seeds, as a strip (.png) or an animation (.gif). See `generation.interpolate`."""
    loaded = zoo.loaded(target)
    conditions = loaded.conditions(given)
    return generation.interpolate(loaded.model, seeds, steps, method, out, truncation=truncation, **conditions)


def arithmetic(
    target: Target,
    expression: str,
    out: str | os.PathLike | None = None,
    truncation: float | None = None,
    **given: Any,
) -> np.ndarray:
    """Arithmetic on noise, such as "(1,2,3) - (4,5,6) + (7,8,9)". See `generation.arithmetic`."""
    loaded = zoo.loaded(target)
    return generation.arithmetic(loaded.model, expression, out, truncation, **loaded.conditions(given))


def translate(
    target: Target,
    source: str | os.PathLike,
    out: str | os.PathLike,
    endpoint: str | None = None,
    seed: int = 0,
    **given: Any,
) -> list[Path]:
    """Ask an endpoint about a file, or about every file of a folder, and write its answers. See `translation`."""
    loaded = zoo.loaded(target)
    endpoint = translation.endpoint_for_files(loaded.model, endpoint)
    return translation.translate(loaded.model, source, out, endpoint, seed, **loaded.conditions(given, endpoint))


def project(
    target: Target,
    source: str | os.PathLike,
    out: str | os.PathLike,
    method: str = "hybrid",
    steps: int = 200,
    seed: int = 0,
    pool: int = 0,
    starts: int = 1,
    features: str | None = None,
    **given: Any,
) -> manifold.Projection:
    """The pictures of a model that are like given ones, written as a picture: the given above, the found below.

    Args:
        target: a model that makes pictures of one size from noise.
        source: a picture file, or a folder of such.
        out: a picture file.
        method, steps, seed, pool, starts, features: as `manifold.Manifold.project` takes them.
        given: conditions, one for all.

    Raises:
        ZooError: what `manifold` refuses, files that cannot be read or written.
    """
    loaded = zoo.loaded(target)
    place = output.destination(out, output.PICTURES, folders=False)
    found = manifold.Manifold(loaded.model, **loaded.conditions(given))
    files = translation.inputs_in(Path(source).expanduser(), found.kind)
    pictures = np.concatenate([translation.read(file, found.kind) for file in files])
    how = {"steps": steps, "seed": seed, "pool": pool, "starts": starts, "features": features}
    projection = found.project(pictures, method, **how)
    both = np.concatenate([pictures, projection.pictures])
    images.save_image(place, images.grid(found.kind.picture(both), columns=len(pictures)))
    return projection


def evaluate(
    target: Measured,
    overrides: Sequence[str] = (),
    *,
    against: str | os.PathLike | np.ndarray | Mapping[str, np.ndarray] | None = None,
    data_dir: str | None = None,
    download: bool = False,
    neighbours: str | os.PathLike | None = None,
    save_stats: str | os.PathLike | None = None,
    **options: Any,
) -> evaluation.Results:
    """Measure generated data against real ones.

    Args:
        target: a run, a preset with pretrained weights, a .keras file, a model in memory, an exported SavedModel, a
            folder of pictures, a data set of TFDS ("cifar10:test"), or data in memory: uint8 pictures (n, h, w, c),
            points, {"image": pictures, "label": classes}.
        overrides: "section.key=value" strings: `data.` for data that lie elsewhere than when the model was trained,
            or a metric's name for its settings, such as "kid.subsets=50".
        against: the real data: data in memory, a folder, a .npz file with `mu` and `sigma`, "PRESET[:SPLIT]" or
            "DATASET[:SPLIT]" of TFDS. Default for runs and presets: the held-out split of their
            own data; the floor is then the distance between it and the training split, as many each.
        data_dir, download: where data lie, whether TFDS may fetch them.
        neighbours: a picture file: ten samples, each beside the training images nearest to it.
        save_stats: a .npz file for the mean and the covariance (`mu`, `sigma`) of the samples' features.
        options: those of `evaluation.Protocol`: metrics, samples, reference_samples, seed, truncation, features,
            resize, inception_weights, cache. Metrics and samples that are left out are the preset's.

    Returns:
        One `Result` per number. Those of a run are appended to its `evaluations.jsonl`. A metric that fails on these
        data is among the `failures`, with a warning, and does not take the others along.

    Raises:
        ZooError: a target, metric, data set or split that does not exist; a side that a metric needs and lacks; no
            metric that could be measured.
    """
    known = [field.name for field in dataclasses.fields(evaluation.Protocol) if field.name != "settings"]
    for name in options:
        if name not in known:
            raise unknown("option", name, known, where="evaluate")
    overrides, settings = _metric_settings(overrides)
    protocol = evaluation.Protocol(**options, settings=settings)
    where = {"data_dir": data_dir, "download": download}
    ready = isinstance(target, AdversarialModel | zoo.Loaded) or evaluation.in_memory(target)
    found = None if ready else targets.resolve(target, MEASURED)
    if evaluation.in_memory(target) or (found is not None and found.kind not in targets.MODELS):
        return _of_pictures(found or target, overrides, protocol, against, where, neighbours, save_stats)
    loaded = zoo.loaded(target)
    experiment = loaded.experiment
    if found is not None and found.kind == "pretrained":  # a card records the training; the preset says what to measure
        experiment = experiment.model_copy(update={"evaluate": config.load(found.text).evaluate})
    run = Run(found.path) if found is not None and found.kind == "run" else None
    results = assess.assess(
        loaded.model,
        experiment,
        loaded.description,
        protocol,
        overrides=overrides,
        against=against,
        options=where,
        neighbours=neighbours,
        save_stats=save_stats,
    )
    if run:
        run.note_results(results, warnings.warn)
    return results


def study(
    target: Target,
    against: str | os.PathLike,
    out: str | os.PathLike,
    *,
    data_dir: str | None = None,
    download: bool = False,
    truncation: float | None = None,
    **options: Any,
) -> Path:
    """Write a page on which people tell samples from real pictures. See `evaluation.study`.

    Args:
        target: a preset with pretrained weights, a run, a `.keras` file, a model, a SavedModel or a folder of pictures.
        against: the real pictures, as `evaluate` takes them.
        out: an .html file.
        data_dir, download: where data lie, whether TFDS may fetch them.
        truncation: of the model's noise.
        options: those of `evaluation.study.write`: form, trials, practice, seconds, seed.

    Raises:
        ZooError: what does not exist, generates no pictures from seeds, or has too few.
    """
    where = {"data_dir": data_dir, "download": download}
    found = None if isinstance(target, AdversarialModel | zoo.Loaded) else targets.resolve(target, MEASURED)
    if found is None or found.kind in targets.MODELS:
        loaded = zoo.loaded(target)
        count = options.get("trials", 40) + options.get("practice", 10)
        made = evaluation.Generated(loaded.model, count, options.get("seed", 0), truncation, loaded.description)
        key, spec = loaded.model.endpoints["generate"].target, dict(loaded.model.element_spec)
    else:
        made, key, spec = references.pictures(found, None, 0, where, False), None, None
    real = references.against(against, None, spec, key, where, False)
    if not isinstance(real, evaluation.Stream):
        raise ZooError("a study shows real pictures: name a folder or a data set with against.")
    return human.write(out, made, real, **options)


def _of_pictures(target, overrides, protocol, against, options, neighbours, save_stats) -> evaluation.Results:
    """`evaluate` of pictures that are there already, or of data in memory."""
    text = getattr(target, "text", "data in memory")
    if overrides or protocol.truncation is not None:
        what = overrides[0] if overrides else f"truncation {protocol.truncation}"
        raise ZooError(f"{text} is no run or preset: {what} has no meaning for it.")
    if not protocol.metrics:
        raise ZooError(f"{text}: not a run directory, so say what to measure: metrics such as fid768,kid,prdc.")
    labelled = registry.labelled(protocol.metrics)
    if evaluation.in_memory(target):
        images = evaluation.as_generated(target, protocol)
    else:
        images = references.pictures(target, protocol.samples, protocol.seed, options, labelled)
    reference = None
    if against is not None:
        samples = protocol.reference_samples or protocol.samples
        reference = references.against(against, samples, None, None, options, labelled)
    results = evaluation.evaluate(images, reference, protocol)
    if save_stats:
        measure.save_statistics(save_stats, images, protocol)
    if neighbours:
        if not isinstance(reference, evaluation.Stream):
            raise ZooError("neighbours are looked for among images: name a folder or a data set with against.")
        similar.save(neighbours, images, reference, protocol)
    return results


def _metric_settings(overrides: Sequence[str]) -> tuple[list[str], dict[str, dict[str, object]]]:
    """Overrides whose section is a metric's name, as {metric: {keyword: value}}, apart from the others."""
    rest, settings = [], {}
    for text in overrides:
        section, key, value = config.split(text, sections=(*config.SECTIONS, *registry.metrics()))
        if section in config.SECTIONS:
            rest.append(text)
        else:
            settings.setdefault(section, {})[key] = value
    return rest, settings


def export(
    target: Target,
    out: str | os.PathLike = "export/models",
    *,
    name: str | None = None,
    version: int | None = None,
    format: str = "savedmodel",
    quantize: str | None = None,
) -> Path:
    """Write a SavedModel for TensorFlow Serving, or LiteRT or ONNX files, and compare its answers with the model's.

    Args:
        target: a preset with pretrained weights, a run directory, a `.keras` file, or a model.
        out: where served models live.
        name: the name it is served under; default the run directory's, the preset's or the file's.
        version: a whole number of 1 or more; default the next free one.
        format: "savedmodel", "litert" or "onnx"; see `tfgan_zoo.serving.formats`.
        quantize: of LiteRT: "float16" or "int8"; None for float32.

    Returns:
        The version's folder: `<out>/<name>/<version>`, of other formats `<out>/<name>/<format>/<version>`.

    Raises:
        ZooError: what cannot be loaded, written or converted, and what does not answer as the model does.
    """
    if format != "savedmodel":
        formats.check(format, quantize)
    elif quantize:
        raise ZooError(f"a SavedModel is not quantized; {quantize} is for format litert.")
    loaded = zoo.loaded(target)
    facts = {"source": loaded.description, "class_names": loaded.class_names}
    if loaded.experiment is not None:
        facts["preset"] = loaded.experiment.preset
    if loaded.sha256:
        facts["weights_sha256"] = loaded.sha256
    options = {"name": name or loaded.name, "version": version, "facts": facts}
    if format == "savedmodel":
        return savedmodel.export(loaded.model, out, **options)
    return formats.export(loaded.model, out, format=format, quantize=quantize, **options)


def push(target: Target, destination: str | os.PathLike, *, storage: str = "float32", private: bool = False) -> str:
    """Write a model with its card to a new folder or, as `hf://user/model`, to the Hugging Face Hub. See `sharing`."""
    return sharing.push(zoo.loaded(target), str(destination), storage, private)


def pull(source: str | os.PathLike, *, name: str | None = None) -> Path:
    """Keep a shared model, in a folder or `hf://user/model`, in the cache under a name. See `sharing`."""
    return sharing.pull(str(source), name)


def serve(
    names: Sequence[str],
    base: str | os.PathLike = "export/models",
    settings: Settings | None = None,
    told: "Callable[[Server], None]" = lambda server: None,
) -> None:
    """Serve exported models as TensorFlow Serving does, over REST and gRPC, until the process is told to stop.

    Args:
        names: models in the folder `base`, or what `export` takes, which is exported into it first.
        base: where served models live, as `export` writes them.
        settings: a `tfgan_zoo.serving.settings.Settings`; None for its defaults.
        told: called with the `Server` when clients can come.

    Raises:
        ZooError: what `export` raises; a port that is taken; the extras `serve` or `ui` that are not installed.
    """
    settings = settings or Settings()
    try:
        from tfgan_zoo.serving import server
    except ImportError as error:
        extra = "ui" if settings.ui else "serve"
        raise ZooError(f"serve needs {error.name}: pip install 'tfgan_zoo[{extra}]'.") from None
    if settings.ui and importlib.util.find_spec("nicegui") is None:
        raise ZooError("the page needs nicegui: pip install 'tfgan_zoo[ui]', or serve without --ui.")
    homes = {}
    for name in names:
        home = Path(base).expanduser() / name
        if not places.versions(home):
            console.note(f"{home} holds no version: exporting {name}")
            home = export(name, base).parent
        if home.name in homes:
            raise ZooError(f"{home.name} is named twice: give each model once.")
        homes[home.name] = home
    server.warn_if_open(settings)
    server.Server(homes, settings, told).run()
