"""Texts: how likely they are to a language model, how alike they are, and how close to a true translation.

A row is a text as the numbers of its words, int (n, length), 0 behind the last word and 1 for unknown words.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import numpy as np

from tfgan_zoo import oracle as oracles
from tfgan_zoo.errors import ZooError
from tfgan_zoo.metrics.base import Metric, Rows, Value
from tfgan_zoo.metrics.maths.ngrams import KneserNey
from tfgan_zoo.metrics.maths.pairs import mean_of

UNKNOWN = 1


class Texts:
    """Keeps the texts of a side."""

    def __init__(self, dim: int | None = None):
        self._parts: list[np.ndarray] = []

    def update(self, rows: np.ndarray) -> None:
        """Add texts, int (n, length). Raises ZooError for other data."""
        rows = np.asarray(rows)
        if rows.ndim != 2 or rows.dtype.kind not in "iu" or rows.min(initial=0) < 0:
            raise ZooError(f"{rows.dtype} {rows.shape}: this metric takes texts, int (n, words) from 0.")
        if self._parts and self._parts[0].shape[1] != rows.shape[1]:
            raise ZooError(
                f"texts of {rows.shape[1]} and of {self._parts[0].shape[1]} words; give those of one length."
            )
        self._parts.append(rows.astype(np.int32))

    def merge(self, other: "Texts") -> None:
        """Add the texts of `other` after these."""
        self._parts += other._parts

    def result(self) -> np.ndarray:
        """int32 (n, length). Raises ZooError where there are no texts."""
        if not self._parts:
            raise ZooError("no data have come yet: update() first.")
        return np.concatenate(self._parts)


class OracleNll(Metric):
    """What generated texts cost the oracle whose sentences are the data: -log p a word, in nats, mean over texts.

    Yu et al. 2017, https://arxiv.org/abs/1609.05473. With the deviation over texts. It does not see whether texts
    differ from each other: read it beside `nll`, which does, and beside its floor, the oracle's own sentences.

    Args:
        oracle: its seed, words and units; the data tell them.
    """

    name = "oracle_nll"
    takes = "points"
    sides = ("fake",)
    from_data = ("oracle",)
    statistic = Texts

    def __init__(self, dim: int | None = None, *, oracle: Mapping[str, Any]):
        super().__init__(dim)
        self.oracle = dict(oracle)

    def compare(self, fake):
        return {self.name: mean_of(oracles.of(self.oracle).costs(fake))}


class Nll(Metric):
    """What held-out real texts cost the model: -log p a word, in nats, mean over texts, by its `likelihood` endpoint.

    A model that has lost what it does not generate pays here for it. With the deviation over texts.
    """

    name = "nll"
    endpoint = "likelihood"
    sides = ("fake",)
    floor = False
    statistic = Rows

    def compare(self, fake):
        if fake.shape[1] != 1:
            raise ZooError(f"{self.name}: {fake.shape[1]} numbers a row; it takes the cost of a text, one number.")
        return {self.name: mean_of(fake[:, 0])}


class SelfBleu(Metric):
    """How much generated texts repeat each other: BLEU of each against others of them, 0 to 100; by sacrebleu.

    Zhu et al. 2018, https://arxiv.org/abs/1802.01886. Low is diverse; below its floor, that of real texts, it is noise
    rather than diversity. It is the BLEU of all texts together, and grows with `references`.

    Args:
        references: other texts that each is compared with.
        texts: that are compared, the first ones; at most all.
    """

    name = "self_bleu"
    takes = "points"
    sides = ("fake",)
    statistic = Texts

    def __init__(self, dim: int | None = None, *, references: int = 100, texts: int = 500):
        if references < 1 or texts < 2:
            raise ZooError(f"references={references}, texts={texts}: give 1 or more, and 2 or more.")
        super().__init__(dim)
        self.references, self.texts = references, texts

    def used(self, fake):
        texts = min(self.texts, len(fake))
        return {**self.settings, "texts": texts, "references": min(self.references, texts - 1)}

    def compare(self, fake):
        used = self.used(fake=fake)
        texts = [spelled(row) for row in fake[: used["texts"]]]
        others = [texts[shift:] + texts[:shift] for shift in range(1, used["references"] + 1)]
        return {self.name: bleu(texts, others)}


class Bleu(Metric):
    """BLEU of texts against the true ones, 0 to 100, of all texts together; by sacrebleu.

    Papineni et al. 2002, https://aclanthology.org/P02-1040. Of words as the model knows them: small letters, without
    punctuation, cut where the model's texts end; an unknown word fits nothing. So it is comparable between models with
    equal vocabularies, and with published numbers only by its size.
    """

    name = "bleu"
    higher = ("bleu",)
    takes = "points"
    paired = True
    floor = False
    statistic = Texts

    def update(self, real=None, fake=None, *, real_labels=None, fake_labels=None) -> None:
        """Add pairs, int (n, words) of each side; labels are not looked at. Raises ZooError for unequal counts."""
        if real is None or fake is None or len(real) != len(fake):
            raise ZooError(f"{self.name} compares pairs, and got {np.shape(real)} and {np.shape(fake)}; give both.")
        self.real.update(real)
        self.fake.update(fake)

    def compare(self, real, fake):
        return {self.name: bleu([spelled(row) for row in fake], [[spelled(row, unknown="??") for row in real]])}


class ReversePerplexity(Metric):
    """How surprised a language model that has only seen generated texts is by real ones: lower is better.

    Zhao et al. 2018, https://arxiv.org/abs/1706.04223, section 6. Texts that lack what real ones have pay for it, as do
    texts that are wrong. The language model is Kneser and Ney's of three words, unlike the paper's: numbers compare
    with each other, at equal counts of samples, and with the floor, where it has seen real texts.
    """

    name = "reverse_perplexity"
    takes = "points"
    statistic = Texts

    def compare(self, real, fake):
        return {self.name: KneserNey(fake, words_of(real, fake)).perplexity(real)}


class Perplexity(Metric):
    """How surprised a language model that has seen the training texts is by generated ones; best at that of real ones.

    - perplexity: of generated texts. Below `perplexity_real` they are plainer than real ones.
    - perplexity_real: of held-out real texts.

    Here `held_out` are the training data. The language model is that of `reverse_perplexity`.
    """

    name = "perplexity"
    values = ("perplexity", "perplexity_real")
    takes = "points"
    sides = ("real", "fake", "held_out")
    floor = False  # the training texts themselves would stand for the generated ones
    statistic = Texts

    def compare(self, real, fake, held_out):
        model = KneserNey(held_out, words_of(real, fake, held_out))
        return {"perplexity": model.perplexity(fake), "perplexity_real": model.perplexity(real)}


class EmptyTexts(Metric):
    """The share of generated texts without a word; best at that of real ones, 0."""

    name = "empty_texts"
    best = MappingProxyType({"empty_texts": 0.0})
    takes = "points"
    sides = ("fake",)
    statistic = Texts

    def compare(self, fake):
        return {self.name: Value(float((fake[:, 0] == 0).mean()))}


def words_of(*sides: np.ndarray) -> int:
    """How many different words there can be in texts, the end included."""
    return 1 + max(int(side.max()) for side in sides)


def spelled(row: np.ndarray, unknown: str = "?") -> str:
    """A text as sacrebleu reads it: the numbers of its words, blanks between them."""
    return " ".join(unknown if number == UNKNOWN else str(number) for number in row[: _end(row)])


def _end(row: np.ndarray) -> int:
    """The place of the first 0; the length where there is none."""
    return int(np.argmax(row == 0)) if (row == 0).any() else len(row)


def bleu(texts: list[str], references: list[list[str]]) -> float:
    """BLEU of up to four words, 0 to 100; `references`: lists of one reference for each text.

    Raises:
        ZooError: sacrebleu is not installed.
    """
    try:
        import sacrebleu
    except ImportError:
        raise ZooError("BLEU is measured by sacrebleu: pip install 'tfgan_zoo[text]'") from None
    return sacrebleu.corpus_bleu(texts, references, tokenize="none", force=True).score
