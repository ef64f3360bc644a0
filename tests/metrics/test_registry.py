"""Metrics by name: what a name asks for, and that every metric tells the same things about itself."""

import ast
import inspect
import itertools
from pathlib import Path

import numpy as np
import pytest

from tfgan_zoo import metrics as package
from tfgan_zoo.errors import ZooError
from tfgan_zoo.metrics import registry

TAKES = {"features", "logits", "channel_logits", "images", "points"}


@pytest.mark.parametrize("metric", registry.metrics().values(), ids=registry.metrics())
def test_a_metric_tells_what_its_numbers_are(metric):
    assert metric.values and len(set(metric.values)) == len(metric.values)
    assert set(metric.higher) <= set(metric.values) and set(metric.best) <= set(metric.values)
    assert not set(metric.higher) & set(metric.best)
    assert metric.takes in TAKES and set(metric.sides) <= {"real", "fake", "held_out"}
    assert set(metric.labelled) <= set(metric.sides)
    assert inspect.getdoc(metric) and inspect.getdoc(metric) != inspect.getdoc(metric.__base__)


def test_values_have_one_metric_each():
    values = [value for metric in registry.metrics().values() for value in metric.values]
    assert len(values) == len(set(values))


@pytest.mark.parametrize("path", sorted(Path(package.__path__[0]).rglob("*.py")), ids=lambda path: path.stem)
def test_nothing_is_written_twice(path):
    """No attribute of a class is set twice, no statement is repeated in the next line."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        body = getattr(node, "body", None)
        if not isinstance(body, list):
            continue
        written = [ast.unparse(statement) for statement in body]
        twice = [one for one, after in itertools.pairwise(written) if one == after]
        assert not twice, f"{path.name}: {twice[0]}"
        if isinstance(node, ast.ClassDef):
            names = [
                target.id
                for statement in body
                if isinstance(statement, ast.Assign)
                for target in statement.targets
                if isinstance(target, ast.Name)
            ]
            assert len(names) == len(set(names)), f"{path.name}: {node.name} sets {sorted(names)}"


@pytest.mark.parametrize(
    "text, name, extractor, tap, label",
    [
        ("fid", "fd", "inception_2015", "2048", "fid"),
        ("fid768", "fd", "inception_2015", "768", "fid768"),
        ("kid64", "kid", "inception_2015", "64", "kid64"),
        ("fd_mnist", "fd", "mnist_cnn", None, "fd_mnist"),
        ("fd@random_conv", "fd", "random_conv", None, "fd@random_conv"),
        ("fd@raw", "fd", "raw", None, "fd@raw"),
        ("recall@my.keras:last", "prdc", "my.keras", "last", "recall@my.keras"),
        ("is", "score", "inception_2015", None, "is"),
        ("psnr", "psnr", None, None, "psnr"),
        ("modes", "mixture", None, None, "modes"),
        ("parzen", "parzen", "pixels", None, "parzen"),
    ],
)
def test_names(text, name, extractor, tap, label):
    choice = registry.parse(text)
    assert (choice.metric.name, choice.extractor, choice.tap) == (name, extractor, tap)
    tap = tap or (registry.WIDEST[1] if extractor == registry.INCEPTION else None)
    assert registry.label(choice.values[0], choice.metric, extractor, tap) == label


@pytest.mark.parametrize(
    "text, message",
    [
        ("fd_mnst", "did you mean 'fd_mnist'"),
        ("fid_mnist", "only Inception's features make it fid; write fd_mnist"),
        ("is@random_conv", "write score@random_conv"),
        ("psnr@pixels", "psnr is of the data themselves; write psnr"),
        ("score768", "of a classifier's logits"),
    ],
)
def test_names_that_are_none(text, message):
    with pytest.raises(ZooError, match=message) as caught:
        registry.parse(text)
    assert "\n" not in str(caught.value)


def test_a_metric_of_pictures_at_something_is_of_an_endpoint():
    assert all(map(registry.of_endpoint, ("psnr@upscale", "ssim@restore", "swd@upscale", "auroc@score")))
    assert not any(map(registry.of_endpoint, ("psnr", "fd@upscale", "ppl@random_conv", "nothing@upscale")))


def test_a_list_of_names_tells_whether_labels_are_needed():
    assert registry.labelled(["fd_mnist", "accuracy_mnist"]) and registry.labelled(["knn_accuracy@encode"])
    assert not registry.labelled(["fd_mnist", "psnr@upscale"])


ROWS = np.random.default_rng(0).normal(size=(40, 3)).astype(np.float32)
PICTURES = np.random.default_rng(0).integers(0, 256, (9, 16, 16, 1)).astype(np.uint8)


@pytest.mark.parametrize(
    "name, settings, sides, used",
    [
        ("kid", {}, {"real": ROWS, "fake": ROWS[:30]}, {"subset_size": 30, "subsets": 100}),
        ("kid", {}, {"real": ROWS, "fake": ROWS}, {"subset_size": 40, "subsets": 1}),
        ("kid", {"subset_size": 20}, {"real": ROWS, "fake": ROWS}, {"subset_size": 20, "subsets": 100}),
        ("ms_ssim", {}, {"fake": (PICTURES, None)}, {"pairs": 4}),
        ("ms_ssim", {"pairs": 2}, {"fake": (PICTURES, None)}, {"pairs": 2}),
        ("intra_ms_ssim", {}, {"fake": (PICTURES, np.array([0] * 6 + [1] * 3))}, {"pairs": 1}),
        ("swd", {}, {"real": (PICTURES, None), "fake": (PICTURES[:5], None)}, {"images": 5}),
        ("parzen", {}, {"real": ROWS, "fake": ROWS, "held_out": ROWS[:7]}, {"validation": 7}),
        ("prdc", {}, {"real": ROWS, "fake": ROWS}, {"k_pr": 3, "k_dc": 5}),
    ],
)
def test_settings_say_what_was_used(name, settings, sides, used):
    metric = registry.metrics()[name](**settings)
    found = metric.used(**sides)
    assert found.keys() == metric.settings.keys() and used.items() <= found.items()
    assert all(type(value) in (int, float, str, list) for value in found.values())  # as JSON has them
