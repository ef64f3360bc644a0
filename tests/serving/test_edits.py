"""What is drawn on a picture, as masks and constraints."""

import io

import helpers
import numpy as np
import pytest
import tensorflow as tf
from PIL import Image as Picture

from tfgan_zoo.errors import ZooError
from tfgan_zoo.modalities import Image
from tfgan_zoo.serving import edits

SHAPE = (10, 12, 3)


def drawn(*marks):
    return edits.drawn(marks, SHAPE)


def stroke(tool, *points, size=1, colour="#ff8000"):
    return edits.stroke(tool, points, size, colour, SHAPE)


def test_a_stroke_touches_the_pixels_under_the_brush():
    asked = drawn(stroke("colour", (2.5, 4.5), (6.5, 4.5)))
    assert np.argwhere(asked.coloured).tolist() == [[4, x] for x in range(2, 7)]
    assert (asked.colours[4, 2:7] == [255, 128, 0]).all() and not asked.colours[~asked.coloured].any()
    wide = drawn(stroke("colour", (2.5, 4.5), (6.5, 4.5), size=3)).coloured
    assert wide[3:6, 2:7].all() and not wide[2].any() and not wide[6].any()
    for dot in ((0, 0), (3, 3), (11.99, 9.99), (50, -7)):  # also between pixels, in corners and outside
        assert drawn(stroke("colour", dot)).coloured.any()


def test_every_slope_is_drawn_without_gaps():
    for end in ((11, 9), (11, 1), (1, 9), (6, 2)):
        inside = drawn(stroke("colour", (0.5, 0.5), end)).coloured
        rows, columns = np.where(inside)
        assert inside.any(axis=1)[: rows.max()].all() and inside.any(axis=0)[: columns.max()].all()


def test_later_marks_lie_above_and_the_eraser_takes_away():
    red, green = (edits.boxed("colour", (0, 0, 4, 4), (0, 0), colour, SHAPE) for colour in ("#ff0000", "#00ff00"))
    assert (drawn(red, green).colours[0, 0] == [0, 255, 0]).all()
    line = stroke("sketch", (0.5, 2.5), (11.5, 2.5))
    gone = edits.boxed("erase", (0, 0, 10, 3), (0, 0), "#000000", SHAPE)
    asked = drawn(red, line, gone)
    assert not asked.coloured[:, :3].any() and asked.coloured[0, 3]
    assert not asked.lines[:, :3].any() and asked.lines[2, 3] == 255 and not asked.sketched[:, :3].any()
    assert not drawn(red, edits.boxed("erase", (0, 0, 10, 12), (0, 0), "#000000", SHAPE)).coloured.any()


def test_edges_are_wanted_on_both_sides_of_a_line():
    asked = drawn(stroke("sketch", (0.5, 4.5), (11.5, 4.5)))
    assert np.flatnonzero(asked.lines.any(axis=1)).tolist() == [4]
    assert np.flatnonzero(asked.sketched.any(axis=1)).tolist() == [2, 3, 4, 5, 6]


def test_a_warp_moves_the_box_around_the_first_point_and_both_stay_within():
    mark = stroke("warp", (5, 5), (6, 5), (8, 4), size=4)
    assert (mark.box, mark.shift) == ((3, 3, 4, 4), (-1, 3))
    for start, end in (((0, 0), (100, 100)), ((12, 10), (-50, -50)), ((11, 1), (11, 1))):
        found = stroke("warp", start, end, size=4)
        top, left = found.box[0] + found.shift[0], found.box[1] + found.shift[1]
        assert 0 <= found.box[0] <= 6 and 0 <= found.box[1] <= 8 and 0 <= top <= 6 and 0 <= left <= 8
    assert stroke("warp", (5, 5), (5, 5), size=12).box == (0, 0, 10, 10)  # no larger than the picture
    assert "held in its place" in stroke("warp", (5, 5), (5, 5), size=4).says


def test_a_box_by_its_numbers_does_what_a_pointer_can():
    box = (2, 3, 4, 5)
    filled = drawn(edits.boxed("colour", box, (1, 1), "#0000ff", SHAPE)).coloured
    assert filled[2:6, 3:8].all() and filled.sum() == 20
    outline = drawn(edits.boxed("sketch", box, (0, 0), "#000000", SHAPE)).lines > 0
    assert outline[2, 3:8].all() and outline[5, 3:8].all() and outline[2:6, 3].all() and outline[2:6, 7].all()
    assert not outline[3:5, 4:7].any() and outline.sum() == 14
    assert edits.boxed("warp", box, (1, -2), "#000000", SHAPE).shift == (1, -2)


def test_colours_of_a_grey_picture_are_their_luma():
    np.testing.assert_array_equal(edits.levels("#ff0000", 1), [76])
    np.testing.assert_array_equal(edits.levels("#102030", 3), [16, 32, 48])


def test_constraints_are_fulfilled_by_what_they_ask_for():
    picture = np.random.default_rng(0).integers(0, 256, SHAPE).astype(np.uint8)
    marks = [stroke("colour", (2, 2), (9, 2), size=2), stroke("warp", (3, 7), (9, 7), size=3)]
    wanted = edits.constraints(picture, marks)
    assert list(wanted) == ["Colour", "Warp 1"]
    painted, asked = picture.copy(), drawn(*marks)
    painted[asked.coloured] = asked.colours[asked.coloured]
    (warp,) = asked.warps
    painted[6:9, 8:11] = picture[6:9, 2:5]
    assert warp.box == (6, 2, 3, 3)
    before, after = (tf.constant(x[None] / np.float32(127.5) - 1) for x in (picture, painted))
    for name, constraint in wanted.items():
        assert float(constraint(before)[0]) > 0.05 and float(constraint(after)[0]) < 1e-6, name
    lines = edits.constraints(picture, [stroke("sketch", (2, 2), (9, 7))])
    drawing = np.repeat(drawn(stroke("sketch", (2, 2), (9, 7))).lines[..., None], 3, axis=2)
    assert float(lines["Sketch"](tf.constant(drawing[None] / np.float32(127.5) - 1))[0]) < 1e-6
    assert float(lines["Sketch"](before)[0]) > 0.05


def test_what_is_drawn_is_seen():
    layer = np.asarray(edits.overlay([stroke("colour", (2.5, 4.5))], SHAPE, 5))
    assert (
        layer.shape == (50, 60, 4) and layer[22, 12].tolist() == [255, 128, 0, 235] and layer[..., 3].sum() == 25 * 235
    )
    moved = np.asarray(edits.overlay([stroke("warp", (3, 3), (8, 3), size=4)], SHAPE, 5))
    assert moved[..., 3].any() and not moved[45:].any()


def test_a_picture_that_is_sent_is_brought_to_the_models_size():
    file, kind = io.BytesIO(), Image((8, 8, 1))
    Picture.fromarray(np.full((20, 40, 3), [255, 0, 0], np.uint8)).save(file, "PNG")
    np.testing.assert_array_equal(edits.picture_from(file.getvalue(), kind), np.full((8, 8, 1), 76))
    large = io.BytesIO()
    Picture.new("1", (5000, 8)).save(large, "PNG")
    for content, says in ((b"no picture", "cannot be read"), (file.getvalue()[:60], "cannot be read"), (b"", "PNG or")):
        with pytest.raises(ZooError, match=says) as error:
            edits.picture_from(content, kind)
        helpers.one_line(error)
    with pytest.raises(ZooError, match="4096"):
        edits.picture_from(large.getvalue(), kind)


def test_what_is_refused():
    picture = np.zeros(SHAPE, np.uint8)
    for action, says in (
        (lambda: stroke("brush", (1, 1)), "unknown tool 'brush'"),
        (lambda: stroke("colour"), "1 to 2,000 points"),
        (lambda: stroke("colour", *[(1, 1)] * 2001), "1 to 2,000 points"),
        (lambda: edits.stroke("colour", "here", 1, "#000000", SHAPE), "points"),
        (lambda: edits.stroke("colour", [[1, 2, 3]], 1, "#000000", SHAPE), "points"),
        (lambda: edits.stroke("colour", None, 1, "#000000", SHAPE), "points"),
        (lambda: stroke("colour", (float("nan"), 1)), "points"),
        (lambda: stroke("colour", (1, 1), colour="red"), "#ff8800"),
        (lambda: stroke("colour", (1, 1), size=0), "from 1 to 12"),
        (lambda: edits.boxed("warp", (0, 0, 4, 4), (7, 0), "#000000", SHAPE), "leaves the picture of 10 x 12"),
        (lambda: edits.boxed("sketch", (0, 0, 0, 4), (0, 0), "#000000", SHAPE), "leaves the picture"),
        (lambda: edits.boxed("colour", (0, None, 4, 4), (0, 0), "#000000", SHAPE), "needs a number"),
        (lambda: edits.boxed("colour", (0, float("inf"), 4, 4), (0, 0), "#000000", SHAPE), "needs a number"),
        (lambda: edits.constraints(picture, []), "nothing is drawn"),
        (lambda: edits.constraints(picture, [stroke("colour", (1, 1))] * 201), "200"),
    ):
        with pytest.raises(ZooError, match=says) as error:
            action()
        helpers.one_line(error)
