"""What several tests use."""

import numpy as np
from click.testing import CliRunner

from tfgan_zoo import cli, data
from tfgan_zoo.modalities import ClassLabel, Image


# === The command line, in this process ===
def run(*arguments):
    """The result of a command."""
    return CliRunner().invoke(cli.main, [str(argument) for argument in arguments])


def refused(*arguments):
    """The one line on stderr of a command that ends with status 2."""
    result = run(*arguments)
    assert result.exit_code == 2, result.output
    assert isinstance(result.exception, SystemExit) and not result.stdout
    lines = result.stderr.strip().splitlines()
    assert len(lines) == 1, lines
    return lines[0]


# === Data ===
def spec(shape=(8, 8, 1), *, label=True):
    """The element specification of pictures, with labels or without."""
    return {"image": Image(shape)} | ({"label": ClassLabel()} if label else {})


def source(kind, /, **settings):
    """The configuration of a data source."""
    return data.source_class(kind)(source=kind, **settings)


def labels(dataset, count):
    """The labels of the first `count` batches."""
    return [batch["label"].numpy().tolist() for batch in dataset.take(count)]


def everything(opened, key="image"):
    """All examples of opened data, in order."""
    return np.concatenate([batch[key] for batch in opened.examples(7).as_numpy_iterator()])
