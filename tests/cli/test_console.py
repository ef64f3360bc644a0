"""What stands on the screen: bars in 80 columns, tables, lines where no bar can move."""

import re
import types

import pytest

from tfgan_zoo import callbacks, console


@pytest.fixture
def narrow(monkeypatch):
    """A terminal of 80 columns."""
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setattr(console, "live", lambda: True)


def test_a_bar_in_80_columns_shows_all_that_matters(narrow, capsys):
    bar = console.progress()
    losses = "d_loss 1.397  g_loss 0.812  gradient_penalty 0.123  512 images/s"
    task = bar.add_task("wgan_gp_fashion_mnist", total=40_000, completed=12_345, text=losses)
    bar.start()
    bar.update(task, completed=23_456)
    bar.stop()
    lines = [line for line in re.sub(r"\x1b\[[0-9?]*[a-zA-Z]", "", capsys.readouterr().err).splitlines() if line]
    assert all(len(line) <= 80 and "…" not in line for line in lines)
    assert "wgan_gp_fashion_mnist" in lines[-2] and "23456/40000" in lines[-2] and "left" in lines[-2]
    assert lines[-1].strip() == losses


class Terminal:
    """A stream that says it is a terminal."""

    def __init__(self, stream):
        self.stream = stream

    def isatty(self):
        return True

    def __getattr__(self, name):
        return getattr(self.stream, name)


def test_on_a_dumb_terminal_a_line_comes_now_and_then(monkeypatch, capsys):
    import sys

    monkeypatch.setenv("TERM", "dumb")
    monkeypatch.setattr(sys, "stderr", Terminal(sys.stderr))
    clock = callbacks.Clock(0, 100, images=64)
    progress = callbacks.Progress(clock, "dcgan_glyphs")
    progress.set_model(types.SimpleNamespace(phase=""))
    progress.on_train_begin()
    for step in range(1, 101):
        clock.step = step
        progress.on_train_batch_end(step - 1, {"d_loss": 1.5})
    progress.on_train_end()
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 20 and lines[0].startswith("dcgan_glyphs  step 5/100  d_loss 1.500")
    assert all(" images/s  left " in line for line in lines)


def test_rows_of_a_table_are_lines_where_nobody_looks_at_columns(capsys):
    console.table("facts", ("name", "value"), [("short", None), ("long", "x" * 300), ("[bold]", 3)])
    lines = capsys.readouterr().out.splitlines()
    assert [line.split() for line in lines] == [
        ["facts"],
        ["name", "value"],
        ["short"],
        ["long", "x" * 300],
        ["[bold]", "3"],
    ]
    assert all(line == line.rstrip() for line in lines)
