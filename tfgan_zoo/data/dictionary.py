"""A dictionary of two languages, from a few aligned sentences."""

from collections.abc import Sequence

from tfgan_zoo.errors import ZooError
from tfgan_zoo.modalities.text import split_words

ITERATIONS = 10  # after which the model's choices hardly change


def dictionary(there: Sequence[str], back: Sequence[str]) -> list[str]:
    """Lines "word translation", the likeliest translation of each word, by the alphabet.

    By model 1 of Brown et al. 1993 (https://aclanthology.org/J93-2003), which NLTK has.

    Args:
        there, back: equally many sentences; each translates the one at its place.

    Raises:
        ZooError: NLTK is not installed.
    """
    try:
        from nltk.translate import AlignedSent, IBMModel1
    except ImportError:
        raise ZooError("data.pairs: a dictionary is made by NLTK: pip install 'tfgan_zoo[text]'") from None
    pairs = [(split_words(one), split_words(other)) for one, other in zip(there, back, strict=True)]
    chance = IBMModel1([AlignedSent(other, one) for one, other in pairs], ITERATIONS).translation_table
    beside: dict[str, set[str]] = {}  # the words that could be meant
    for one, other in pairs:
        for word in one:
            beside.setdefault(word, set()).update(other)
    best = {word: max(sorted(others), key=lambda other: chance[other][word]) for word, others in beside.items()}
    return [f"{word} {best[word]}" for word in sorted(best)]
