"""The controls of a form: what is set, and who is told when it changes."""

import html
from collections.abc import Awaitable, Callable, Iterable
from typing import Any

from nicegui import events, ui

from tfgan_zoo.serving.elements import tagged
from tfgan_zoo.serving.forms import Control

LARGEST_FILE = 32 * 2**20
LAST_SEED = 2**53  # whole numbers beyond it are not exact in a browser


class Controls:
    """What a form holds, from what its controls begin with.

    Args:
        controls: of the form.
        changed: told the key of a control that was moved.
        refused: told why a file is not taken.

    Attributes:
        values: {key: number, text or list of numbers}; sent: {key: (the file's name, its content)}.
    """

    def __init__(
        self,
        controls: Iterable[Control],
        changed: Callable[[str], Awaitable[None]],
        refused: Callable[[str], None],
    ):
        self.changed, self.refused = changed, refused
        self.values: dict[str, Any] = {c.key: beginning(c) for c in controls if c.kind != "file"}
        self.sent: dict[str, tuple[str, bytes]] = {}

    def draw(self, control: Control) -> None:
        """The control, named for those who cannot see it."""

        async def changed(value):
            self.values[control.key] = value
            await self.changed(control.key)

        if control.kind == "menu":
            options = dict(control.choices)
            ui.select(options, value=control.start, label=control.label, on_change=lambda e: changed(e.value)).style(
                "width: 100%"
            )
        elif control.kind == "text":
            box = ui.textarea(control.label, value=control.start, on_change=lambda e: changed(e.value or ""))
            box.props("autogrow debounce=300").style("width: 100%")
        elif control.kind == "file":
            self.draw_upload(control)
        elif control.size:
            with ui.element("fieldset").style("width: 100%"):
                with ui.element("legend"):
                    ui.label(control.label)
                for place in range(control.size):
                    self.draw_number(control, f"{control.label} {place + 1}", place)
        else:
            self.draw_number(control, control.label)
        if control.hint:
            ui.label(control.hint).classes("zoo-hint")

    def draw_number(self, control: Control, label: str, place: int | None = None) -> None:
        """A slider and a box that hold the same number."""
        start = control.start

        async def changed(value):
            if value is None:  # the box is being emptied, to type another number
                return
            value = value if control.step < 1 else int(value)
            if place is None:
                self.values[control.key] = value
            else:
                self.values[control.key][place] = value
            await self.changed(control.key)

        last = LAST_SEED if control.kind == "seed" else control.high  # a seed may lie beyond the slider
        with ui.row(wrap=False).style("width: 100%; align-items: center"):
            # HTML's own slider, which the keyboard and screen readers know; Quasar's has no name where it is focused.
            limits = {"min": control.low, "max": control.high, "step": control.step}
            slider = tagged("input", type="range", value=start, aria_label=label, **limits).style("flex: 1")
            box = ui.number(label, value=start, min=control.low, max=last, step=control.step).style("width: 7rem")
        number = "(event) => emit(Number(event.target.value))"
        slider.on("input", lambda event: box.set_value(event.args), js_handler=number, throttle=0.1)

        async def typed(event):
            slider.props["value"] = event.value
            await changed(event.value)

        box.on_value_change(typed)

    def draw_upload(self, control: Control) -> None:
        """A place for a file."""

        async def came(event: events.UploadEventArguments):
            self.sent[control.key] = event.file.name, await event.file.read()
            await self.changed(control.key)

        upload = ui.upload(auto_upload=True, max_file_size=LARGEST_FILE).style("width: 100%")
        upload.on_upload(came).on_rejected(lambda: self.refused(f"a file may have {LARGEST_FILE:,} bytes"))
        upload.props["accept"] = control.accept
        # Quasar's own header has buttons without names; its list repeats what is drawn as "before".
        name = html.escape(f"Choose a file: {control.label}")
        upload.add_slot("header", f'<q-btn flat no-caps label="{name}"><q-uploader-add-trigger /></q-btn>')
        upload.add_slot("list", "<span></span>")


class Latest:
    """Does `work` with what is set now; what changes while it is done is done once more when it ends."""

    def __init__(self, work: Callable[[], Awaitable[None]]):
        self.work = work
        self._busy = self._again = False

    async def __call__(self) -> None:
        self._again = True
        if self._busy:
            return
        self._busy = True
        try:
            while self._again:
                self._again = False
                await self.work()
        finally:
            self._busy = False


def beginning(control: Control) -> Any:
    """What a control holds at first."""
    return [control.start] * control.size if control.size else control.start
