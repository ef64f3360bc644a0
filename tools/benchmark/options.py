"""The options that commands of the benchmark share."""

import argparse
from collections.abc import Callable

from tools.benchmark.race import cores


def add_common(command: argparse.ArgumentParser, rounds: int, seconds: float) -> None:
    """The options of all races, with their defaults."""
    command.add_argument("--rounds", type=positive(int), default=rounds, help="slices of each contender")
    command.add_argument("--seconds", type=positive(float), default=seconds, help="length of a slice")
    command.add_argument("--threads", type=positive(int), default=cores(), help="threads that a contender computes on")
    add_json(command)


def add_json(command: argparse.ArgumentParser) -> None:
    """`--json`."""
    command.add_argument("--json", metavar="FILE", help="also write the results with the environment to FILE")


def positive(kind: Callable) -> Callable:
    """An argparse type: a `kind` above 0."""

    def parse(text):
        value = kind(text)
        if not value > 0:
            raise argparse.ArgumentTypeError(f"{text}: must be above 0")
        return value

    parse.__name__ = kind.__name__  # argparse names it where `kind` cannot read the text
    return parse
