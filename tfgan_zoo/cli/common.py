"""What the commands share: one-line errors, TensorFlow loaded late and quietly, the options that several have."""

import functools
import importlib
import logging
import os
import sys

import click

from tfgan_zoo import console, targets
from tfgan_zoo.errors import ZooError, unknown

TARGET = "TARGET is a preset with pretrained weights (`list` marks them), a run directory or a .keras file."

# Options of other tools that people try, and what to write here.
WRITTEN_OTHERWISE = {
    "--steps": "train.steps=N",
    "--epochs": "train.steps=N (training is counted in steps)",
    "--iterations": "train.steps=N",
    "--batch-size": "data.batch_size=N",
    "--batch": "data.batch_size=N",
    "--lr": "train.optimizers.generator.learning_rate=X (and .discriminator)",
    "--learning-rate": "train.optimizers.generator.learning_rate=X (and .discriminator)",
    "--resume": "the same command again: an unfinished run goes on by itself",
    "--data": "data.source=folder data.path=FOLDER",
    "--dataset": "data.source=tfds data.name=NAME",
    "--seed": "train.seed=N",
    "--gpus": "--replicas N",
    "--precision": "train.precision=mixed_bfloat16",
    "--samples": "--num N",
    "--n": "--num N",
    "--output": "--out PATH",
    "--checkpoint": "--step N",
}


class Command(click.Command):
    """A command that answers options of other tools with what to write here."""

    def parse_args(self, context, arguments):
        try:
            return super().parse_args(context, arguments)
        except click.NoSuchOption as error:
            if error.option_name in WRITTEN_OTHERWISE:
                instead = WRITTEN_OTHERWISE[error.option_name]
                raise ZooError(f"no option {error.option_name}: write {instead}.") from None
            raise


class Commands(click.Group):
    """Suggests the nearest command for an unknown one and turns ZooErrors into one line with status 2."""

    command_class = Command

    def resolve_command(self, context, arguments):
        if arguments and arguments[0] not in self.commands and not arguments[0].startswith("-"):
            raise click.UsageError(str(unknown("command", arguments[0], self.commands)))
        return super().resolve_command(context, arguments)

    def list_commands(self, context):
        return list(self.commands)

    def invoke(self, context):
        try:
            return super().invoke(context)
        except ZooError as error:
            console.note(f"error: {error}")
            sys.exit(2)
        except KeyboardInterrupt as stop:
            console.note(str(stop) or "stopped")
            sys.exit(130)


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="tfgan_zoo", prog_name="tfgan_zoo")
def main():
    """Adversarial models for Keras: train, evaluate, sample and serve them.

    \b
    First steps:
      python -m tfgan_zoo list                          what there is
      python -m tfgan_zoo train dcgan_glyphs            train on embedded data, no download
      python -m tfgan_zoo generate dcgan_mnist --out digits.png
    """


def needs_tensorflow(command):
    """Import TensorFlow before the command runs, without the lines its C++ part prints while it loads.

    They tell of device probing and kernel registration, no message to a user. TF_CPP_MIN_LOG_LEVEL=0 shows them.
    A GPU that is there and cannot be used is told in one line.
    """

    @functools.wraps(command)
    def run(*arguments, **options):
        if os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3") == "0":
            return command(*arguments, **options)
        sys.stderr.flush()
        stderr, nothing = os.dup(2), os.open(os.devnull, os.O_WRONLY)
        os.dup2(nothing, 2)
        try:
            importlib.import_module("tensorflow")
        finally:
            os.dup2(stderr, 2)
            os.close(stderr)
            os.close(nothing)
        logging.getLogger("absl").setLevel(logging.ERROR)
        from tfgan_zoo import devices

        if warning := devices.unused_gpu():
            console.note(warning)
        return command(*arguments, **options)

    return run


# === Arguments checked before the slow import ===
def check_target(context, parameter, target):
    """Refuse what is no model."""
    targets.resolve(target)
    return target


def check_out(context, parameter, out):
    """Refuse `-`, which no command writes to."""
    if out == "-":
        raise ZooError(f"{parameter.opts[0]} -: name a file or a folder.")
    return out


def writable(option: str, path: str | None) -> None:
    """Refuse a file that cannot be written before the work whose result it is to hold."""
    if path is None:
        return
    folder = os.path.dirname(os.path.abspath(path))
    if os.path.isdir(path):
        raise ZooError(f"{option} {path}: is a folder; name a file.")
    if os.path.isdir(folder) and not os.access(path if os.path.exists(path) else folder, os.W_OK):
        raise ZooError(f"{option} {path}: no permission to write there.")


def whole_numbers(option: str, text: str) -> list[int]:
    """ "0,1,2" as numbers. Raises ZooError."""
    try:
        return [int(part) for part in text.split(",")]
    except ValueError:
        raise ZooError(f"{option} {text}: give whole numbers separated by commas, such as 0,1,2.") from None


# === Options that several commands have ===
def data_options(command):
    """The options of every command that reads data."""
    for option in (
        click.option("--download", is_flag=True, help="Let TFDS download the data set when it is not there."),
        click.option(
            "--data-dir",
            metavar="DIR",
            help="Where data lie: TFDS data sets in it or in its `tfds`, folders that presets name. Or set "
            "TFGAN_ZOO_DATA.",
        ),
    ):
        command = option(command)
    return command


def condition_options(command):
    """The conditions that generators take."""
    for option in (
        click.option("--given", metavar="FILE", help="A picture, sound or text that the model takes as its condition."),
        click.option("--code", metavar="A,B,...", help="Numbers in place of the drawn `code`."),
        click.option("--text", metavar="TEXT", help="A caption, for models of captions."),
        click.option("--label", metavar="CLASS", help="A class, by number or by name, for models of classes."),
    ):
        command = option(command)
    return command


def conditions(label, text, code, given) -> dict:
    """The condition options as `given` of the verbs."""
    found = {}
    if label is not None:
        found["label"] = label
    if text is not None:
        found["text"] = text
    if code is not None:
        try:
            found["code"] = [float(part) for part in code.split(",")]
        except ValueError:
            raise ZooError(f"--code {code}: give numbers separated by commas, such as 0.5,-1.") from None
    if given is not None:
        if not os.path.isfile(given):
            raise ZooError(f"--given {given}: there is no such file.")
        found["given"] = given
    return found


def step_option(command):
    """Which checkpoint of a run."""
    return click.option("--step", type=click.IntRange(min=1), metavar="N", help="A run's checkpoint of step N.")(
        command
    )
