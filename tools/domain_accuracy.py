"""How often translations between two domains pass for real pictures of their target.

    python -m tools.domain_accuracy runs/cyclegan_summer2winter --features inception_2015:768 --data-dir DIR

A linear classifier (ridge regression) of a fixed network's features is taught which training pictures are x and which
are y. It then judges held-out ones: as they are, and translated. Its own accuracy on real pictures is the ceiling; the
pictures as they are, called their target, are the floor.
"""

import json

import click
import numpy as np

from tfgan_zoo import config, data, features, zoo
from tfgan_zoo.errors import ZooError
from tfgan_zoo.modalities import Image

RIDGE = 1.0  # of features brought to variance 1


@click.command(help=__doc__.split("\n\n")[0])
@click.argument("target")
@click.option("--features", "spec", default="random_conv", metavar="EXTRACTOR[:TAP]", help="The network.")
@click.option("--data-dir", help="Where data lie. Default: as in training.")
def main(target, spec, data_dir):
    loaded = zoo.loaded(target)
    source = config.override(loaded.experiment, config.data_options(data_dir, False)).data
    click.echo(json.dumps({"target": loaded.description, "features": spec, **accuracies(loaded.model, source, spec)}))


def accuracies(model, source: data.BaseSource, spec: str) -> dict[str, float]:
    """Shares from 0 to 1: `x` and `y`, held-out pictures called what they are; `translate_xy` and `translate_yx`,
    translations of them called their target.

    Raises:
        ZooError: a model that does not translate between x and y, or an extractor that is not there.
    """
    wanted = {key: kind for key, kind in model.element_spec.items() if isinstance(kind, Image)}
    if set(wanted) != {"x", "y"}:
        raise ZooError(f"{model.name}: has no two domains x and y of pictures, but {', '.join(model.element_spec)}.")
    name, _, tap = spec.partition(":")
    extractor = features.extractor(name)

    def described(pictures):
        return extractor.outputs(pictures, [tap or extractor.features])[tap or extractor.features]

    training, test = (
        {key: whole(source, key, kind, split) for key, kind in wanted.items()} for split in (source.split, "test")
    )
    is_y = classifier(described(training["x"]), described(training["y"]))
    shares = {"x": 1 - is_y(described(test["x"])), "y": is_y(described(test["y"]))}
    for name, key in (("translate_xy", "x"), ("translate_yx", "y")):
        translated = model.sample(range(len(test[key])), endpoint=name, **{key: test[key]}).numpy()
        share = is_y(described(translated))
        shares[name] = share if key == "x" else 1 - share
    return {name: round(float(share), 4) for name, share in shares.items()}


def whole(source: data.BaseSource, key: str, kind: Image, split: str, at_most: int = 2_000) -> np.ndarray:
    """The pictures of one domain, uint8 (n, height, width, channels)."""
    opened = source.open({key: kind}, split=split)
    return opened.rows(range(min(at_most, opened.num_examples)))[key]


def classifier(x: np.ndarray, y: np.ndarray):
    """Teach features (n, d) of x and of y; returns a function: features -> the share of them that is called y."""
    rows = np.concatenate([x, y]).astype(np.float64)
    mean, spread = rows.mean(0), rows.std(0) + 1e-8
    rows, sides = (rows - mean) / spread, np.repeat([-1.0, 1.0], [len(x), len(y)])
    weights = np.repeat([0.5 / len(x), 0.5 / len(y)], [len(x), len(y)])  # both domains count alike
    middle = weights @ sides
    inner = (rows * weights[:, None]).T @ rows + RIDGE * np.eye(rows.shape[1])
    direction = np.linalg.solve(inner, (rows * weights[:, None]).T @ (sides - middle))
    return lambda features: np.mean((features - mean) / spread @ direction + middle > 0)


if __name__ == "__main__":
    main()
