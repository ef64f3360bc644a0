"""Measuring a model of the zoo with the data of its experiment, its held-out split and its endpoints."""

import dataclasses
import os
import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from tfgan_zoo import config, console, sampling
from tfgan_zoo.adversarial import AdversarialModel
from tfgan_zoo.data import source_class
from tfgan_zoo.errors import ZooError
from tfgan_zoo.evaluation import references, similar
from tfgan_zoo.evaluation.asked import asked_for
from tfgan_zoo.evaluation.given import Pictures, in_memory
from tfgan_zoo.evaluation.measure import evaluate, save_statistics
from tfgan_zoo.evaluation.own_sizes import OwnSizes, any_size
from tfgan_zoo.evaluation.protocol import DEFAULT_SAMPLES, Protocol
from tfgan_zoo.evaluation.streams import Answers, Generated, Selected, Stream
from tfgan_zoo.metrics import registry
from tfgan_zoo.modalities import Audio, ClassLabel, Image, Modality, Text
from tfgan_zoo.stamps import Results


def assess(
    model: AdversarialModel,
    experiment: config.Experiment | None,
    description: str,
    protocol: Protocol,
    *,
    overrides: Sequence[str] = (),
    against: Any = None,
    options: Mapping[str, Any] | None = None,
    neighbours: str | os.PathLike | None = None,
    save_stats: str | os.PathLike | None = None,
) -> Results:
    """Measure a loaded model.

    Args:
        experiment: where its data and its usual metrics come from; None where only `against` can tell.
        description: what the results call the model.
        protocol: metrics and samples that it leaves out are the experiment's.
        overrides: "data.key=value" strings, for data that lie elsewhere than in training.
        against: real data in place of the experiment's, as `references.against` reads it.
        options: `data_dir` and `download`.
        neighbours: a picture file: ten samples, each beside the training images nearest to it.
        save_stats: a .npz file for `mu` and `sigma` of the samples' features.

    Returns:
        One `Result` per number, in the order of the metrics. A metric that fails is among the `failures`, with a
        warning, and does not take the others along.

    Raises:
        ZooError: whatever is missing to measure what is asked for.
    """
    options = dict(options or {})
    if experiment is not None:
        experiment = config.override(experiment, [*overrides, *config.data_options(**options)])
        for text in experiment.notes:
            console.note(text)
        defaults = experiment.evaluate
        protocol = protocol.but(
            metrics=protocol.metrics or tuple(defaults.metrics),
            samples=protocol.samples or defaults.samples,
            settings={
                name: {**defaults.settings.get(name, {}), **protocol.settings.get(name, {})}
                for name in {**defaults.settings, **protocol.settings}
            },
        )
        against = defaults.against if against is None else against
    if not protocol.metrics:
        raise ZooError(f"{description}: name what to measure: metrics such as fid768,kid,prdc or fd_mnist.")
    sides = Sides(model, experiment, protocol, against, options)
    groups = by_endpoint(model, protocol.metrics)
    if None not in groups and (neighbours or save_stats):
        raise ZooError(f"{', '.join(protocol.metrics)}: none is of generated data; add one, such as fid768.")
    results, errors = Results(), {}
    for endpoint, names in groups.items():
        asked = protocol.but(metrics=tuple(names))
        try:
            part = (
                sides.answers(endpoint, description, asked)
                if endpoint
                else sides.generated(description, asked, neighbours, save_stats)
            )
        except ZooError as error:
            reason = f"{', '.join(names)}: {error}"
            part, errors[reason] = Results(failures=dict.fromkeys(names, reason)), error
        results.extend(part)
        results.failures |= part.failures
    if not results:
        raise next(iter(errors.values()))
    for reason in errors:
        warnings.warn(f"left out: {reason}")
    places = {name: place for place, name in enumerate(protocol.metrics)}
    if len(places) == len(results):
        results.sort(key=lambda result: places.get(result.metric, 0))
    return results


def by_endpoint(model: AdversarialModel, names: Sequence[str]) -> dict[str | None, list[str]]:
    """{endpoint whose answers are measured: metrics}; None for metrics of generated data."""
    found: dict[str | None, list[str]] = {}
    for text in names:
        plain, spec = registry.apart(text)
        if registry.of_endpoint(text):
            sampling.endpoint_of(model, spec)
        endpoint = spec if spec in model.endpoints else None
        metric = registry.parse(plain if endpoint else text).metric
        if endpoint is None and metric.paired and metric.takes in ("images", "points"):
            endpoint = restoring(model, text, Image if metric.takes == "images" else Text)
        if endpoint is None and metric.endpoint:
            sampling.endpoint_of(model, metric.endpoint)
            endpoint, text = metric.endpoint, f"{text}@{metric.endpoint}"
        if endpoint is None and "generate" not in model.endpoints:
            endpoint = showing(model, text)
            text = f"{text}@{endpoint}"
        found.setdefault(endpoint, []).append(text)
    return found


def checked(model: AdversarialModel, protocol: Protocol, facts: Mapping[str, Any]) -> dict[str | None, Protocol]:
    """`by_endpoint` with the protocol of each. Raises ZooError for what cannot be measured, before anything is.

    Args:
        facts: what the reference's data say of themselves.
    """
    found = {}
    for endpoint, names in by_endpoint(model, protocol.metrics).items():
        found[endpoint] = protocol.but(metrics=tuple(names))
        pictures = bool(endpoint) and isinstance(model.endpoints[endpoint].output, Image | Audio)
        asked_for(found[endpoint], facts, endpoint, pictures)
    return found


def showing(model: AdversarialModel, metric: str) -> str:
    """The endpoint whose answers stand for generated data, of a model that makes nothing out of noise."""
    for name, endpoint in model.endpoints.items():
        if isinstance(endpoint.output, Image | Audio):
            return name
    names, example = ", ".join(model.endpoints), f"accuracy@{next(iter(model.endpoints))}"
    none = f"{metric} is of generated data, and {type(model).__name__} makes none"
    raise ZooError(f"{none}; it can {names}: name one, as in {example}.")


def restoring(model: AdversarialModel, metric: str, kind: type[Modality]) -> str:
    """The endpoint whose answers of a kind have a true answer in the data, for metrics of pairs."""
    for name, endpoint in model.endpoints.items():
        if endpoint.target and isinstance(endpoint.output, kind) and not endpoint.noise:
            return name
    what = "picture" if kind is Image else kind.__name__.lower()
    raise ZooError(f"{metric} compares pairs, and {type(model).__name__} answers no {what} that the data hold.")


@dataclasses.dataclass
class Sides:
    """The two sides of a model's measurements. Data are opened once for all of them."""

    model: AdversarialModel
    experiment: config.Experiment | None
    protocol: Protocol
    against: Any
    options: dict[str, Any]
    opened: dict[tuple, Any] = dataclasses.field(default_factory=dict)

    def spec(self, metrics: Sequence[str]) -> dict[str, Any]:
        """What to open data for: the model's own keys, and labels where a metric needs them."""
        spec = dict(self.model.element_spec)
        labelled = registry.labelled(metrics)
        has_label = any(isinstance(kind, ClassLabel) for kind in spec.values())
        return spec | ({"label": ClassLabel()} if labelled and not has_label else {})

    def spec_of(self, name: str, metrics: Sequence[str]) -> dict[str, Any]:
        """What to open data for to ask an endpoint: what it takes, its true answer, labels where a metric needs them.

        Nothing else, so that labels are those of what the endpoint takes where the model knows two domains.
        """
        endpoint, labelled = self.model.endpoints[name], registry.labelled(metrics)
        wanted = {*endpoint.conditions, endpoint.target}
        return {
            key: kind
            for key, kind in self.spec(metrics).items()
            if key in wanted or (labelled and isinstance(kind, ClassLabel))
        }

    def training(self, spec: Mapping[str, Any]):
        """The opened training data. Raises ZooError where no experiment tells them."""
        if self.experiment is None:
            raise ZooError(
                "a model in memory or in a file does not tell its training data: measure a run or a preset, or name "
                "real data with against."
            )
        return self._once("training", spec, lambda: self.experiment.data.open(spec))

    def held_out(self, spec: Mapping[str, Any]):
        """The opened split to compare with; None where the data have none."""
        if self.experiment is None:
            return None
        source, split = self.experiment.data, self.experiment.evaluate.split
        return self._once("held out", spec, lambda: references.held_out(source, spec, split))

    def _once(self, side: str, spec: Mapping[str, Any], opened: Callable) -> Any:
        key = side, *spec.items()
        if key not in self.opened:
            self.opened[key] = opened()
        return self.opened[key]

    def named(self, spec: Mapping[str, Any], key: str | None, protocol: Protocol) -> Any:
        """The real data that `against` names."""
        samples = protocol.reference_samples or protocol.samples
        if isinstance(self.against, Stream):
            return self.against
        if hasattr(self.against, "examples"):
            return Selected(self.against, samples and min(samples, self.against.num_examples))
        if not in_memory(self.against):
            home = self.options.get("data_dir") or getattr(getattr(self.experiment, "data", None), "data_dir", None)
            if found := references.folder(self.against, home, samples):
                return found
        return references.against(self.against, samples, spec, key, self.options, registry.labelled(protocol.metrics))

    def generated(self, description: str, protocol: Protocol, neighbours: Any, save_stats: Any) -> Results:
        """The metrics of what the model generates."""
        spec, training, conditions = self.spec(protocol.metrics), None, None
        target = self.model.endpoints["generate"].target if "generate" in self.model.endpoints else None
        needed = {side for name in protocol.metrics for side in registry.parse(name).metric.sides}
        if self.against is not None:
            reference = self.named(spec, target, protocol)
            if neighbours or "held_out" in needed:
                training = self.training(spec)
            held_out, conditions = training, getattr(reference, "data", None)
        elif self.experiment is None and "real" not in needed and not neighbours:
            reference, held_out = None, None
        else:
            training = self.training(spec)
            test = self.held_out(spec)
            reference, held_out, conditions = test or training, training if test else None, test or training
        available = getattr(conditions, "num_examples", None) or getattr(reference, "count", None)
        drawn = samples_of(protocol, available), protocol.seed, protocol.truncation
        fake = Generated(self.model, *drawn, description, conditions, protocol.batch_size)
        results = evaluate(fake, reference, protocol, held_out=held_out, key=target)
        if save_stats:
            save_statistics(save_stats, fake, protocol)
        if neighbours:
            similar.save(neighbours, fake, Selected(training, None, target), protocol)
        return results

    def answers(self, name: str, description: str, protocol: Protocol) -> Results:
        """The metrics of what an endpoint answers to held-out data.

        Pictures and sounds are compared with those that the data hold in their place (of the target domain, say), other
        answers with the answers to training data.
        """
        endpoint, spec = self.model.endpoints[name], self.spec_of(name, protocol.metrics)
        pictures, compares = isinstance(endpoint.output, Image | Audio), self._compares(protocol)
        test = self.pairs(name, spec, protocol) if self.against is not None else self.held_out(spec)
        wanted = compares and not (pictures and self.experiment is None)  # for pictures they are the floor alone
        training = self.training(spec) if test is None or wanted else None
        chosen = test or training
        if not isinstance(chosen, Stream):
            chosen = Selected(chosen, min(protocol.samples or DEFAULT_SAMPLES, chosen.num_examples))
        fake = Answers(self.model, name, chosen, description, protocol.seed)
        if all(registry.parse(registry.apart(metric)[0]).metric.paired for metric in protocol.metrics):
            return evaluate(fake, chosen, protocol)
        if pictures and compares:
            if not endpoint.target:
                raise ZooError(f"{', '.join(protocol.metrics)}: the data hold no pictures to compare {name} with.")
            if isinstance(chosen, Selected):
                chosen = Selected(chosen.data, protocol.reference_samples or chosen.count, endpoint.target)
            return evaluate(fake, chosen, protocol, held_out=training if test else None, key=endpoint.target)
        if test is None and compares:
            raise ZooError(f"{', '.join(protocol.metrics)}: needs a held-out split beside the training data.")
        real = (
            Answers(self.model, name, Selected(training, protocol.reference_samples), description) if training else None
        )
        return evaluate(fake, real, protocol)

    def pairs(self, name: str, spec: Mapping[str, Any], protocol: Protocol) -> Any:
        """What `against` names, with all that an endpoint takes: opened data, or a folder's pictures at their sizes."""
        found, endpoint = self.named(spec, None, protocol), self.model.endpoints[name]
        derive = self.experiment.data.derive if self.experiment else {}
        if isinstance(found, Pictures):
            if any_size(endpoint):
                return OwnSizes(found, endpoint, self.model.element_spec, derive)
            return source_class("folder")(source="folder", path=str(found.path), derive=derive).open(spec)
        if not spec.keys() <= getattr(getattr(found, "data", None), "spec", {}).keys():
            raise ZooError(
                f"{self.against}: {name} takes {', '.join(spec)}; name a preset, a data set or a folder that has them."
            )
        return found.data

    def _compares(self, protocol: Protocol) -> bool:
        """Whether a metric compares the answers, as a whole, with others."""
        metrics = [registry.parse(registry.apart(name)[0]).metric for name in protocol.metrics]
        return any("real" in metric.sides and not metric.paired for metric in metrics)


def samples_of(protocol: Protocol, available: int | None) -> int:
    """How many samples to draw: as many as are asked for, but no more than there are real data to compare with.

    Where the protocol names both counts, they stand.
    """
    wanted = protocol.samples or DEFAULT_SAMPLES
    if available is None or available >= wanted or (protocol.samples and protocol.reference_samples):
        return wanted
    if protocol.samples:
        console.note(
            f"{available:,} real data to compare with, so {available:,} samples in place of {wanted:,}; name the "
            "number of real data too (reference_samples, --reference-num) to compare unequal numbers"
        )
    return available
