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


def untrained_run(path, preset, *overrides):
    """A finished run of a preset at smoke size as tools find it; its model has not learnt anything. Returns `path`."""
    from tfgan_zoo import config, files, zoo

    experiment = config.load(preset, overrides, smoke=True)
    files.write_json(path / "config.json", experiment.as_dict())
    files.write_json(path / "finished.json", {})
    zoo.build(experiment).save(path / "model.keras")
    return path


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


def resumes(opened, batch_size=4, late=3, count=3):
    """The first batches of a run, having checked what `Data` promises of them.

    Those begun at `late` are the same to the bit, the parts of two workers make whole batches, another seed gives
    others.
    """
    whole = list(opened.batches(batch_size, seed=5).take(late + count).as_numpy_iterator())
    again = opened.batches(batch_size, seed=5, start=late).take(count).as_numpy_iterator()
    for first, second in zip(whole[late:], again, strict=True):
        for key in whole[0]:
            np.testing.assert_array_equal(first[key], second[key])
    parts = [list(opened.batches(batch_size, seed=5, shard=(i, 2)).take(2).as_numpy_iterator()) for i in (0, 1)]
    for k in (0, 1):
        for key, values in whole[k].items():
            np.testing.assert_array_equal(values, np.concatenate([part[k][key] for part in parts]))
    other = list(opened.batches(batch_size, seed=6).take(late + count).as_numpy_iterator())
    assert any((a[key] != b[key]).any() for a, b in zip(whole, other, strict=True) for key in a)
    return whole


def one_line(caught):
    """Check that an error is told in one line."""
    assert "\n" not in str(caught.value)
