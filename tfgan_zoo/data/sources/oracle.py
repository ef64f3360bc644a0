"""Sentences that an oracle has written: a language model with random weights, which knows how likely each is.

The synthetic data of SeqGAN (Yu et al. 2017, https://arxiv.org/abs/1609.05473). Words are called w0, w1 ...
"""

import functools

import numpy as np
from pydantic import Field, PositiveInt

from tfgan_zoo import oracle
from tfgan_zoo.data.base import About, BaseSource, require, subset, text_key
from tfgan_zoo.data.keyed import uniform
from tfgan_zoo.data.making import Making

SPLITS = ("train", "validation", "test")


class Source(BaseSource):
    """Sentences of an oracle, all as long as the model's texts.

    Sentence i depends on the settings of the oracle and on (split, i) alone, not on `size`.
    """

    source: str = "oracle"
    size: PositiveInt = Field(10_000, description="how many sentences")
    seed: int = Field(0, ge=0, description="of the oracle's weights and of what it writes")
    words: PositiveInt = Field(5_000, description="how many words it knows")
    units: PositiveInt = Field(32, description="width of its embeddings and of its state")

    def knows(self):
        return {"vocabulary": [f"w{number}" for number in range(self.words)]}

    def splits(self):
        return list(SPLITS)

    def _open(self, making: Making, split: str):
        key = text_key(making.given)
        require(making.given, [key], "data of an oracle")
        name, places = subset(split, SPLITS, lambda name: self.size)
        own = {"seed": self.seed, "words": self.words, "units": self.units}
        length = making.given[key].shape[0] if key else 1
        texts = written(**own, length=length, split=SPLITS.index(name), first=places.start, last=places.stop)
        return {key: texts}, About(
            description=f"sentences of oracle {self.seed}, {self.words:,} words [{split}]",
            identity=["oracle", 1, own, name, places.start],
            num_examples=len(texts),
            cached_bytes=texts.nbytes,
            more={"oracle": own},
        )


@functools.lru_cache(maxsize=4)
def written(seed: int, words: int, units: int, length: int, split: int, first: int, last: int) -> np.ndarray:
    """Sentences `first` to `last` of a split: int32 (n, length). Kept, since a run opens its data several times."""
    numbers = uniform(seed, split, np.arange(first, last)[:, None], np.arange(length))
    return oracle.Oracle(seed, words, units).write(numbers)
