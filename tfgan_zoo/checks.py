"""What is refused before training starts: sizes, metrics and data that do not fit the model."""

import math

from tfgan_zoo import config, console, features, resources
from tfgan_zoo.adversarial import AdversarialModel
from tfgan_zoo.errors import ZooError, unknown
from tfgan_zoo.evaluation import Protocol, assess
from tfgan_zoo.metrics import registry
from tfgan_zoo.modalities import ClassLabel, Image


def batch(model: AdversarialModel, size: int) -> None:
    """Refuse a batch that memory cannot hold: `size` rows as they are stored and as float32."""
    row = sum(kind.nbytes + 4 * math.prod(kind.shape) for kind in model.element_spec.values())
    resources.require_memory(size * row, f"a batch of {size:,} (data.batch_size)")


def metrics(model: AdversarialModel, experiment: config.Experiment) -> None:
    """Refuse an experiment's metrics that do not exist, and measurements that never happen, before training.

    Raises:
        ZooError: an unknown metric, or `evaluate.every` without metrics.
    """
    wanted, steps = experiment.evaluate, experiment.train.steps
    for endpoint, names in assess.by_endpoint(model, (*wanted.metrics, *wanted.monitor)).items():
        if endpoint and not isinstance(model.endpoints[endpoint].output, Image):
            continue  # its answers stand for features
        for name in names:
            if (extractor := registry.parse(name.removesuffix(f"@{endpoint}")).extractor) is not None:
                features.require(extractor)
    if not wanted.every:
        return
    if not (wanted.monitor or wanted.metrics):
        raise ZooError('evaluate.every: name what to measure, such as evaluate.monitor=["fd_mnist"].')
    if wanted.every > steps:
        console.note(
            f"evaluate.every={wanted.every:,} is beyond train.steps={steps:,}: nothing is measured in training"
        )


def monitoring(model: AdversarialModel, protocol: Protocol, experiment: config.Experiment, data) -> None:
    """Refuse a protocol that cannot be measured in training: features without their weights, a split that there is not.

    Raises:
        ZooError: the next step for whatever is missing.
    """
    assess.checked(model, protocol, data.facts)
    split, names = experiment.evaluate.split, experiment.data.splits()
    if split is not None and split.partition("[")[0] not in names:
        raise unknown("split", split, names, where="evaluate.split")


def classes(model: AdversarialModel, data) -> None:
    """Refuse data whose classes are not the model's.

    Raises:
        ZooError: another number of classes, or one class alone for a conditional model.
    """
    for key, kind in model.element_spec.items():
        if isinstance(kind, ClassLabel) and data.num_classes is not None:
            source = data.facts["source"]
            if kind.num_classes != data.num_classes:
                raise ZooError(
                    f"model.num_classes = {kind.num_classes}, and {source} has {data.num_classes} classes: leave "
                    "model.num_classes out, and it is taken from the data."
                )
            if data.num_classes < 2:
                raise ZooError(f"{source}: its labels ({key}) are all equal; a conditional family needs two classes.")
