"""What people see: notes on stderr, tables on stdout, progress with time left."""

import io
import os
import sys
from collections.abc import Iterable, Sequence


def note(text: str) -> None:
    """One line for the person at the terminal. Where nobody reads any more (a closed pipe), the work goes on."""
    try:
        print(text, file=sys.stderr, flush=True)
    except BrokenPipeError:
        sys.stderr = open(os.devnull, "w", encoding="utf-8")


def live() -> bool:
    """Whether stderr is a terminal on which a bar can move."""
    return sys.stderr.isatty() and os.environ.get("TERM") != "dumb"


def progress(shown: bool = True, **options):
    """A display on stderr with a bar, counts and time left; nothing unless `shown` and `live`.

    A task's `text` stands below its bar, where a narrow terminal has room for it.
    """
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )
    from rich.text import Text

    class WithText(Progress):
        def get_renderables(self):
            yield self.make_tasks_table(self.tasks)
            yield from (Text(f"  {task.fields['text']}") for task in self.tasks if task.fields.get("text"))

    return WithText(
        TextColumn("{task.description}"),
        BarColumn(bar_width=None),  # what the rest leaves
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(compact=True),
        console=Console(stderr=True),
        expand=True,
        disable=not (shown and live()),
        **options,
    )


def table(title: str, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Print a table on stdout; where that is no terminal, a row is a line without blanks at its end."""
    from rich.console import Console
    from rich.table import Table

    view = Table(title=title or None, title_justify="left", box=None, pad_edge=False, header_style="bold")
    for column in columns:
        view.add_column(column, overflow="fold")
    for row in rows:
        view.add_row(*["" if value is None else str(value) for value in row])
    if sys.stdout.isatty():
        Console(markup=False, highlight=False).print(view)
        return
    text = io.StringIO()
    Console(file=text, width=10_000, markup=False, highlight=False, color_system=None).print(view)
    print("\n".join(line.rstrip() for line in text.getvalue().splitlines()))


def duration(seconds: float) -> str:
    """`42 s`, `3 min 20 s`, `5 h 12 min`, `2 d 3 h`."""
    seconds = round(seconds)
    for unit, size, smaller, small in (("d", 86400, "h", 3600), ("h", 3600, "min", 60), ("min", 60, "s", 1)):
        if seconds >= size:
            return f"{seconds // size} {unit} {seconds % size // small} {smaller}"
    return f"{seconds} s"
