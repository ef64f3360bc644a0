"""A gallery for the tests of the page: NiceGUI starts once in a process, so that all of them share one server."""

import pytest


@pytest.fixture(scope="session")
def gallery(tmp_path_factory):
    """The address of a server of two models with a page: `labelled`, grey, and `captioned`, in colours; both 8 x 8."""
    pytest.importorskip("nicegui", reason="no nicegui: pip install 'tfgan_zoo[ui]'")
    import toys
    from serving import served
    from serving.test_signatures import Captioned

    from tfgan_zoo.serving import savedmodel

    base, names = tmp_path_factory.mktemp("models"), [f"kind {i}" for i in range(toys.CLASSES)]
    for name, model in (("labelled", toys.Labelled()), ("captioned", Captioned())):
        savedmodel.export(toys.lively(model), base, name=name, verify=False, facts={"class_names": names})
    with served.running({name: base / name for name in ("labelled", "captioned")}, ui=True) as server:
        yield f"http://127.0.0.1:{server.port}"
