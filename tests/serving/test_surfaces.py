"""The manifold of a served version is that of its model; edits with it, and the queue in which they wait."""

import asyncio
import threading
import time

import numpy as np
import pytest
import tensorflow as tf
import toys
from serving.test_signatures import Captioned

from tfgan_zoo import manifold
from tfgan_zoo.adversarial import AdversarialModel
from tfgan_zoo.endpoints import Endpoint, Noise
from tfgan_zoo.errors import ZooError
from tfgan_zoo.serving import edits, forms, savedmodel, surfaces
from tfgan_zoo.serving.models import Version
from tfgan_zoo.serving.refusals import Refused
from tfgan_zoo.serving.service import Service
from tfgan_zoo.serving.settings import Settings


class Bounded(toys.Labelled):
    """Noise in [0, 1]."""

    @property
    def endpoints(self):
        generate = super().endpoints["generate"]
        inputs = {**generate.inputs, "z": Noise((self.latent_dim,), 0.0, 1.0)}
        return {"generate": Endpoint(inputs, generate.output, generate.networks)}

    def latents(self, count):
        return {"z": self.noise.uniform((count, self.latent_dim))}


MODELS = {"dcgan": toys.MODELS["dcgan"], "bounded": Bounded, "captioned": Captioned, "points": toys.MODELS["points"]}


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    """{name: (the model, its version)}"""
    base, found = tmp_path_factory.mktemp("models"), {}
    for name, make in MODELS.items():
        model: AdversarialModel = toys.lively(make())
        found[name] = model, Version(name, savedmodel.export(model, base, name=name, verify=False))
    return found


@pytest.mark.parametrize(
    "name, given, stored",
    [
        ("dcgan", {}, {}),
        ("bounded", {"label": 3}, {"label": 3}),
        ("captioned", {"text": "red cat"}, {"text": "red cat"}),
    ],
)
def test_a_served_surface_is_the_manifold_of_the_model(served, name, given, stored):
    model, version = served[name]
    assert forms.edited(version.signatures, version.facts)
    if "text" in stored:
        stored = {"text": model.endpoints["generate"].inputs["text"].encode([stored["text"]])[0]}
    here, there = manifold.Manifold(model, **stored), surfaces.ServedSurface(version, given)
    assert here.noise == there.noise and here.kind == there.kind
    codes = here.codes([3, 2**40])
    np.testing.assert_allclose(there.codes([3, 2**40]), codes, atol=1e-5)
    assert np.abs(here.pictures(codes).astype(int) - there.pictures(codes)).max() <= 1
    wanted = here.pictures(here.codes([7]))
    settings = {"steps": 5, "pool": 8, "starts": 2}
    found = [surface.project(wanted, "optimise", **settings).errors[0] for surface in (here, there)]
    np.testing.assert_allclose(found[1], found[0], rtol=1e-2, atol=1e-5)


def test_an_edit_goes_from_the_picture_to_what_is_drawn(served):
    _, version = served["dcgan"]
    surface = surfaces.ServedSurface(version, {})
    start, picture = surfaces.begun(surface, 5)
    np.testing.assert_array_equal(picture, surface.pictures(surface.codes([5]))[0])
    other = surface.pictures(surface.codes([8]))[0]
    near, found = surfaces.begun(surface, 8, other)  # of the pool, whose first seed it is
    assert np.abs(found.astype(int) - other).mean() < 2 and near.shape == start.shape
    mark = edits.boxed("colour", (0, 0, 8, 8), (0, 0), "#ffffff", picture.shape)
    edit = surfaces.edited(surface, start, [mark], keep=0.1)
    assert edit.costs["Colour"][1] < 0.7 * edit.costs["Colour"][0]
    np.testing.assert_array_equal(edit.strip[0], picture)
    far_from_white = [((255 - end[:8, :8].astype(float)) ** 2).mean() / 127.5**2 for end in (picture, edit.picture)]
    np.testing.assert_allclose(edit.costs["Colour"], far_from_white, rtol=0.02)
    assert len(edit.strip) == 8
    held = surfaces.edited(surface, start, [mark], keep=1000.0)
    assert np.abs(held.code - start).mean() < np.abs(edit.code - start).mean() / 4
    with pytest.raises(ZooError, match="nothing is drawn"):
        surfaces.edited(surface, start, [])
    surface.generated = lambda latents: tf.fill((1, 16, 16, 1), np.nan)
    with pytest.raises(ZooError, match="no numbers here"):
        surfaces.begun(surface, 5)


def test_who_cannot_be_edited(served):
    _, version = served["points"]
    assert forms.edited(version.signatures, version.facts) is None
    _, version = served["bounded"]
    facts = version.facts
    assert [c.key for c in forms.edited(version.signatures, facts).controls] == ["seed", "label", forms.PICTURE]
    generate = facts["endpoints"]["generate"]

    def without(**changes):
        return {"endpoints": {"generate": generate | changes}}

    noise = generate["inputs"]["z"]
    unbounded = without(inputs=generate["inputs"] | {"z": {"kind": "Noise", "shape": noise["shape"]}})
    assert forms.edited(version.signatures, unbounded)  # of an export that tells no bounds
    assert surfaces.ServedSurface(version, {"label": 0}).noise["z"].low == 0.0
    for other in (
        {},
        {"endpoints": {}},
        without(output={"kind": "Image", "shape": [None, None, 3]}),
        without(output={"kind": "Mask", "shape": [8, 8, 1]}),
        without(inputs={"label": generate["inputs"]["label"]}),
        without(inputs=generate["inputs"] | {"z": noise | {"shape": [None, 4]}}),
        without(inputs=generate["inputs"] | {"other": noise}),
    ):
        assert forms.edited(version.signatures, other) is None
    few = {name: signature for name, signature in version.signatures.items() if name != "latents"}
    assert forms.edited(few, facts) is None
    with pytest.raises(ZooError, match="must be a whole number from 0 to 4"):
        surfaces.ServedSurface(version, {"label": 9})


def test_a_descent_for_which_nobody_waits_ends(served):
    surface = surfaces.ServedSurface(served["dcgan"][1], {}, time.time() + 0.5)
    start = surface.codes([0]).numpy()[0]
    began = time.perf_counter()
    with pytest.raises(Exception, match="no time is left"):
        surface.edit(start, [manifold.colour(np.zeros((16, 16, 1)), np.ones((16, 16)))], steps=10_000_000)
    assert time.perf_counter() - began < 20


# === The queue ===
class Asked:
    """A service, and a version of which nothing but tasks is asked."""

    def __init__(self, **settings):
        models = type("Models", (), {"by_name": {}})()
        self.service, self.version = Service(models, Settings(**settings)), type("V", (), {"batchers": {}})()

    def work(self, *tasks):
        async def together():
            return await asyncio.gather(
                *[self.service.work(self.version, task) for task in tasks], return_exceptions=True
            )

        return asyncio.run(together())


def test_tasks_of_a_version_are_done_one_at_a_time():
    running, most = [], []

    def task(until):
        running.append(1)
        most.append(len(running))
        time.sleep(0.05)
        running.pop()
        return until - time.time(), threading.current_thread().name

    found = Asked().work(task, task, task)
    assert most == [1, 1, 1]
    assert all(25 < left <= 30 and name.startswith("model") for left, name in found)


def test_tasks_are_refused_as_requests_are():
    def slow(until):
        time.sleep(0.4)

    def wrong(until):
        raise ZooError("nothing is drawn yet")

    refused = Asked().work(wrong)[0]
    assert isinstance(refused, Refused) and (refused.code, refused.message) == (
        "INVALID_ARGUMENT",
        "nothing is drawn yet",
    )
    assert Asked(timeout=0.1).work(slow)[0].code == "DEADLINE_EXCEEDED"
    answers = Asked(queue=1).work(slow, slow)
    assert answers[0] is None and answers[1].code == "RESOURCE_EXHAUSTED"
