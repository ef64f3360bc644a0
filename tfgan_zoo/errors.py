"""Errors of one line: the value received, the values allowed, the next step."""

from collections.abc import Iterable
from difflib import get_close_matches

MANY, SHOWN = 40, 10  # more allowed names than that are not all listed, but the nearest


class ZooError(ValueError):
    """What the user gave cannot work. The command line prints the message and exits with status 2."""


class MissingData(ZooError):
    """Data that are not there: `what` is missing, and the `ways` to have it when a model is trained."""

    def __init__(self, what: str, ways: str):
        super().__init__(f"{what}; {ways}")
        self.what, self.ways = what, ways


def unknown(kind: str, value: object, allowed: Iterable[str], where: str = "") -> ZooError:
    """The error for a name that is not among `allowed`, with the nearest of them suggested.

    >>> str(unknown("split", "trian", ["train", "test"]))
    "unknown split 'trian': did you mean 'train'? Allowed: test, train."
    """
    names = sorted(map(str, allowed))
    near = get_close_matches(str(value), names, n=3, cutoff=0.5)
    hint = f" did you mean {' or '.join(map(repr, near))}?" if near else ""
    place = f"{where}: " if where else ""
    more = ""
    if len(names) > MANY:
        nearest = sorted(get_close_matches(str(value), names, n=SHOWN, cutoff=0.0))
        names, more = nearest, f" and {len(names) - len(nearest)} more"
    return ZooError(f"{place}unknown {kind} {value!r}:{hint} Allowed: {', '.join(names) or '(nothing)'}{more}.")


def count_of(number: int, noun: str) -> str:
    """A counted noun: `1 image`, `2,000 images`."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
