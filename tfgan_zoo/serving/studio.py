"""The tab "Edit" of a model's page: iGAN's brushes on a picture, and the way from the picture to its edit.

What is computed is asked of `surfaces`, within the limits of the server; what is drawn is understood by `edits`.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from nicegui import ui

from tfgan_zoo import images
from tfgan_zoo.errors import ZooError
from tfgan_zoo.serving import edits, surfaces
from tfgan_zoo.serving.controls import Controls, Latest
from tfgan_zoo.serving.easel import Easel
from tfgan_zoo.serving.elements import as_png, button, data_url, draw_picture, heading, tagged
from tfgan_zoo.serving.forms import PICTURE, Control, Question
from tfgan_zoo.serving.refusals import Refused
from tfgan_zoo.serving.service import Service
from tfgan_zoo.serving.surfaces import ServedSurface

SCREEN = 1000  # of the strip
STYLE = """
.zoo-edited img { image-rendering: pixelated; max-width: 100%; } .zoo-edited figure { margin: 0; }
.zoo-form summary { cursor: pointer; display: list-item; } .zoo-form summary > div { display: inline; }
.zoo-tools label { display: inline-flex; gap: .3rem; align-items: center; margin-right: .8rem; }
.zoo-form fieldset { border: 1px solid #ccc; border-radius: 4px; margin: 0 0 .6rem; width: 100%; }
"""
FIELDS = ("Top", "Left", "Height", "Width", "Move down", "Move right")


class Studio:
    """A picture to draw on and its edit, drawn where it is made.

    Args:
        name: of the model.
        question: from `forms.edited`: how an edit begins.
    """

    def __init__(self, service: Service, name: str, question: Question):
        self.service, self.name, self.question = service, name, question
        self.shape = question.kind.shape
        side = max(self.shape[:2])
        self.sizes = {"colour": max(2, side // 7), "sketch": max(1, side // 28), "warp": max(2, side // 4)}
        self.sizes["erase"] = self.sizes["colour"]
        self.tool, self.colour, self.at_once = "colour", "#ffffff" if self.shape[2] == 1 else "#ff0000", False
        self.box = dict.fromkeys(FIELDS, 0) | {"Height": self.sizes["warp"], "Width": self.sizes["warp"]}
        self.choices: dict[str, ui.element] = {}
        self.start = self.version = self.edit = None  # the code of the picture, whose it is, and what became of it
        self.given: dict[str, Any] = {}
        self.picture, self.caption = np.zeros(self.shape, np.uint8), ""
        self.marks: list[edits.Mark] = []
        self.past: list[tuple] = []
        self.begin, self.apply = Latest(self.find_beginning), Latest(self.find_edit)
        self.begin_form = Controls(question.controls, self.begin_anew, self.say)
        self.search = [
            Control("keep", "slider", "Stay near", 0, 20, 0.5, 5.0, hint="the picture; 0 lets all else change"),
            Control("starts", "slider", "Starts", 1, 16, start=2, hint="of the search; more find better, slower"),
        ]
        self.search_form = Controls(self.search, self.nothing, self.say)
        with ui.row(wrap=True).style("width: 100%; gap: 2rem; align-items: flex-start"):
            with tagged("div", role="form", aria_label="Edit").classes("zoo-form"):
                self.draw_form()
            with ui.column().classes("zoo-answers"):
                self.draw_answers()
        ui.timer(0, self.begin, once=True)

    # === What is drawn once ===
    def draw_form(self) -> None:
        """The controls: with what to begin, what to draw with, how to search."""
        with group("Begin with"):
            for control in self.question.controls:
                self.begin_form.draw(control)
        with group("Draw on the picture with"):
            with ui.element("div").classes("zoo-tools"):
                for tool, label in edits.TOOLS.items():
                    with tagged("label"):
                        choice = tagged("input", type="radio", name="tool", value=tool, checked=tool == self.tool)
                        choice.on("change", lambda tool=tool: self.take(tool))
                        self.choices[tool] = choice
                        ui.label(label)
            with tagged("label"):
                ui.label("Colour of the brush")
                pick = tagged("input", type="color", value=self.colour, aria_label="Colour of the brush")
                pick.on("change", lambda event: self.dip(pick, event.args), js_handler="(e) => emit(e.target.value)")
            self.brush = ui.element("div").style("width: 100%")
            self.draw_brush()
            with ui.row():
                button("Undo", self.undo)
                button("Clear", self.clear)
        with group("Edit"):
            for control in self.search:
                self.search_form.draw(control)
            ui.button("Apply", on_click=self.apply).props("no-caps")
            ui.switch("Apply after each stroke", on_change=lambda e: setattr(self, "at_once", e.value))
        with tagged("details"):
            with tagged("summary"):
                ui.label("Draw without a mouse")
            self.draw_boxes()

    def draw_boxes(self) -> None:
        """What can be done with a box by its numbers: all that a pointer can."""
        height, width = self.shape[:2]
        ui.label(f"A box in pixels. The picture has {height} rows and {width} columns, counted from 0.")
        with ui.row(wrap=True):
            for field in FIELDS:
                number = ui.number(field, value=self.box[field], step=1).style("width: 6rem")
                number.on_value_change(lambda event, field=field: self.box.update({field: event.value}))
        names = {"colour": "Colour it", "sketch": "Sketch its outline", "warp": "Move it", "erase": "Erase in it"}
        with ui.row():
            for tool, text in names.items():
                button(text, lambda tool=tool: self.draw_box(tool))

    def draw_brush(self) -> None:
        """How wide the tool at hand is."""
        most = max(1, max(self.shape[:2]) // 2)
        label = "Box side" if self.tool == "warp" else "Brush width"
        control = Control("size", "slider", label, 1, most, start=self.sizes[self.tool])

        async def changed(key):
            self.sizes[self.tool] = int(np.clip(form.values[key], 1, most))
            self.show()

        form = Controls([control], changed, self.say)
        self.brush.clear()
        with self.brush:
            form.draw(control)

    def draw_answers(self) -> None:
        """The picture that is drawn on, and where its edit comes."""
        self.refusal = ui.label().props("role=alert").classes("zoo-refused")
        self.status = ui.label().props("role=status")
        with ui.row(wrap=True).style("gap: 2rem; align-items: flex-start"):
            with ui.element("figure").style("margin: 0") as figure:
                self.easel = Easel(self.shape, self.drawn)
                figure.style(f"width: {self.easel.width}px")
                with ui.element("figcaption"):
                    self.says = ui.label()
                self.list = ui.element("ol").props('aria-live=polite aria-label="What is drawn"')
            self.result = ui.element("div").props("aria-live=polite").classes("zoo-edited")
        self.way = ui.element("div").classes("zoo-edited")
        self.show()

    # === What changes ===
    def show(self) -> None:
        """The picture, what is drawn on it, and the brush."""
        self.easel.show(self.picture, f"The picture to edit: {self.caption}", self.marks)
        self.easel.dip(self.tool, self.colour, self.sizes[self.tool])
        self.says.set_text(self.caption)
        self.list.clear()
        with self.list:
            for mark in self.marks:
                with ui.element("li"):
                    ui.label(mark.says)

    def show_edit(self) -> None:
        """The edited picture, the way to it, and how far it fulfils what was drawn."""
        self.result.clear()
        self.way.clear()
        if self.edit is None:
            return
        edit, content = self.edit, as_png(self.edit.picture)
        with self.result:
            with ui.element("figure"):
                tagged("img", alt="The edited picture", width=self.easel.width, src=data_url(content, "image/png"))
                with ui.element("figcaption"):
                    ui.label(f"Edited in {edit.seconds:.1f} s")
                    for name, (before, after) in edit.costs.items():
                        ui.label(f"{name}: {fulfilled(before, after)}")
            with ui.row():
                button("Go on from here", self.go_on)
                button("Download picture", lambda: ui.download(content, f"{self.name}-edited.png"))
        with self.way:
            heading(2, "From the picture to its edit")
            strip = as_png(images.grid(edit.strip, columns=len(edit.strip)))
            draw_picture(strip, f"{len(edit.strip)} steps", f"{self.name}-strip.png", SCREEN)

    def say(self, text: str) -> None:
        """Tell why something is not done; nothing where it is."""
        self.refusal.set_text(text)

    # === The brush ===
    # What is set is told to the input, too: where the page is drawn anew, an input shows what it was last told.
    def take(self, tool: str) -> None:
        """Take another tool."""
        self.tool = tool
        for name, choice in self.choices.items():
            choice.props["checked"] = name == tool
        self.draw_brush()
        self.show()

    def dip(self, pick: ui.element, colour: str) -> None:
        """Dip the brush into another colour."""
        self.colour = pick.props["value"] = str(colour)
        self.show()

    async def nothing(self, key: str) -> None:
        """Controls that are read when they are needed."""

    # === Drawing ===
    async def drawn(self, points: Any) -> None:
        """A stroke has ended."""
        await self.add(lambda: edits.stroke(self.tool, points, self.sizes[self.tool], self.colour, self.shape))

    async def draw_box(self, tool: str) -> None:
        """A box was given by its numbers."""
        numbers = [self.box[field] for field in FIELDS]
        await self.add(lambda: edits.boxed(tool, numbers[:4], numbers[4:], self.colour, self.shape))

    async def add(self, make: Callable[[], edits.Mark]) -> None:
        """Put one more mark on the picture."""
        try:
            mark = make()
            if len(self.marks) >= edits.MOST_MARKS:
                raise ZooError(f"{edits.MOST_MARKS} marks are drawn: apply them and go on from there.")
        except ZooError as error:
            return self.say(str(error))
        self.say("")
        self.marks.append(mark)
        self.show()
        if self.at_once:
            await self.apply()

    def undo(self) -> None:
        """Take the last mark away; where there is none, go back to the picture before."""
        if self.marks:
            self.marks.pop()
        elif self.past:
            self.start, self.picture, self.caption, self.marks, self.edit = self.past.pop()
            self.show_edit()
        self.say("")
        self.show()

    def clear(self) -> None:
        """Take all marks away."""
        self.marks.clear()
        self.show()

    # === Asking ===
    async def begin_anew(self, key: str) -> None:
        """A control of the beginning was moved: a seed takes the place of a picture."""
        if key == "seed":
            self.begin_form.sent.pop(PICTURE, None)
        await self.begin()

    async def find_beginning(self) -> None:
        """Ask for a picture of a seed, or for the one nearest to a picture that was sent."""
        form, missing = self.begin_form, []
        given: dict[str, Any] = {}
        for control in self.question.controls:
            if control.key in ("seed", PICTURE):
                continue
            if control.kind == "file" and control.key not in form.sent:
                missing.append(control.label)
            else:
                value = form.sent[control.key][1] if control.kind == "file" else form.values[control.key]
                given[control.key.removesuffix("_bytes")] = value
        if missing:
            return self.say(f"Choose a file: {', '.join(missing)}.")
        seed, starts = form.values["seed"], self.search_form.values["starts"]
        file, content = form.sent.get(PICTURE, ("", b""))

        def task(until, version):
            picture = edits.picture_from(content, self.question.kind) if content else None
            return surfaces.begun(ServedSurface(version, given, until), seed, picture, starts)

        found = await self.ask("Looking for the nearest picture ..." if content else "", task)
        if found is None:
            return
        (code, picture), version = found
        self.start, self.picture, self.version, self.given = code, picture, version, given
        self.caption = f"nearest to {file}" if content else f"seed {seed}"
        self.marks, self.past, self.edit = [], [], None
        self.show()
        self.show_edit()

    async def find_edit(self) -> None:
        """Ask for the edit that is drawn."""
        if self.start is None:
            return self.say("There is no picture yet.")
        start, given, marks, values = self.start, self.given, list(self.marks), dict(self.search_form.values)

        def task(until, version):
            return surfaces.edited(ServedSurface(version, given, until), start, marks, values["keep"], values["starts"])

        found = await self.ask("Looking for the edit ...", task, self.version)
        if found is not None and start is self.start:  # nobody began with another picture meanwhile
            self.edit = found[0]
            self.show_edit()

    async def ask(self, says: str, task: Callable, number: int | None = None) -> tuple[Any, int] | None:
        """What a task gives, and the number of the version that was asked; None where it is refused, which is told.

        Args:
            task: takes the time when it is too late, and the version.
            number: of the version; None for the newest.
        """
        self.status.set_text(says)
        try:
            with self.service.counted("page", self.name):
                version = self.service.models.find(self.name, number)
                found = await self.service.work(version, lambda until: task(until, version))
        except Refused as refused:
            more = {
                "DEADLINE_EXCEEDED": ": give fewer starts, or serve with a longer --timeout",
                "NOT_FOUND": ": that version is gone, begin again",
            }
            self.say(refused.message + more.get(refused.code, ""))
            return None
        finally:
            self.status.set_text("")
        self.say("")
        return found, version.number

    def go_on(self) -> None:
        """Draw on the edited picture from now on."""
        self.past.append((self.start, self.picture, self.caption, self.marks, self.edit))
        self.start, self.picture, self.caption = self.edit.code, self.edit.picture, f"{self.caption}, edited"
        self.marks, self.edit = [], None
        self.show()
        self.show_edit()


def group(title: str):
    """Controls that belong together, under a title."""
    frame = ui.element("fieldset")
    with frame, ui.element("legend"):
        ui.label(title)
    return frame


def fulfilled(before: float, after: float) -> str:
    """How far an edit has come, in words."""
    if before < 1e-4:
        return "was so before"
    return f"{max(0.0, 1 - after / before):.0%} of the way"
