"""The verbs that work on a target: a preset with pretrained weights, a run directory, or a model in memory."""

import os
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import tensorflow as tf

from tfgan_zoo import config, console, evaluation, generation, index, weights, zoo
from tfgan_zoo.adversarial import AdversarialModel
from tfgan_zoo.errors import ZooError
from tfgan_zoo.evaluation import similar, targets
from tfgan_zoo.metrics import registry
from tfgan_zoo.runs import Run
from tfgan_zoo.serving import savedmodel

Target = str | os.PathLike | AdversarialModel


def _model(target: Target) -> AdversarialModel:
    return target if isinstance(target, AdversarialModel) else zoo.load(target)[0]


def generate(
    target: Target, num: int = 16, seed: int = 0, truncation: float | None = None, out: str | os.PathLike | None = None
) -> np.ndarray:
    """`num` images as uint8 (num, height, width, channels); image i is that of seed `seed + i`.

    `out` ending in .png or .jpg gets one grid; any other `out` is a folder for single files.
    See `tfgan_zoo.generation.generate`.
    """
    return generation.generate(_model(target), num, seed, truncation, out)


def interpolate(
    target: Target,
    seeds: Sequence[int] = (0, 1),
    steps: int = 8,
    method: str = "linear",
    out: str | os.PathLike | None = None,
) -> np.ndarray:
    """Images on the way between seeds, as a strip (.png) or an animation (.gif). See `tfgan_zoo.generation`."""
    return generation.interpolate(_model(target), seeds, steps, method, out)


def arithmetic(target: Target, expression: str, out: str | os.PathLike | None = None) -> np.ndarray:
    """Latent arithmetic such as "(1,2,3) - (4,5,6) + (7,8,9)". See `tfgan_zoo.generation`."""
    return generation.arithmetic(_model(target), expression, out)


def evaluate(
    target: str | os.PathLike,
    overrides: Sequence[str] = (),
    *,
    against: str | os.PathLike | None = None,
    metrics: Sequence[str] = (),
    samples: int | None = None,
    reference_samples: int | None = None,
    seed: int = 0,
    truncation: float | None = None,
    data_dir: str | None = None,
    download: bool = False,
    neighbours: str | os.PathLike | None = None,
    **protocol,
) -> list[evaluation.Result]:
    """Measure generated images against real ones.

    Args:
        target: a run, a preset with pretrained weights, an exported SavedModel, a folder of pictures, or a data set of
            TFDS ("cifar10:test").
        overrides: "section.key=value" strings: `data.` for data that lie elsewhere than when the model was trained,
            or a metric's name for its settings, such as "kid.subsets=50".
        against: the real images: a folder, a .npz file with `mu` and `sigma`, "PRESET[:SPLIT]" or "DATASET[:SPLIT]" of
            TFDS. Default for runs and presets: the held-out split of their own data; the floor is then the
            distance between it and the training split, as many images each.
        metrics: names (`tfgan_zoo.metrics.registry`); default those of the preset.
        samples: how many images; default the preset's, all of a folder or data set, 10,000 of a SavedModel.
        reference_samples: how many real ones; default as many as `samples`, or all where that is not given.
        seed, truncation: of generated images.
        data_dir, download: where TFDS data lie, whether they may be fetched.
        neighbours: a picture file: ten samples, each beside the training images nearest to it.
        protocol: features, resize, inception_weights, cache: as `tfgan_zoo.evaluation.evaluate`.

    Returns:
        One `Result` per number. Those of a run are appended to its `evaluations.jsonl`.

    Raises:
        ZooError: a target, metric, data set or split that does not exist; a side that a metric needs and lacks.
    """
    overrides, settings = _metric_settings(overrides)
    options = {"data_dir": data_dir, "download": download}
    if is_model(target):
        model, experiment, line = zoo.load(target)
        if not Path(target).is_dir():  # a card records the training; what to measure is the preset's to say
            experiment = experiment.model_copy(update={"evaluate": config.load(str(target)).evaluate})
        return assess(
            model,
            experiment,
            line,
            overrides=overrides,
            against=against,
            metrics=metrics,
            samples=samples,
            reference_samples=reference_samples,
            seed=seed,
            truncation=truncation,
            options=options,
            settings=settings,
            neighbours=neighbours,
            run=Run(target) if Path(target).is_dir() else None,
            **protocol,
        )
    if overrides or truncation is not None:
        raise ZooError(
            f"{target} is no run or preset: {overrides[0] if overrides else f'truncation {truncation}'} has no "
            "meaning for it."
        )
    if not metrics:
        raise ZooError(f"{target}: not a run directory, so say what to measure: metrics such as fid768,kid,prdc.")
    labelled = any(registry.parse(name).metric.labelled for name in metrics)
    images = targets.images(str(target), samples, seed, options, labelled)
    reference = (
        targets.against(str(against), reference_samples or samples, None, options, labelled) if against else None
    )
    results = evaluation.evaluate(images, reference, metrics, settings=settings, **protocol)
    if neighbours:
        if not isinstance(reference, evaluation.Stream):
            raise ZooError("neighbours are looked for among images: name a folder or a data set with against.")
        similar.save(neighbours, images, reference, neighbours_on(metrics), **protocol)
    return results


def is_model(target: str | os.PathLike) -> bool:
    """Whether `target` is a run directory or a preset, rather than images of some kind."""
    return (Path(target) / "config.json").is_file() if Path(target).is_dir() else str(target) in index.presets()


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


def assess(
    model,
    experiment,
    line,
    *,
    overrides=(),
    against=None,
    metrics=(),
    samples=None,
    reference_samples=None,
    seed=0,
    truncation=None,
    options=None,
    settings=None,
    neighbours=None,
    run=None,
    **protocol,
) -> list[evaluation.Result]:
    """`evaluate` for a model that is loaded already; `line` says what it is."""
    options = options or {}
    experiment = config.override(experiment, [*overrides, *config.data_options(**options)])
    source, defaults = experiment.data, experiment.evaluate
    metrics = list(metrics or defaults.metrics)
    if not metrics:
        raise ZooError(f"{experiment.preset} names no metrics: choose some, such as fid768, kid, prdc or fd_mnist.")
    labelled = any(registry.parse(name).metric.labelled for name in metrics)
    spec = dict(model.element_spec) | ({"label": tf.TensorSpec((), tf.int32)} if labelled else {})
    training = None
    if against:
        reference = targets.against(
            str(against), reference_samples or samples or defaults.samples, spec, options, labelled
        )
        if neighbours or any("held_out" in registry.parse(name).metric.sides for name in metrics):
            training = source.open(spec)
        held_out = training
    else:
        training = source.open(spec)
        reference = _held_out(source, spec, defaults.split) or training
        held_out = training if reference is not training else None
    available = getattr(reference, "num_examples", None) or reference.count
    count = min(samples or defaults.samples, available or sys.maxsize)
    generated = evaluation.Generated(model, count, seed, truncation, line)
    results = evaluation.evaluate(
        generated,
        reference,
        metrics,
        held_out=held_out,
        settings=settings,
        reference_samples=reference_samples,
        **protocol,
    )
    if neighbours:
        similar.save(neighbours, generated, evaluation.Selected(training), neighbours_on(metrics), **protocol)
    for result in results if run else ():
        run.append("evaluations.jsonl", result.as_dict())
    return results


def neighbours_on(metrics: Sequence[str]) -> str:
    """The first of `metrics` whose features tell what is near: the name to draw neighbours by."""
    for name in metrics:
        choice = registry.parse(name)
        if choice.metric.takes == "features" and not choice.metric.paired:
            return f"memorisation@{choice.extractor}" + (f":{choice.tap}" if choice.tap else "")
    raise ZooError(
        f"neighbours are found by features, and {', '.join(metrics)} has none: add one, such as fd_mnist or fid768."
    )


def reference_of(model: AdversarialModel, experiment: config.Experiment):
    """The real images to measure a model of this experiment against: the held-out split, or else the training data."""
    spec = dict(model.element_spec)
    return _held_out(experiment.data, spec, experiment.evaluate.split) or experiment.data.open(spec)


def _held_out(source, spec, split: str | None):
    """The split to compare with; None where the preset names none and the data have no test split."""
    try:
        return source.open(spec, split=split or "test") if split != source.split else None
    except ZooError:
        if split is not None:
            raise
        console.note("these data have no test split: measuring against the training data, without a floor")
        return None


def export(
    target: Target, folder: str | os.PathLike = "export/models", *, name: str | None = None, version: int | None = None
) -> Path:
    """Write a SavedModel for TensorFlow Serving and check it in a process without Keras. See `tfgan_zoo.serving`.

    `name` is the name it is served under; default the preset's.
    """
    if isinstance(target, AdversarialModel):
        return savedmodel.export(target, folder, name=name or target.name, version=version)
    model, experiment, line = zoo.load(target)
    facts = {"preset": experiment.preset, "source": line}
    if str(target) in weights.names():
        facts["weights_sha256"] = weights.card(str(target))["sha256"]
    return savedmodel.export(model, folder, name=name or experiment.preset, version=version, facts=facts)
