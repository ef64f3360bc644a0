"""Studies with people: the page in a headless browser, and the rates of its answers."""

import json
import re

import browser
import helpers
import numpy as np
import pytest
import scipy.stats
import toys
from PIL import Image as Picture

from tfgan_zoo import verbs
from tfgan_zoo.errors import ZooError
from tfgan_zoo.evaluation import study


@pytest.fixture
def folders(tmp_path):
    """A folder of dark pictures and one of light ones, 30 each."""
    for name, level in (("dark", 10), ("light", 200)):
        (tmp_path / name).mkdir()
        for i in range(30):
            Picture.fromarray(np.full((8, 8), level + i, np.uint8)).save(tmp_path / name / f"{i:02}.png")
    return tmp_path


def of_page(path):
    """The study that a page holds."""
    text = re.search(r'<script type="application/json" id="study">(.*?)</script>', path.read_text(), re.DOTALL)[1]
    return json.loads(text)


@pytest.mark.parametrize("form", study.FORMS)
def test_a_page_holds_as_many_of_both_in_an_order_that_the_seed_decides(folders, form):
    def made(seed):
        path = verbs.study(
            folders / "dark", folders / "light", folders / "p.html", form=form, trials=16, practice=4, seed=seed
        )
        return of_page(path)

    first = made(0)
    truths = [trial["truth"] for trial in first["trials"]]
    assert len(truths) == 20 and truths.count(truths[0]) == 10
    assert all(len(trial["pictures"]) == (2 if form == "pairs" else 1) for trial in first["trials"])
    pictures = [picture for trial in first["trials"] for picture in trial["pictures"]]
    assert len(set(pictures)) == len(pictures)  # nothing is shown twice
    assert made(0) == first and made(1)["study"] != first["study"]
    assert "http" not in study.PAGE.read_text()  # nothing is fetched


def test_models_are_asked_by_seed(folders):
    path = verbs.study(toys.MODELS["labelled"](), folders / "light", folders / "p.html", trials=4, practice=0)
    assert [trial["truth"] for trial in of_page(path)["trials"]].count("made") == 2


def test_the_page_from_the_first_picture_to_the_rates(folders):
    with browser.opened() as page:
        for form in study.FORMS:
            answered(page, folders, form)
        assert page.hosts == {""} and page.troubles == []


def answered(page, folders, form):
    """Write a study, answer it in the browser and look at the rates."""
    command = [
        "evaluate",
        "--study",
        folders / "dark",
        "--against",
        folders / "light",
        "--num",
        6,
        "--study-form",
        form,
    ]
    done = helpers.run(*command, "--study-seconds", 0.01, "--page", folders / "p.html")
    assert done.exit_code == 0, done.output
    trials = of_page(folders / "p.html")["trials"]
    page.goto((folders / "p.html").as_uri())
    page.get_by_role("button", name="Start").click()
    for place, trial in enumerate(trials):  # right for practice and twice, then always "1"
        right = "1" if trial["truth"] in ("real", "left") else "2"
        page.get_by_text(f"{place + 1} of {len(trials)}").wait_for()
        page.get_by_role("button", name="1: ").wait_for()
        assert page.locator("#pictures img").count() == 0  # it was seen for its time
        assert browser.unnamed(page) == []
        page.keyboard.press(right if place < 12 else "1")
    page.get_by_label("Your name").fill("7")
    with page.expect_download() as saved:
        page.get_by_role("button", name="Save").click()
    saved.value.save_as(folders / form / "7.json")
    facts, rates = study.results([folders / form])
    assert (facts["form"], facts["people"]) == (form, 1)
    hits = 2 + sum(trial["truth"] in ("real", "left") for trial in trials[12:])
    assert (rates[-1].what, rates[-1].count, rates[-1].of) == ("right", hits, 6)
    shown = helpers.run("evaluate", "--study-results", folders / form)
    assert shown.exit_code == 0 and f"{hits} of 6" in shown.output


def test_rates_and_their_intervals():
    for k, n in ((0, 10), (3, 40), (40, 40)):
        found = study.rate("x", [True] * k + [False] * (n - k))
        wanted = scipy.stats.binomtest(k, n).proportion_ci(method="wilson")
        np.testing.assert_allclose([found.value, found.low, found.high], [k / n, wanted.low, wanted.high], atol=1e-12)


def test_what_is_refused(folders):
    def saved(name, **changes):
        answers = [{"truth": "made", "answer": "real", "practice": False}]
        text = json.dumps({"study": "a", "form": "single", "answers": answers} | changes)
        (folders / name).write_text(text)
        return folders / name

    for paths, says in (
        ([saved("a.json"), saved("b.json", study="b")], "is of study b, the others of a"),
        ([saved("c.json", form="other")], "holds no answers of a study"),
        ([saved("d.json", answers=[{"truth": "made", "answer": "<b>"}])], "holds no answers of a study"),
        ([saved("e.json", answers=[])], "none|no answers"),
        ([folders / "missing.json"], "cannot be read"),
        ([folders / "dark"], "holds no answers"),
    ):
        with pytest.raises(ZooError, match=says) as error:
            study.results(paths)
        helpers.one_line(error)
    with pytest.raises(ZooError, match="has 30 pictures where the study shows 50"):
        verbs.study(folders / "dark", folders / "light", folders / "p.html", form="pairs")
    assert "needs real pictures" in helpers.refused("evaluate", "--study", folders / "dark")
