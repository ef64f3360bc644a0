"""Metrics of texts, against their formulas and against counting by hand."""

import math

import numpy as np
import pytest
from helpers import untrained_run

from tfgan_zoo import verbs, zoo
from tfgan_zoo.errors import ZooError
from tfgan_zoo.evaluation import assess
from tfgan_zoo.metrics import text
from tfgan_zoo.metrics.maths.ngrams import KneserNey, sentences
from tfgan_zoo.modalities import Text
from tfgan_zoo.oracle import Oracle

RANDOM = np.random.default_rng(0)


def some(count, words=9, length=6, seed=0):
    """Texts of 1 to `length` words, more often small numbers."""
    random = np.random.default_rng(seed)
    rows = 2 + (words * random.random((count, length)) ** 2).astype(np.int32)
    ends = random.integers(1, length + 1, count)
    return np.where(np.arange(length) < ends[:, None], rows, 0)


def measured(metric, **sides):
    for parts in zip(*(np.array_split(rows, 3) for rows in sides.values())):
        metric.update(**dict(zip(sides, parts)))
    return {name: value.value for name, value in metric.result().items()}


# === Language models that count ===
def test_chances_of_the_next_word_add_to_one():
    rows = some(40)
    model = KneserNey(rows, words=12)
    for context in [(-1, -1), (-1, 2), (2, 3), (9, 9), (11, 11)]:
        assert sum(model._probability((*context, word)) for word in range(12)) == pytest.approx(1)


def test_counts_by_hand():
    """Texts "2 3" and "2 4" with their ends. Discounts: 4 of 5 grams of three words occur once, one twice: 4 / 6."""
    rows = np.array([[2, 3, 0], [2, 4, 0]])
    assert sentences(rows) == [[2, 3, 0], [2, 4, 0]]
    model = KneserNey(rows, words=5)
    # Continuations: (-, 2), (2, 3), (2, 4), (3, 0), (4, 0), each reached from one word before; of single words, 2, 3
    # and 4 are reached in one way, 0 in two.
    triples, pairs, singles = 4 / (4 + 2 * 1), 5 / (5 + 2 * 0), 3 / (3 + 2 * 1)
    assert [discount for _, discount in model.levels] == pytest.approx([triples, pairs, singles])
    alone = (1 - singles + singles * 4 / 5) / 5  # of the word 3
    after_2 = (0 + pairs * 2 * alone) / 2
    assert model._probability((-1, 2, 3)) == pytest.approx((1 - triples + triples * 2 * after_2) / 2)


def test_perplexities():
    real, alike, other = some(400), some(400, seed=1), some(400, words=3, seed=2)
    assert KneserNey(real, 12).perplexity(real) < KneserNey(real, 12).perplexity(alike)
    reverse = [
        measured(text.ReversePerplexity(), real=real, fake=fake)["reverse_perplexity"] for fake in (alike, other)
    ]
    assert reverse[0] < reverse[1]  # texts of three words tell nothing of the other words
    forward = [measured(text.Perplexity(), real=alike, fake=fake, held_out=real) for fake in (some(400, seed=3), other)]
    assert forward[1]["perplexity"] < forward[0]["perplexity"]  # but they are likely themselves
    assert forward[0]["perplexity"] == pytest.approx(forward[0]["perplexity_real"], rel=0.1)
    one = np.full((5, 2), 3)
    assert KneserNey(one, 4).perplexity(one) < 1.5 < math.inf


# === BLEU ===
def test_bleu_of_the_same_and_of_parts():
    real = some(50, length=9, seed=4)
    assert measured(text.Bleu(), real=real, fake=real)["bleu"] == pytest.approx(100)
    # Four words of five, in order: precisions 4/4, 3/3, 2/2, 1/1, brevity exp(1 - 5/4).
    found = measured(text.Bleu(), real=np.array(3 * [[2, 3, 4, 5, 6]]), fake=np.array(3 * [[2, 3, 4, 5, 0]]))
    assert found["bleu"] == pytest.approx(100 * math.exp(1 - 5 / 4))


def test_unknown_words_fit_nothing():
    rows = np.array(4 * [[2, 3, 4, 5, 1, 6, 7, 8, 9]])
    assert measured(text.Bleu(), real=rows, fake=rows)["bleu"] < 90


def test_sides_of_bleu_may_be_of_other_lengths_but_not_of_other_counts():
    metric = text.Bleu()
    metric.update(real=np.array([[2, 3, 4, 5, 0, 0]]), fake=np.array([[2, 3, 4, 5]]))
    assert metric.result()["bleu"].value == pytest.approx(100)
    with pytest.raises(ZooError, match="compares pairs"):
        metric.update(real=np.ones((2, 3), int), fake=np.ones((1, 3), int))


def test_texts_that_repeat_each_other():
    alike, diverse = np.tile(some(1, length=8, seed=6), (20, 1)), some(20, words=500, length=8, seed=5)
    alike[:, :5] = [2, 3, 4, 5, 6]
    assert measured(text.SelfBleu(), fake=alike)["self_bleu"] == pytest.approx(100)
    assert measured(text.SelfBleu(), fake=diverse)["self_bleu"] < 10
    rows = some(60, length=8, seed=7)
    few, many = (measured(text.SelfBleu(references=count), fake=rows)["self_bleu"] for count in (2, 40))
    assert few < many
    assert text.SelfBleu().used(fake=rows) == {"references": 59, "texts": 60}


# === Likelihoods ===
def test_the_oracle_judges_its_own_sentences_better_than_noise():
    oracle = {"seed": 1, "words": 30, "units": 8}
    own = Oracle(**oracle).write(RANDOM.random((200, 5)))
    noise = RANDOM.integers(2, 32, (200, 5))
    costs = [measured(text.OracleNll(oracle=oracle), fake=rows)["oracle_nll"] for rows in (own, noise)]
    assert costs[0] == pytest.approx(Oracle(**oracle).costs(own).mean())
    assert costs[0] < math.log(30) < costs[1]


def test_costs_are_averaged():
    assert measured(text.Nll(), fake=np.array([[1.0], [2.0], [6.0]], np.float32)) == {"nll": 3.0}
    with pytest.raises(ZooError, match="takes the cost of a text"):
        measured(text.Nll(), fake=np.ones((3, 2), np.float32))


def test_empty_texts_are_counted():
    assert measured(text.EmptyTexts(), fake=np.array([[0, 0], [2, 0], [3, 1], [0, 0]])) == {"empty_texts": 0.5}


@pytest.mark.parametrize("rows", [np.zeros((2, 3), np.float32), np.zeros(4, int), np.full((1, 2), -1)])
def test_other_data_are_refused(rows):
    with pytest.raises(ZooError, match="takes texts"):
        text.EmptyTexts().update(fake=rows)
    metric = text.EmptyTexts()
    metric.update(fake=np.ones((1, 2), int))
    with pytest.raises(ZooError, match="of one length"):
        metric.update(fake=np.ones((1, 3), int))


# === Asked of a model ===
def test_a_run_is_measured_with_floors(tmp_path):
    words = '["a", "b", "c", "d", "e"]'
    settings = ["data.source=oracle", "data.words=5", "data.size=40", f"model.vocabulary={words}"]
    path = untrained_run(tmp_path / "run", "seqgan_oracle", *settings)
    names = ["oracle_nll", "nll", "self_bleu", "perplexity", "reverse_perplexity"]
    found = {result.metric: result for result in verbs.evaluate(path, metrics=names, samples=20)}
    assert found["oracle_nll"].floor < found["oracle_nll"].value
    assert found["oracle_nll"].settings == {"oracle": {"seed": 0, "words": 5, "units": 32}}
    assert found["reverse_perplexity"].floor and found["perplexity_real"].value
    assert found["nll@likelihood"].samples == 20


def test_bleu_is_asked_of_the_endpoint_that_has_a_true_answer(tmp_path):
    path = untrained_run(tmp_path / "run", "arae_multi30k")
    (result,) = verbs.evaluate(path, metrics=["bleu"], samples=8)
    assert result.metric == "bleu" and 0 <= result.value < 100
    with pytest.raises(ZooError, match="answers no text that the data hold"):
        assess.restoring(zoo.build("dcgan_glyphs", filters=4), "bleu", Text)
