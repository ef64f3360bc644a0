"""The words of texts."""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from tfgan_zoo.modalities import Text
from tfgan_zoo.modalities.text import entry, split_words


def vocabulary(texts: Iterable[str], most: int | None = None) -> list[str]:
    """The words of `texts`, the most frequent first, those of equal frequency by the alphabet; at most `most`."""
    counts = Counter(word for text in texts for word in split_words(text))
    return sorted(counts, key=lambda word: (-counts[word], word))[:most]


def known(texts: Sequence[str], kind: Text) -> dict[str, Any]:
    """How many words the texts have, how many of them the vocabulary lacks, and how many texts are cut."""
    vocabulary, words = set(kind.vocabulary), [split_words(text) for text in texts]
    flat = [word for one in words for word in one]
    return {
        "words": len(flat),
        "unknown_words": sum(entry(word, vocabulary) not in vocabulary for word in flat),
        "cut_texts": sum(len(one) > kind.shape[0] for one in words),
    }
