"""Measuring a model of the zoo with the data of its experiment, its held-out split and its endpoints."""

import dataclasses
import os
from collections.abc import Mapping, Sequence
from typing import Any

from tfgan_zoo import config, console
from tfgan_zoo.adversarial import AdversarialModel
from tfgan_zoo.errors import ZooError
from tfgan_zoo.evaluation import references, similar
from tfgan_zoo.evaluation.measure import evaluate
from tfgan_zoo.evaluation.protocol import DEFAULT_SAMPLES, Protocol
from tfgan_zoo.evaluation.streams import Answers, Generated, Selected
from tfgan_zoo.metrics import registry
from tfgan_zoo.modalities import ClassLabel, Image
from tfgan_zoo.stamps import Result


def assess(
    model: AdversarialModel,
    experiment: config.Experiment | None,
    line: str,
    protocol: Protocol,
    *,
    overrides: Sequence[str] = (),
    against: Any = None,
    options: Mapping[str, Any] | None = None,
    neighbours: str | os.PathLike | None = None,
    save_stats: str | os.PathLike | None = None,
) -> list[Result]:
    """Measure a loaded model.

    Args:
        experiment: where its data and its usual metrics come from; None where only `against` can tell.
        line: what the results call the model.
        protocol: metrics and samples that it leaves out are the experiment's.
        overrides: "data.key=value" strings, for data that lie elsewhere than in training.
        against: real data in place of the experiment's, as `references.against` reads it.
        options: `data_dir` and `download`.
        neighbours: a picture file: ten samples, each beside the training images nearest to it.
        save_stats: a .npz file for `mu` and `sigma` of the samples' features.

    Raises:
        ZooError: whatever is missing to measure what is asked for.
    """
    options = dict(options or {})
    if experiment is not None:
        experiment = config.override(experiment, [*overrides, *config.data_options(**options)])
        defaults = experiment.evaluate
        protocol = protocol.but(
            metrics=protocol.metrics or tuple(defaults.metrics), samples=protocol.samples or defaults.samples
        )
    if not protocol.metrics:
        raise ZooError(f"{line}: name what to measure, such as --metrics fid768,kid,prdc or fd_mnist.")
    sides = Sides(model, experiment, protocol, against, options)
    results = []
    for endpoint, names in by_endpoint(model, protocol.metrics).items():
        asked = protocol.but(metrics=tuple(names))
        results += (
            sides.answers(endpoint, line, asked) if endpoint else sides.generated(line, asked, neighbours, save_stats)
        )
    places = {name: place for place, name in enumerate(protocol.metrics)}
    return sorted(results, key=lambda result: places.get(result.metric, 0)) if len(places) == len(results) else results


def by_endpoint(model: AdversarialModel, names: Sequence[str]) -> dict[str | None, list[str]]:
    """{endpoint whose answers are measured: metrics}; None for metrics of generated data."""
    found: dict[str | None, list[str]] = {}
    for text in names:
        plain, _, spec = text.partition("@")
        endpoint = spec if spec in model.endpoints else None
        metric = registry.parse(plain if endpoint else text).metric
        if endpoint is None and metric.paired and metric.takes == "images":
            endpoint = restoring(model, text)
        found.setdefault(endpoint, []).append(text)
    return found


def restoring(model: AdversarialModel, metric: str) -> str:
    """The endpoint whose pictures have a true answer in the data, for metrics of pairs."""
    for name, endpoint in model.endpoints.items():
        if endpoint.target and isinstance(endpoint.output, Image) and not endpoint.noise:
            return name
    raise ZooError(f"{metric} compares pairs, and {type(model).__name__} answers no picture that the data hold.")


@dataclasses.dataclass
class Sides:
    """The two sides of a model's measurements."""

    model: AdversarialModel
    experiment: config.Experiment | None
    protocol: Protocol
    against: Any
    options: dict[str, Any]

    def spec(self, metrics: Sequence[str]) -> dict[str, Any]:
        """What to open data for: the model's own keys, and labels where a metric needs them."""
        spec = dict(self.model.element_spec)
        labelled = any(registry.parse(name.partition("@")[0]).metric.labelled for name in metrics)
        has_label = any(isinstance(kind, ClassLabel) for kind in spec.values())
        return spec | ({"label": ClassLabel()} if labelled and not has_label else {})

    def training(self, spec: Mapping[str, Any]):
        """The opened training data. Raises ZooError where no experiment tells them."""
        if self.experiment is None:
            raise ZooError("a .keras file does not tell its data: name real data with against.")
        return self.experiment.data.open(spec)

    def held_out(self, spec: Mapping[str, Any]):
        """The opened split to compare with; None where the data have none."""
        if self.experiment is None:
            return None
        return references.held_out(self.experiment.data, spec, self.experiment.evaluate.split)

    def generated(self, line: str, protocol: Protocol, neighbours: Any, save_stats: Any) -> list[Result]:
        """The metrics of what the model generates."""
        spec, training, conditions = self.spec(protocol.metrics), None, None
        target = self.model.endpoints["generate"].target if "generate" in self.model.endpoints else None
        kinds = [registry.parse(name).metric for name in protocol.metrics]
        if self.against is not None:
            samples = protocol.reference_samples or protocol.samples
            labelled = any(kind.labelled for kind in kinds)
            reference = references.against(self.against, samples, spec, target, self.options, labelled)
            if neighbours or any("held_out" in kind.sides for kind in kinds):
                training = self.training(spec)
            held_out, conditions = training, getattr(reference, "data", None)
        else:
            training = self.training(spec)
            test = self.held_out(spec)
            reference, held_out, conditions = test or training, training if test else None, test or training
        available = getattr(conditions, "num_examples", None) or getattr(reference, "count", None)
        count = min(protocol.samples or DEFAULT_SAMPLES, available or DEFAULT_SAMPLES)
        fake = Generated(self.model, count, protocol.seed, protocol.truncation, line, conditions)
        results = evaluate(fake, reference, protocol, held_out=held_out, key=target)
        if save_stats:
            references.save_statistics(save_stats, fake, protocol)
        if neighbours:
            similar.save(neighbours, fake, Selected(training, None, target), protocol)
        return results

    def answers(self, name: str, line: str, protocol: Protocol) -> list[Result]:
        """The metrics of what an endpoint answers to held-out data, beside its answers to training data."""
        spec = self.spec(protocol.metrics)
        test = self.held_out(spec)
        if test is None:
            console.note("no held-out data: measuring on the training data")
        training = self.training(spec) if test is None or self._needs_training(protocol) else None
        chosen = Selected(test or training, min(protocol.samples or DEFAULT_SAMPLES, (test or training).num_examples))
        fake = Answers(self.model, name, chosen, line, protocol.seed)
        if all(registry.parse(metric.partition("@")[0]).metric.paired for metric in protocol.metrics):
            return evaluate(fake, chosen, protocol)
        if test is None and self._needs_training(protocol):
            raise ZooError(f"{', '.join(protocol.metrics)}: needs a held-out split beside the training data.")
        real = Answers(self.model, name, Selected(training, protocol.reference_samples), line) if training else None
        return evaluate(fake, real, protocol)

    def _needs_training(self, protocol: Protocol) -> bool:
        return any("real" in registry.parse(name.partition("@")[0]).metric.sides for name in protocol.metrics)
