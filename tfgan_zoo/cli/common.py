"""What the commands share: one-line errors, TensorFlow loaded late and quietly, the options that several have."""

import functools
import importlib
import json
import logging
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import click

from tfgan_zoo import __version__, console, resources
from tfgan_zoo.errors import ZooError, unknown

TARGET = (
    "TARGET is a preset with pretrained weights (`list` marks them), a run directory, a .keras file or a shared model."
)
SEED = click.IntRange(min=0, max=2**63 - 1)


class Command(click.Command):
    """A command that answers options of other tools with what to write here: {option: what to write}."""

    written_otherwise: ClassVar[Mapping[str, str]] = {
        "--batch": "--batch-size N",
        "--batch_size": "--batch-size N",
        "--checkpoint": "--step N",
        "--ckpt": "--step N",
        "--class": "--label CLASS",
        "--count": "--num N",
        "--n": "--num N",
        "--num-samples": "--num N",
        "--output": "--out PATH",
        "--samples": "--num N",
        "--trunc": "--truncation X",
    }

    def parse_args(self, context, arguments):
        try:
            return super().parse_args(context, arguments)
        except click.NoSuchOption as error:
            instead = self.written_otherwise.get(error.option_name)
            if instead is None or (instead[0] == "-" and not self.takes(instead.split()[0])):
                raise
            raise ZooError(f"no option {error.option_name}: write {instead}.") from None

    def takes(self, option: str) -> bool:
        """Whether there is such an option."""
        return any(option in parameter.opts for parameter in self.params)


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
            sys.exit(getattr(stop, "status", 130))
        except Exception as error:
            if (line := resources.failure(error)) is None:
                raise
            console.note(f"error: {line}")
            sys.exit(2)


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="tfgan_zoo")
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
    Prints one line if a GPU is present but unusable.
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
    from tfgan_zoo import targets

    if target is not None:
        targets.resolve(target)
    return target


def check_out(context, parameter, out):
    """Refuse `-`, which no command writes to."""
    if out == "-":
        written = parameter.opts[0] if parameter.param_type_name == "option" else "OUT"
        raise ZooError(f"{written} -: name a file or a folder.")
    return out


def writable(option: str, path: str | None, folders: bool = True) -> None:
    """Refuse a file that cannot be written before the work whose result it is to hold.

    `folders`: whether folders on the way to it will be made.
    """
    if path is None:
        return
    place = Path(path).expanduser()
    if place.is_dir():
        raise ZooError(f"{option} {path}: is a folder; name a file.")
    existing = next(folder for folder in place.absolute().parents if os.path.exists(folder))
    if not existing.is_dir() or not (folders or place.parent.is_dir()):
        raise ZooError(f"{option} {path}: there is no folder {place.parent}.")
    if not os.access(place if place.exists() else existing, os.W_OK):
        raise ZooError(f"{option} {path}: no permission to write there.")


def whole_numbers(option: str, text: str) -> list[int]:
    """ "0,1,2" as numbers. Raises ZooError."""
    try:
        return [int(part) for part in text.split(",")]
    except ValueError:
        raise ZooError(f"{option} {text}: give whole numbers separated by commas, such as 0,1,2.") from None


def print_json(value: Any, out: str) -> None:
    """A value as JSON on stdout, where `out` is `-`, or in the file `out`."""
    if out == "-":
        click.echo(json.dumps(value, indent=2))
        return
    from tfgan_zoo import files

    with files.written(out) as temporary:
        temporary.write_text(json.dumps(value, indent=2) + "\n", encoding="utf-8")


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


given_option = click.option(
    "--given",
    multiple=True,
    metavar="[NAME=]VALUE",
    help="What the model takes, by the input's name: a class, numbers, a text or a file, such as speaker=2; may be "
    "repeated. Without a name: the file that it takes.",
)


def condition_options(command):
    """The conditions that generators take."""
    for option in (
        given_option,
        click.option("--code", metavar="A,B,...", help="Numbers in place of the drawn `code`."),
        click.option("--text", metavar="TEXT", help="A caption, for models of captions."),
        click.option("--label", metavar="CLASS", help="A class, by number or by name, for models of classes."),
    ):
        command = option(command)
    return command


def conditions(label, text, code, given) -> dict:
    """The condition options as `given` of the verbs."""
    if code is not None:
        try:
            code = [float(part) for part in code.split(",")]
        except ValueError:
            raise ZooError(f"--code {code}: give numbers separated by commas, such as 0.5,-1.") from None
    return together({"label": label, "text": text, "code": code}, given)


def together(options: Mapping[str, Any], given: Sequence[str]) -> dict[str, Any]:
    """What is told by options of their own, None where they are left out, and by `--given`."""
    options, named = {key: value for key, value in options.items() if value is not None}, told(given)
    if twice := options.keys() & named.keys():
        raise ZooError(f"--{min(twice)} and --given {min(twice)}= say the same; give one of them.")
    return options | named


def told(given: Sequence[str]) -> dict[str, str]:
    """The values of `--given`: {name: value}; a file without a name is called `given`."""
    found = {}
    for text in given:
        name, is_named, value = text.partition("=")
        if not (is_named and name.isidentifier()) or os.path.isfile(text):
            if not os.path.isfile(text):
                raise ZooError(f"--given {text}: there is no such file; or name an input, as in --given label=3.")
            name, value = "given", text
        if name in found:
            raise ZooError(f"--given {text}: {name} is given twice.")
        found[name] = value
    return found


def step_option(command):
    """Which checkpoint of a run."""
    option = click.option(
        "--step", type=click.IntRange(min=1), metavar="N", help="A run's checkpoint of step N. Default: the newest."
    )
    return option(command)


def json_option(what: str):
    """`--json [FILE]`: JSON in a file, or on stdout."""
    return click.option(
        "--json",
        "json_out",
        is_flag=False,
        flag_value="-",
        metavar="[FILE]",
        help=f"{what} Without FILE, or -: stdout.",
    )
