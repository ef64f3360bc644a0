"""What the page draws more than once: elements of HTML; pictures, sounds and texts, each with a link; classes."""

import base64
import html
import io
from typing import Any

import numpy as np
from nicegui import ui
from PIL import Image as Picture

SMALLEST_SIDE, LARGEST_SIDE = 112, 512  # pixels on the screen; smaller pictures are enlarged without smoothing


def tagged(tag: str, **attributes: Any) -> ui.element:
    """An element of HTML; `aria_label` stands for aria-label."""
    made = ui.element(tag)
    for key, value in attributes.items():
        made.props[key.replace("_", "-")] = value
    return made


def heading(level: int, text: str) -> None:
    """A heading that screen readers find."""
    ui.html(html.escape(text), sanitize=False, tag=f"h{level}")


def button(text: str, clicked) -> None:
    """A button that stands back."""
    ui.button(text, on_click=clicked).props("flat no-caps")


def draw_picture(content: bytes, caption: str, name: str | None = None, largest: int = LARGEST_SIDE) -> None:
    """A picture or an animation in a file, large enough to be seen, with a link that saves it."""
    try:
        with Picture.open(io.BytesIO(content)) as picture:
            kind, width, side = picture.format.lower(), picture.width, max(picture.size)
    except OSError:
        return
    scale = min(max(1, -(-SMALLEST_SIDE // side)), largest / side)
    width = round(width * scale)
    with ui.element("figure"):
        tagged("img", alt=caption, width=width, src=data_url(content, f"image/{kind}")).classes(
            "enlarged" if scale > 1 else ""
        )
        describe(caption, content, name)


def draw_sound(content: bytes, caption: str, name: str) -> None:
    """A sound in a WAV file, with a link that saves it."""
    with ui.element("figure"):
        tagged("audio", controls=True, aria_label=caption, src=data_url(content, "audio/wav"))
        describe(caption, content, name)


def draw_text(text: str, caption: str, name: str) -> None:
    """A text, with a link that saves it."""
    with ui.element("figure"):
        with ui.element("blockquote"):
            ui.label(text)
        describe(caption, f"{text}\n".encode(), name)


def describe(caption: str, content: bytes, name: str | None) -> None:
    """What stands below a picture, a sound or a text."""
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


def data_url(content: bytes, kind: str) -> str:
    """A file as an address that holds it."""
    return f"data:{kind};base64,{base64.b64encode(content).decode()}"


def as_png(picture: np.ndarray) -> bytes:
    """uint8 (h, w, 1 or 3) as a PNG file."""
    file = io.BytesIO()
    Picture.fromarray(picture[..., 0] if picture.shape[-1] == 1 else picture).save(file, "PNG")
    return file.getvalue()
