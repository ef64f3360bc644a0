"""One question on the page: its controls, and the answers beside them, asked again whenever a control moves."""

import base64
import html
import io
import json
from typing import Any

import numpy as np
from nicegui import events, ui
from PIL import Image as Picture

from tfgan_zoo.serving import forms
from tfgan_zoo.serving.forms import Control, Question
from tfgan_zoo.serving.models import Version
from tfgan_zoo.serving.refusals import Refused
from tfgan_zoo.serving.service import Service

LARGEST_FILE = 32 * 2**20
SMALLEST_SIDE, LARGEST_SIDE = 112, 512  # pixels on the screen; smaller pictures are enlarged without smoothing
SHOWN_NUMBERS = 256
LAST_SEED = 2**53  # whole numbers beyond it are not exact in a browser


class Panel:
    """Controls and answers of a question, drawn where it is made.

    Args:
        name: of the model.
        controls: whether to draw them; else `ask` shows what they begin with.
    """

    def __init__(self, service: Service, name: str, question: Question, controls: bool = True):
        self.service, self.name, self.question, self.controls = service, name, question, controls
        self.values: dict[str, Any] = {c.key: beginning(c) for c in question.controls if c.kind != "file"}
        self.sent: dict[str, tuple[str, bytes]] = {}  # {input: (the file's name, its content)}
        self.home = str(ui.context.client.request.base_url.replace(path="")).rstrip("/")
        self._busy = self._again = False
        with ui.row(wrap=True).style("width: 100%; gap: 2rem; align-items: flex-start"):
            if controls:
                with tagged("div", role="form", aria_label=question.title).classes("zoo-form"):
                    if question.says:
                        ui.label(question.says)
                    for control in question.controls:
                        self.draw(control)
            with ui.column().classes("zoo-answers"):
                self.refusal = ui.label().props("role=alert").classes("zoo-refused")
                self.answers = ui.element("div").classes("zoo-pictures").props("aria-live=polite")
                self.after = ui.column().style("width: 100%")
        if controls:
            ui.timer(0, self.refresh, once=True)

    # === Controls ===
    def draw(self, control: Control) -> None:
        """The control, named for those who cannot see it."""

        async def changed(value):
            self.values[control.key] = value
            await self.refresh()

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
            await self.refresh()

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
            await self.refresh()

        upload = ui.upload(auto_upload=True, max_file_size=LARGEST_FILE).style("width: 100%")
        upload.on_upload(came).on_rejected(lambda: self.say(f"a file may have {LARGEST_FILE:,} bytes"))
        upload.props["accept"] = control.accept
        # Quasar's own header has buttons without names; its list repeats what is drawn as "before".
        name = html.escape(f"Choose a file: {control.label}")
        upload.add_slot("header", f'<q-btn flat no-caps label="{name}"><q-uploader-add-trigger /></q-btn>')
        upload.add_slot("list", "<span></span>")

    # === Answers ===
    async def refresh(self) -> None:
        """Ask with what is set now; what changes meanwhile is asked when the answer is there."""
        self._again = True
        if self._busy:
            return
        self._busy = True
        try:
            while self._again:
                self._again = False
                await self.ask()
        finally:
            self._busy = False

    async def ask(self) -> None:
        """Ask the model once, and draw its answers or its refusal."""
        if missing := [c.label for c in self.question.controls if c.kind == "file" and c.key not in self.sent]:
            return self.say(f"Choose a file: {', '.join(missing)}.")
        values = self.values | {key: content for key, (_, content) in self.sent.items()}
        try:
            with self.service.counted("page", self.name):
                version = self.service.models.find(self.name)  # the newest: there may be another by now
                signature = version.signature(self.question.signature)
                inputs = forms.request(signature.inputs, values, await self.latents(version))
                outputs = await self.service.ask(version, signature, inputs)
        except Refused as refused:
            return self.say(refused.message)
        self.say("")
        self.answers.clear()
        with self.answers:
            self.show(outputs, version.facts)
        if self.controls:
            self.after.clear()
            with self.after:
                self.show_request(forms.body(signature.name, inputs), outputs)

    async def latents(self, version: Version) -> dict[str, np.ndarray]:
        """The noise that the question takes, by the seeds that are set."""

        async def drawn(seed: int, count: int):
            given = {"count": np.array(count, np.int32), "seed": np.array(seed), "truncation": np.array(0, np.float32)}
            return await self.service.ask(version, version.signature("latents"), given)

        if self.question.walks:
            (start, end), count = [await drawn(self.values[key], 1) for key in ("seed", "to")], self.values["count"]
            return {key: forms.between(start[key][0], end[key][0], count) for key in self.question.drawn}
        return {key: (await drawn(self.values[key], self.values["count"]))[key] for key in self.question.drawn}

    def say(self, text: str) -> None:
        """Tell why there is no answer; nothing where there is one."""
        self.refusal.set_text(text)

    def show(self, outputs: dict[str, np.ndarray], facts: dict[str, Any]) -> None:
        """Draw answers."""
        answers = outputs[self.question.output]
        if self.question.shows in ("pictures", "drawn"):
            for name, content in self.sent.values():
                draw_picture(content, f"before: {name}")
        for place in range(len(answers)):
            caption = self.caption(outputs, place)
            if self.question.shows == "pictures":
                draw_picture(answers[place], caption, f"{self.name}-{place + 1}.png")
            elif self.question.shows == "sounds":
                draw_sound(answers[place], caption, f"{self.name}-{place + 1}.wav")
            elif self.question.shows == "drawn":
                stored = np.asarray(self.question.kind.to_stored(answers[place : place + 1]))
                draw_picture(as_png(self.question.kind.picture(stored)[0]), caption)
            elif self.question.shows == "classes":
                draw_classes(answers[place], facts.get("class_names"))
            else:
                numbers = np.ravel(answers[place])
                more = f" ... ({numbers.size:,} numbers)" if numbers.size > SHOWN_NUMBERS else ""
                ui.label(" ".join(f"{x:.4g}" for x in numbers[:SHOWN_NUMBERS]) + more)

    def caption(self, outputs: dict[str, np.ndarray], place: int) -> str:
        """What an answer is: its seed, its class, that it comes after a file."""
        said = []
        if self.question.walks:
            said.append(f"step {place + 1}")
        elif "seed" in self.values:
            said.append(f"seed {self.values['seed'] + place}")
        said += [f"{key} {outputs[key][place]}" for key in outputs if key != self.question.output]
        return ", ".join(said) or ("after" if self.sent else f"answer {place + 1}")

    def show_request(self, body: str, outputs: dict[str, np.ndarray]) -> None:
        """The command that asks the same over REST, and what it reads."""
        saved = f"{self.name}.{'wav' if self.question.shows == 'sounds' else 'png'}"
        token = self.service.settings.token is not None
        url = f"{self.home}/v1/models/{self.name}"
        command = forms.curl(url, body, self.question, len(outputs), token, saved)
        ui.label("The same from the command line:")
        with tagged("div", tabindex=0, role="region", aria_label="Command").style("width: 100%"):
            ui.html(html.escape(command), sanitize=False, tag="pre").classes("zoo-command")
        with ui.row():
            button("Copy command", lambda: ui.clipboard.write(command))
            button("Download request.json", lambda: ui.download(body.encode(), "request.json"))
            if self.question.shows in ("classes", "numbers", "drawn"):
                answer = json.dumps({key: value.tolist() for key, value in outputs.items()}).encode()
                button("Download answer", lambda: ui.download(answer, "answer.json"))


def beginning(control: Control) -> Any:
    """What a control holds at first."""
    return [control.start] * control.size if control.size else control.start


# === Drawing ===
def tagged(tag: str, **attributes: Any) -> ui.element:
    """An element of HTML; `aria_label` stands for aria-label."""
    made = ui.element(tag)
    for key, value in attributes.items():
        made.props[key.replace("_", "-")] = value
    return made


def button(text: str, clicked) -> None:
    """A button that stands back."""
    ui.button(text, on_click=clicked).props("flat no-caps")


def draw_picture(content: bytes, caption: str, name: str | None = None) -> None:
    """A picture in a file, large enough to be seen, with a link that saves it."""
    kind = "png" if content.startswith(b"\x89PNG") else "jpeg"
    try:
        side = max(Picture.open(io.BytesIO(content)).size)
    except OSError:
        return
    scale = min(max(1, -(-SMALLEST_SIDE // side)), LARGEST_SIDE / side)
    width = round(Picture.open(io.BytesIO(content)).width * scale)
    with ui.element("figure"):
        source = f"data:image/{kind};base64,{base64.b64encode(content).decode()}"
        tagged("img", alt=caption, width=width, src=source).classes("enlarged" if scale > 1 else "")
        describe(caption, content, name)


def draw_sound(content: bytes, caption: str, name: str) -> None:
    """A sound in a WAV file, with a link that saves it."""
    with ui.element("figure"):
        source = f"data:audio/wav;base64,{base64.b64encode(content).decode()}"
        tagged("audio", controls=True, aria_label=caption, src=source)
        describe(caption, content, name)


def describe(caption: str, content: bytes, name: str | None) -> None:
    """What stands below a picture or a sound."""
    with ui.element("figcaption"):
        ui.label(caption)
        if name:
            link = tagged("a", href="#", aria_label=f"Download {caption}")
            link.on("click.prevent", lambda: ui.download(content, name))
            with link:
                ui.label("download")


def draw_classes(logits: np.ndarray, names: list[str] | None) -> None:
    """The likeliest classes, with what the model gives them after a softmax."""
    share = np.exp(logits - logits.max())
    share /= share.sum()
    with ui.element("ol"):
        for number in np.argsort(-share)[:5]:
            name = names[number] if names and len(names) == len(share) else f"class {number}"
            with ui.element("li"):
                ui.label(f"{name}: {share[number]:.1%}")


def as_png(picture: np.ndarray) -> bytes:
    """uint8 (h, w, 1 or 3) as a PNG file."""
    file = io.BytesIO()
    Picture.fromarray(picture[..., 0] if picture.shape[-1] == 1 else picture).save(file, "PNG")
    return file.getvalue()
