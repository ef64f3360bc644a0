"""A language model that counts: Kneser and Ney's, of three words, interpolated."""

import math
from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable, Sequence

import numpy as np

START = -1  # stands before the first word


def sentences(rows: np.ndarray) -> list[list[int]]:
    """int (n, length), 0 behind the last word -> the words of each row, with the first 0 where there is one."""
    found = []
    for row in np.asarray(rows).tolist():
        end = row.index(0) + 1 if 0 in row else len(row)
        found.append(row[:end])
    return found


class KneserNey:
    """p(word | the two before it), of counts less a discount; what is taken off goes to shorter contexts.

    Chen, Goodman 1999 (https://doi.org/10.1006/csla.1999.0128), section 2.8, with one discount n1 / (n1 + 2 n2) for
    each order. The shortest context shares with all `words` alike, so nothing is impossible.

    Args:
        rows: int (n, length), the texts to count.
        words: how many different words, with the end, there are.
        order: words that are looked at together.
    """

    def __init__(self, rows: np.ndarray, words: int, order: int = 3):
        self.words, self.order = words, order
        grams = Counter(_grams(sentences(rows), order))
        self.levels = []  # from the longest context to none: (counts by context, discount)
        for _ in range(order):
            self.levels.append(_level(grams))
            # Shorter contexts count in how many ways a word is reached, not how often.
            grams = Counter(gram[1:] for gram in grams)

    def log_probabilities(self, rows: np.ndarray) -> np.ndarray:
        """log p of every word of the texts, the ends included: float64 (words in all,)."""
        found: dict[Hashable, float] = {}
        made = []
        for gram in _grams(sentences(rows), self.order):
            if gram not in found:
                found[gram] = math.log(self._probability(gram))
            made.append(found[gram])
        return np.array(made)

    def perplexity(self, rows: np.ndarray) -> float:
        """exp of the mean cost of a word of the texts."""
        return float(np.exp(-self.log_probabilities(rows).mean()))

    def _probability(self, gram: tuple[int, ...]) -> float:
        p = 1 / self.words
        for level in range(self.order - 1, -1, -1):  # from no context to the longest
            contexts, discount = self.levels[level]
            *context, word = gram[level:]
            counts = contexts.get(tuple(context))
            if counts:
                total = counts["total"]
                p = (max(counts.get(word, 0) - discount, 0) + discount * (len(counts) - 1) * p) / total
        return p


def _grams(texts: Iterable[Sequence[int]], order: int):
    """Every word with those before it, `order` in all."""
    for text in texts:
        padded = [START] * (order - 1) + list(text)
        for place in range(len(text)):
            yield tuple(padded[place : place + order])


def _level(grams: Counter) -> tuple[dict[tuple, dict], float]:
    """({context: {word: count, "total": their sum}}, the discount) of one order."""
    contexts: dict[tuple, dict] = defaultdict(lambda: {"total": 0})
    for (*context, word), count in grams.items():
        counts = contexts[tuple(context)]
        counts[word] = counts.get(word, 0) + count
        counts["total"] += count
    once, twice = (sum(count == times for count in grams.values()) for times in (1, 2))
    return dict(contexts), once / (once + 2 * twice) if once else 0.5
