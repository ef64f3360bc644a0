"""The rank of the picture that belongs to a text, against its formula, and asked of models."""

import numpy as np
import pytest
from helpers import run

from tfgan_zoo import config, images, verbs, zoo
from tfgan_zoo.errors import ZooError
from tfgan_zoo.evaluation import Protocol, asked_for, assess
from tfgan_zoo.families.dcgan import DCGAN
from tfgan_zoo.metrics.retrieval import Retrieval

RANDOM = np.random.default_rng(0)


def measured(rows, **settings):
    metric = Retrieval(**settings)
    for part in np.array_split(rows.astype(np.float32), 3):
        metric.update(fake=part)
    return {name: value.value for name, value in metric.result().items()}


def test_the_formula_row_by_row():
    texts, pictures = RANDOM.normal(size=(2, 30, 5))
    pictures = texts + 0.7 * pictures
    ranks = []
    for text, own in zip(texts, pictures):
        fits = sorted((float(text @ picture) for picture in pictures), reverse=True)
        ranks.append(1 + next(place for place, fit in enumerate(fits) if np.isclose(fit, text @ own)))
    found = measured(np.concatenate([texts, pictures], axis=1), candidates=30)
    assert found["retrieval"] == pytest.approx(np.mean(1 / np.array(ranks)), rel=1e-6)
    assert found["retrieval_first"] == pytest.approx(np.mean(np.array(ranks) == 1))
    assert 0.2 < found["retrieval"] < 0.9


def test_codes_that_fit_are_first_and_chance_is_the_harmonic_mean():
    codes = RANDOM.normal(size=(1000, 8))
    codes /= np.linalg.norm(codes, axis=1, keepdims=True)
    assert measured(np.concatenate([codes, codes], axis=1)) == {"retrieval": 1.0, "retrieval_first": 1.0}
    chance = np.mean(1 / np.arange(1, 101))
    unrelated = np.concatenate([codes, RANDOM.permutation(codes)], axis=1)
    assert measured(unrelated)["retrieval"] == pytest.approx(chance, abs=0.02)
    collapsed = np.concatenate([codes, np.repeat(codes[:1], 1000, 0)], axis=1)  # one picture for all texts
    found = measured(collapsed)
    assert found["retrieval"] == pytest.approx(1 / 50.5) and found["retrieval_first"] == 0


def test_groups_are_as_large_as_is_said_and_fewer_rows_make_one():
    codes = RANDOM.normal(size=(25, 8))
    rows = np.concatenate([codes, codes], axis=1).astype(np.float32)
    assert len(Retrieval(candidates=10).ranks(rows)) == 20
    assert len(Retrieval().ranks(rows)) == 25 and Retrieval().used(fake=rows)["candidates"] == 25
    with pytest.raises(ZooError, match="rows of 15 numbers"):
        Retrieval().ranks(rows[:, :15])
    with pytest.raises(ZooError, match="candidates=1: give 2 or more"):
        Retrieval(candidates=1)


# === Asked of models ===
@pytest.fixture
def captioned(tmp_path, monkeypatch):
    """A folder of pictures with texts, 12 of them held out, and an experiment on it."""
    monkeypatch.setenv("TFGAN_ZOO_CACHE", str(tmp_path / "cache"))
    for number in range(24):
        images.save_image(tmp_path / "p" / f"{number:02d}.png", RANDOM.integers(0, 256, (8, 8, 3)).astype(np.uint8))
        (tmp_path / "p" / f"{number:02d}.txt").write_text(f"{'red' if number % 2 else 'green'} thing {number}")
    small = ["model.image_shape=[16, 16, 3]", "model.filters=4", "model.code_dim=8", "model.text_dim=4"]
    data = [f"data.path={tmp_path / 'p'}", "data.hold_out={share=0.5, by='text'}", "evaluate.metrics=['retrieval']"]
    return config.load("gan_cls_emoji", [*small, *data])


def results_of(model, experiment, **protocol):
    return assess.assess(model, experiment, "tiny", Protocol(**protocol), options={"data_dir": None, "download": False})


def test_a_model_of_texts_is_asked_for_its_pictures_of_held_out_texts(captioned):
    model = zoo.build(captioned)
    results = results_of(model, captioned, samples=12)
    assert [result.metric for result in results] == ["retrieval@match", "retrieval_first@match"]
    assert results[0].settings["candidates"] == results[0].samples and 0 < results[0].value <= 1
    (data,) = results_of(model, captioned, metrics=("retrieval@match_data",))[:1]
    assert data.metric == "retrieval@match_data"


def test_what_has_no_texts_is_refused_in_one_line(captioned, tmp_path):
    with pytest.raises(ZooError, match="unknown endpoint 'match'") as caught:
        verbs.evaluate(DCGAN((8, 8, 3), filters=2), metrics="retrieval")
    assert "\n" not in str(caught.value)
    with pytest.raises(ZooError, match="'retrieval': is of a model's answers"):
        asked_for(Protocol("retrieval"))
    done = run("evaluate", tmp_path / "p", tmp_path / "p", "--metrics", "retrieval")
    assert done.exit_code == 2 and "of a model's answers" in done.stderr
