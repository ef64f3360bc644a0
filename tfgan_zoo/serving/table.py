"""Every family, tiny and untrained, exported and compared with its model: does the zoo as a whole serve?"""

import tempfile
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from tfgan_zoo import config, index, zoo
from tfgan_zoo.errors import ZooError
from tfgan_zoo.serving import savedmodel
from tfgan_zoo.serving.verify import verify


def rows(families: Iterable[str]) -> Iterator[dict[str, Any]]:
    """A row for each signature of each family's first preset at smoke size, compared in a process without Keras.

    Keys: `family`, `signature`, `difference` (the largest), `seconds` and `bytes` of the family's whole export; of a
    family that cannot be exported `family` and `error`.
    """
    presets = index.first_presets()
    for family in families:
        began = time.perf_counter()
        try:
            model = zoo.build(config.load(presets[family], smoke=True))
            with tempfile.TemporaryDirectory() as folder:
                path = savedmodel.export(model, folder, name=family, verify=False)
                size = sum(file.stat().st_size for file in Path(path).rglob("*") if file.is_file())
                found = verify(path, model)
        except ZooError as error:
            yield {"family": family, "error": str(error)}
            continue
        facts = {"seconds": time.perf_counter() - began, "bytes": size}
        for signature in dict.fromkeys(name.partition(" ")[0] for name in found):
            largest = max(value for name, value in found.items() if name.partition(" ")[0] == signature)
            yield {"family": family, "signature": signature, "difference": largest, **facts}
