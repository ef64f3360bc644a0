"""One question on the page: its controls, and the answers beside them, asked again whenever a control moves."""

import html
import json
from typing import Any

import numpy as np
from nicegui import ui

from tfgan_zoo.serving import forms
from tfgan_zoo.serving.controls import Controls, Latest
from tfgan_zoo.serving.elements import as_png, button, draw_classes, draw_picture, draw_sound, draw_text, tagged
from tfgan_zoo.serving.forms import Question
from tfgan_zoo.serving.models import Version
from tfgan_zoo.serving.refusals import Refused
from tfgan_zoo.serving.service import Service

SHOWN_NUMBERS = 256


class Panel:
    """Controls and answers of a question, drawn where it is made.

    Args:
        name: of the model.
        controls: whether to draw them; else `ask` shows what they begin with.
    """

    def __init__(self, service: Service, name: str, question: Question, controls: bool = True):
        self.service, self.name, self.question, self.controls = service, name, question, controls
        self.refresh = Latest(self.ask)
        self.form = Controls(question.controls, lambda key: self.refresh(), self.say)
        self.home = str(ui.context.client.request.base_url.replace(path="")).rstrip("/")
        with ui.row(wrap=True).style("width: 100%; gap: 2rem; align-items: flex-start"):
            if controls:
                with tagged("div", role="form", aria_label=question.title).classes("zoo-form"):
                    if question.says:
                        ui.label(question.says)
                    for control in question.controls:
                        self.form.draw(control)
            with ui.column().classes("zoo-answers"):
                self.refusal = ui.label().props("role=alert").classes("zoo-refused")
                self.answers = ui.element("div").classes("zoo-pictures").props("aria-live=polite")
                self.after = ui.column().style("width: 100%")
        if controls:
            ui.timer(0, self.refresh, once=True)

    # === Answers ===
    async def ask(self) -> None:
        """Ask the model once, and draw its answers or its refusal."""
        if missing := [c.label for c in self.question.controls if c.kind == "file" and c.key not in self.form.sent]:
            return self.say(f"Choose a file: {', '.join(missing)}.")
        try:
            sent = {c.key: forms.read(c, *self.form.sent[c.key]) for c in self.question.controls if c.kind == "file"}
            values = self.form.values | sent
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
            (start, end), count = (
                [await drawn(self.form.values[key], 1) for key in ("seed", "to")],
                self.form.values["count"],
            )
            return {key: forms.between(start[key][0], end[key][0], count) for key in self.question.drawn}
        return {
            key: (await drawn(self.form.values[key], self.form.values["count"]))[key] for key in self.question.drawn
        }

    def say(self, text: str) -> None:
        """Tell why there is no answer; nothing where there is one."""
        self.refusal.set_text(text)

    def show(self, outputs: dict[str, np.ndarray], facts: dict[str, Any]) -> None:
        """Draw answers."""
        answers = outputs[self.question.output]
        if self.question.shows in ("pictures", "drawn", "films"):
            for name, content in self.form.sent.values():
                draw_picture(content, f"before: {name}")
        for place in range(len(answers)):
            caption = self.caption(outputs, place)
            if self.question.shows == "pictures":
                draw_picture(answers[place], caption, f"{self.name}-{place + 1}.png")
            elif self.question.shows == "sounds":
                draw_sound(answers[place], caption, f"{self.name}-{place + 1}.wav")
            elif self.question.shows == "films":
                film = forms.written(self.question.kind, answers[place])
                draw_picture(film, caption, f"{self.name}-{place + 1}.gif")
            elif self.question.shows == "texts":
                (text,) = self.question.kind.decode(forms.stored(self.question.kind, answers[place : place + 1]))
                draw_text(text, caption, f"{self.name}-{place + 1}.txt")
            elif self.question.shows == "drawn":
                stored = forms.stored(self.question.kind, answers[place : place + 1])
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
        elif "seed" in self.form.values:
            said.append(f"seed {self.form.values['seed'] + place}")
        said += [f"{key} {outputs[key][place]}" for key in outputs if key != self.question.output]
        return ", ".join(said) or ("after" if self.form.sent else f"answer {place + 1}")

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
            if self.question.shows in ("classes", "numbers", "drawn", "films", "texts"):
                answer = json.dumps({key: value.tolist() for key, value in outputs.items()}).encode()
                button("Download answer", lambda: ui.download(answer, "answer.json"))
