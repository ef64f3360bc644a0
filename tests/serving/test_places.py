"""Folders of versions: an export that is killed."""

import asyncio
import os
import signal
import time

import pytest

from tfgan_zoo.serving import models, places


def whole(path):
    (path / "saved_model.pb").write_bytes(b"whole")


@pytest.mark.parametrize("moment", ["fill", "fsync", "rename"])
def test_an_export_that_is_killed_shows_nothing_and_the_next_is_whole(moment, tmp_path):
    """SIGKILL while files are written, while they go to the disk, and before the folder gets its name."""
    home, (told, tell) = tmp_path / "m", os.pipe()

    def wait(*_):
        os.write(tell, b"!")
        time.sleep(60)

    def half(path):
        (path / "saved_model.pb").write_bytes(b"half")
        if moment == "fill":
            wait()

    child = os.fork()
    if not child:  # it writes files and does nothing else that this process does
        if moment != "fill":
            setattr(os, moment, wait)
        places.publish(home, None, half)
        os._exit(0)
    os.read(told, 1)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    (left,) = home.iterdir()
    assert left.name == f".tmp-{child}" and places.versions(home) == []
    served = models.Model("m", home)
    asyncio.run(served.refresh(None))
    assert not served.versions and not served.states

    assert places.publish(home, None, whole) == home / "1"
    assert left.exists()  # for all we know it is being written on another machine
    os.utime(left, (0, 0))
    assert places.publish(home, None, whole) == home / "2" and not left.exists()
