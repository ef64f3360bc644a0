"""The verbs that work on a target: a preset with pretrained weights, a run directory, or a model in memory."""

import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from tfgan_zoo import config, console, evaluation, generation, weights, zoo
from tfgan_zoo.adversarial import AdversarialModel
from tfgan_zoo.errors import ZooError
from tfgan_zoo.runs import Run
from tfgan_zoo.serving import savedmodel

Target = str | os.PathLike | AdversarialModel


def _model(target: Target) -> AdversarialModel:
    return target if isinstance(target, AdversarialModel) else zoo.load(target)[0]


def generate(target: Target, num: int = 16, seed: int = 0, truncation: float | None = None,
             out: str | os.PathLike | None = None) -> np.ndarray:
    """`num` images as uint8 (num, height, width, channels); image i is that of seed `seed + i`.

    `out` ending in .png or .jpg gets one grid; any other `out` is a folder for single files.
    See `tfgan_zoo.generation.generate`.
    """
    return generation.generate(_model(target), num, seed, truncation, out)


def interpolate(target: Target, seeds: Sequence[int] = (0, 1), steps: int = 8, method: str = "linear",
                out: str | os.PathLike | None = None) -> np.ndarray:
    """Images on the way between seeds, as a strip (.png) or an animation (.gif). See `tfgan_zoo.generation`."""
    return generation.interpolate(_model(target), seeds, steps, method, out)


def arithmetic(target: Target, expression: str, out: str | os.PathLike | None = None) -> np.ndarray:
    """Latent arithmetic such as "(1,2,3) - (4,5,6) + (7,8,9)". See `tfgan_zoo.generation`."""
    return generation.arithmetic(_model(target), expression, out)


def evaluate(
    target: str | os.PathLike,
    overrides: Sequence[str] = (),
    *,
    metrics: Sequence[str] = (),
    samples: int | None = None,
    seed: int = 0,
    truncation: float | None = None,
    data_dir: str | None = None,
    download: bool = False,
    inception_weights: str | os.PathLike | None = None,
) -> list[evaluation.Result]:
    """Measure a run or a pretrained model against the split of its data that its preset names.

    The reference is the held-out split; the floor is the distance between it and the training split, as many images
    each. The results of a run are appended to its `evaluations.jsonl`.

    Args:
        overrides: "data.key=value" strings, for data that lie elsewhere than when the model was trained.
        metrics, samples: default those of the preset.
        data_dir: where TFDS data lie.

    Raises:
        ZooError: a target, metric, data set or split that does not exist.
    """
    model, experiment, line = zoo.load(target)
    return assess(model, experiment, line, overrides=overrides, metrics=metrics, samples=samples, seed=seed,
                  truncation=truncation, data_dir=data_dir, download=download, inception_weights=inception_weights,
                  run=Run(target) if Path(target).is_dir() else None)


def assess(model, experiment, line, *, overrides=(), metrics=(), samples=None, seed=0, truncation=None, data_dir=None,
           download=False, inception_weights=None, run=None) -> list[evaluation.Result]:
    """`evaluate` for a model that is loaded already; `line` says what it is."""
    experiment = config.override(experiment, [*overrides, *config.data_options(data_dir, download)])
    source, settings = experiment.data, experiment.evaluate
    metrics = list(metrics or settings.metrics)
    if not metrics:
        raise ZooError(f"{experiment.preset} names no metrics: choose with --metrics from {', '.join(evaluation.METRICS)}.")
    training_data = source.open(model.element_spec)
    reference = _reference(source, model, settings.split) or training_data
    held_out = training_data if reference is not training_data else None
    results = evaluation.evaluate(
        model, reference, metrics, samples=min(samples or settings.samples, reference.num_examples), seed=seed,
        truncation=truncation, held_out=held_out, inception_weights=inception_weights, name=line,
    )
    for result in results if run else ():
        run.append("evaluations.jsonl", result.as_dict())
    return results


def _reference(source, model, split: str | None):
    """The split to compare with; None where the preset names none and the data have no test split."""
    try:
        return source.open(model.element_spec, split=split or "test") if split != source.split else None
    except ZooError:
        if split is not None:
            raise
        console.note("these data have no test split: measuring against the training data, without a floor")
        return None


def export(target: Target, folder: str | os.PathLike = "export/models", *, name: str | None = None,
           version: int | None = None) -> Path:
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
