"""Every family, tiny and untrained, exported and compared with its model: does the zoo as a whole serve?"""

import tempfile
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from tfgan_zoo import config, index, zoo
from tfgan_zoo.adversarial import AdversarialModel
from tfgan_zoo.errors import ZooError
from tfgan_zoo.serving import formats, savedmodel
from tfgan_zoo.serving.verify import verify


def rows(families: Iterable[str], format: str = "savedmodel", quantize: str | None = None) -> Iterator[dict[str, Any]]:
    """A row for each signature of each family's first preset at smoke size, compared in a process without Keras.

    Keys: `family`, `signature`, `difference` (the largest), `seconds` of the family's whole export and `bytes`: of the
    whole export, or of the signature's file where each has its own, beside the `largest` answer then. What cannot be
    exported has `family` and `error`, and `signature` where it is that one alone.
    """
    presets = index.first_presets()
    for family in families:
        began = time.perf_counter()
        try:
            model = zoo.build(config.load(presets[family], smoke=True))
            with tempfile.TemporaryDirectory() as folder:
                if format == "savedmodel":
                    made = of_savedmodel(model, family, folder)
                else:
                    made = of_files(formats.write(model, Path(folder), format, quantize))
        except ZooError as error:
            yield {"family": family, "error": str(error)}
            continue
        for row in made:
            yield {"family": family, "seconds": time.perf_counter() - began, **row}


def of_savedmodel(model: AdversarialModel, family: str, folder: str) -> list[dict[str, Any]]:
    """A row for each signature of a SavedModel. Raises ZooError where it is not as the model."""
    path = savedmodel.export(model, folder, name=family, verify=False)
    size = sum(file.stat().st_size for file in Path(path).rglob("*") if file.is_file())
    largest: dict[str, float] = {}
    for name, difference in verify(path, model).items():
        signature = name.partition(" ")[0]
        largest[signature] = max(difference, largest.get(signature, 0.0))
    return [{"signature": name, "difference": value, "bytes": size} for name, value in largest.items()]


def of_files(card: dict[str, Any]) -> list[dict[str, Any]]:
    """A row for each endpoint on the card of another format."""
    kept = ("difference", "largest", "bytes")
    found = [{"signature": name} | {key: facts[key] for key in kept} for name, facts in card["files"].items()]
    return found + [{"signature": name, "error": why} for name, why in card["refused"].items()]
