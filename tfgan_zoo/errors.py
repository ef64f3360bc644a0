"""Bad input, told in one line: the value received, the values allowed, the next step."""

from collections.abc import Iterable
from difflib import get_close_matches


class ZooError(ValueError):
    """What the user gave cannot work. The command line prints the message and exits with status 2."""


def unknown(kind: str, value: object, allowed: Iterable[str], where: str = "") -> ZooError:
    """The error for a name that is not among `allowed`, with the nearest of them suggested.

    >>> str(unknown("split", "trian", ["train", "test"]))
    "unknown split 'trian': did you mean 'train'? Allowed: test, train."
    """
    names = sorted(map(str, allowed))
    near = get_close_matches(str(value), names, n=3, cutoff=0.5)
    hint = f" did you mean {' or '.join(map(repr, near))}?" if near else ""
    place = f"{where}: " if where else ""
    return ZooError(f"{place}unknown {kind} {value!r}:{hint} Allowed: {', '.join(names) or '(nothing)'}.")


def count_of(number: int, noun: str) -> str:
    """A counted noun: `1 image`, `2,000 images`."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
