"""The human side of evaluation: a page on which people tell samples from real pictures, and what they answered.

As in the studies of pix2pix (Isola et al. 2017, section 4.1: a second for each picture, the first ten for practice) and
of VGAN (Vondrick et al. 2016, section 5: which of two is more real). The page holds all it needs and sends nothing.
"""

import base64
import hashlib
import io
import json
import math
import os
from collections.abc import Iterable
from pathlib import Path
from statistics import NormalDist
from typing import NamedTuple

import numpy as np

from tfgan_zoo import files, images
from tfgan_zoo.errors import ZooError, unknown
from tfgan_zoo.evaluation.similar import picked
from tfgan_zoo.evaluation.streams import Stream

FORMS = ("single", "pairs")
PAGE = Path(__file__).with_name("study.html")
PLACE = "STUDY"


class Rate(NamedTuple):
    """How often something was answered, and where the true rate lies in 95 % of such studies."""

    what: str
    count: int
    of: int
    low: float
    high: float

    @property
    def value(self) -> float:
        """The rate."""
        return self.count / self.of


# === The page ===
def write(
    path: str | os.PathLike,
    made: Stream,
    real: Stream,
    form: str = "single",
    trials: int = 40,
    practice: int = 10,
    seconds: float = 1.0,
    seed: int = 0,
) -> Path:
    """Write the page of a study.

    Args:
        path: an .html file.
        made, real: what is compared: pictures, each of one size.
        form: "single": one picture, real or made? "pairs": a real and a made one, which is more real?
        trials: that count; of single pictures half are real.
        practice: trials before them, which tell the right answer and do not count.
        seconds: how long a picture is seen; 0 for until it is answered.
        seed: of the choice and of the order.

    Raises:
        ZooError: an unknown form, too few pictures, a file that cannot be written.
    """
    if form not in FORMS:
        raise unknown("form", form, FORMS)
    if trials < 1 or practice < 0 or not 0 <= seconds < math.inf:
        raise ZooError(
            f"trials={trials}, practice={practice}, seconds={seconds}: give 1 or more, 0 or more, 0 or more."
        )
    count, random = trials + practice, np.random.default_rng(seed)
    of_made = count if form == "pairs" else count // 2
    fakes, reals = chosen(made, of_made, random), chosen(real, count - of_made if form == "single" else count, random)
    if form == "pairs":
        sides = random.permutation(np.arange(count) % 2)
        shown = [
            {"truth": ("left", "right")[side], "pictures": [real, fake] if side == 0 else [fake, real]}
            for side, real, fake in zip(sides, reals, fakes, strict=True)
        ]
    else:
        both = [{"truth": "made", "pictures": [p]} for p in fakes] + [{"truth": "real", "pictures": [p]} for p in reals]
        shown = [both[place] for place in random.permutation(count)]
    facts = {"form": form, "made": made.description, "real": real.description, "seconds": seconds}
    number = hashlib.sha256(json.dumps([facts, shown]).encode()).hexdigest()[:12]
    study = {"study": number} | facts | {"practice": practice, "trials": shown}
    text = json.dumps(study).replace("<", "\\u003c")  # nothing in it can end the script that holds it
    with files.written(Path(path).expanduser()) as temporary:
        temporary.write_text(PAGE.read_text(encoding="utf-8").replace(PLACE, text), encoding="utf-8")
    return Path(path).expanduser()


def chosen(stream: Stream, count: int, random: np.random.Generator) -> list[str]:
    """`count` pictures of a stream, drawn without repetition, as data URLs. Raises ZooError where it has fewer."""
    if stream.count < count:
        raise ZooError(
            f"{stream.description}: has {stream.count} pictures where the study shows {count}; ask for less."
        )
    places = random.permutation(stream.count)[:count]
    found = []
    for picture in picked(stream, places) if count else ():
        file = io.BytesIO()
        images.picture(picture).save(file, "PNG")
        found.append(f"data:image/png;base64,{base64.b64encode(file.getvalue()).decode()}")
    return found


# === The answers ===
def results(paths: Iterable[str | os.PathLike]) -> tuple[dict, list[Rate]]:
    """What people answered: (facts of the study, rates), over all files, without the trials for practice.

    Args:
        paths: files that the page has saved, or folders of such, all of one study.

    Raises:
        ZooError: a file that is none of these, of another study, or without answers that count.
    """
    found = [file for path in map(Path, paths) for file in (sorted(path.glob("*.json")) if path.is_dir() else [path])]
    read_ = [(file, read(file)) for file in found]
    if not read_:
        raise ZooError(f"{', '.join(map(str, paths))}: holds no answers (.json).")
    first = read_[0][1]
    for file, study in read_:
        if study["study"] != first["study"]:
            raise ZooError(f"{file}: is of study {study['study']}, the others of {first['study']}; give those of one.")
    answers = [answer for _, study in read_ for answer in study["answers"] if not answer.get("practice")]
    if not answers:
        raise ZooError(f"{found[0]}: holds no answers but those for practice.")
    facts = {key: first.get(key) for key in ("study", "form", "made", "real", "seconds")} | {"people": len(read_)}
    right = rate("right", [answer["answer"] == answer["truth"] for answer in answers])
    if first["form"] == "pairs":
        fooled = [rate("made preferred to real", [answer["answer"] != answer["truth"] for answer in answers])]
    else:
        fooled = [
            rate(
                f"{truth} taken for real",
                [answer["answer"] == "real" for answer in answers if answer["truth"] == truth],
            )
            for truth in ("made", "real")
            if any(answer["truth"] == truth for answer in answers)
        ]
    return facts, [*fooled, right]


def read(file: Path) -> dict:
    """The answers in a file. Raises ZooError where it holds none."""
    try:
        study = json.loads(file.read_text(encoding="utf-8"))
        allowed = {"single": {"made", "real"}, "pairs": {"left", "right"}}[study["form"]]
        right = isinstance(study["study"], str) and all(
            {answer["truth"], answer["answer"]} <= allowed for answer in study["answers"]
        )
    except OSError as error:
        raise ZooError(f"{file}: cannot be read ({error.strerror}).") from None
    except (ValueError, KeyError, TypeError, AttributeError):
        right = False
    if not right:
        raise ZooError(f"{file}: holds no answers of a study; give what the page of `evaluate --study` has saved.")
    return study


def rate(what: str, hits: list[bool], confidence: float = 0.95) -> Rate:
    """The share of hits with its Wilson interval, which stays within [0, 1] and is sound for few answers.

    Wilson 1927: Probable inference, the law of succession, and statistical inference. Answers count as independent.
    """
    n, k, z = len(hits), sum(hits), NormalDist().inv_cdf((1 + confidence) / 2)
    middle = (k + z * z / 2) / (n + z * z)
    half = z / (n + z * z) * math.sqrt(k * (n - k) / n + z * z / 4)
    return Rate(what, k, n, max(0.0, middle - half), min(1.0, middle + half))
