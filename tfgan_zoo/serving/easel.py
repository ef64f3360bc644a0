"""A picture that people draw on, with a mouse, a pen or a finger; what they draw lies above it."""

import io
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from tfgan_zoo.serving import edits
from tfgan_zoo.serving.elements import as_png, data_url, tagged

SIDE = 360  # pixels of the larger side of the picture on the screen
STYLE = """
.zoo-easel { position: relative; touch-action: none; cursor: crosshair; user-select: none; }
.zoo-easel img, .zoo-easel canvas { position: absolute; inset: 0; width: 100%; height: 100%; pointer-events: none; }
.zoo-easel img { image-rendering: pixelated; }
"""
# A stroke is drawn in the browser while the pointer moves, and told when it ends. Mouse, pen and finger are alike.
STROKE = """(event) => {
  if (event.button) return;
  const easel = event.currentTarget, sheet = easel.querySelector('canvas'), pen = sheet.getContext('2d');
  const {tool, colour, size, scale} = easel.dataset, width = size * scale, corner = easel.getBoundingClientRect();
  const place = (e) => [(e.clientX - corner.left) / scale, (e.clientY - corner.top) / scale];
  const points = [place(event)];
  const clear = () => pen.clearRect(0, 0, sheet.width, sheet.height);
  const show = () => {
    const [first, last] = [points[0], points.at(-1)];
    clear();
    pen.lineCap = pen.lineJoin = 'round';
    pen.strokeStyle = {colour, sketch: '#00a0ff', warp: '#ffc800', erase: '#888888'}[tool];
    pen.lineWidth = tool === 'warp' ? 2 : Math.max(width, 2);
    pen.beginPath();
    if (tool === 'warp') {
      for (const [x, y] of [first, last]) pen.rect(x * scale - width / 2, y * scale - width / 2, width, width);
    }
    for (const [x, y] of tool === 'warp' ? [first, last] : [first, ...points]) pen.lineTo(x * scale, y * scale);
    pen.stroke();
  };
  const move = (e) => {
    const last = points.at(-1), here = place(e);
    if (points.length < MOST && Math.hypot(here[0] - last[0], here[1] - last[1]) > 0.3) points.push(here);
    show();
  };
  const end = (e) => {
    easel.removeEventListener('pointermove', move);
    if (e.type === 'pointerup') emit(points);
    setTimeout(clear, e.type === 'pointerup' ? 250 : 0);
  };
  event.preventDefault();
  easel.setPointerCapture(event.pointerId);
  easel.addEventListener('pointermove', move);
  for (const name of ['pointerup', 'pointercancel']) easel.addEventListener(name, end, {once: true});
  show();
}""".replace("MOST", str(edits.MOST_POINTS))


class Easel:
    """The picture, drawn where it is made.

    Args:
        shape: of the picture, (h, w, c).
        drawn: is told the points of a stroke, [[x, y], ...] in pixels of the picture.

    Attributes:
        height, width: on the screen.
    """

    def __init__(self, shape: Sequence[int], drawn: Callable[[Any], Any]):
        self.shape, side = shape, max(shape[:2])
        self.scale = SIDE // side if side <= SIDE else SIDE / side  # whole, so that all pixels are of one size
        self.height, self.width = (round(side * self.scale) for side in shape[:2])
        self.frame = tagged("div", role="group", aria_label="Picture to draw on").classes("zoo-easel")
        self.frame.style(f"width: {self.width}px; height: {self.height}px")
        self.frame.on("pointerdown", lambda event: drawn(event.args), js_handler=STROKE)
        with self.frame:
            self.picture, self.layer = tagged("img", alt=""), tagged("img", alt="What is drawn on it")
            tagged("canvas", width=self.width, height=self.height, aria_hidden="true")

    def show(self, picture: np.ndarray, caption: str, marks: Sequence[edits.Mark]) -> None:
        """Another picture, uint8 (h, w, c), or other marks on it."""
        layer = io.BytesIO()
        edits.overlay(marks, self.shape, max(1, int(self.scale))).save(layer, "PNG")
        self.picture.props["src"] = data_url(as_png(picture), "image/png")
        self.picture.props["alt"] = caption
        self.layer.props["src"] = data_url(layer.getvalue(), "image/png")

    def dip(self, tool: str, colour: str, size: int) -> None:
        """Another brush: what strokes look like while they are drawn."""
        for key, value in {"tool": tool, "colour": colour, "size": size, "scale": self.scale}.items():
            self.frame.props[f"data-{key}"] = value
