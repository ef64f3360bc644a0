"""The tab "Edit" of the page in a headless browser: with a pointer, by keyboard, and what is refused."""

import asyncio
import base64
import io

import browser
import numpy as np
import pytest
from PIL import Image as Picture


def stroke(page, *points):
    """Draw through places that are parts of the picture's side."""
    page.locator(".zoo-easel").scroll_into_view_if_needed()
    box = page.locator(".zoo-easel").bounding_box()
    places = [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in points]
    page.mouse.move(*places[0])
    page.mouse.down()
    for place in places[1:]:
        page.mouse.move(*place, steps=4)
    page.mouse.up()


def shown(page, caption):
    """The picture to draw on, of this caption."""
    return page.locator(f'.zoo-easel img[alt$="{caption}"]')


def picture_in(page, alt):
    """The picture with this alternative text, as an array."""
    source = page.locator(f'img[alt^="{alt}"]').get_attribute("src").partition(",")[2]
    return np.asarray(Picture.open(io.BytesIO(base64.b64decode(source))))


def test_a_picture_is_edited_with_a_pointer(gallery, tmp_path):
    with browser.opened() as page:
        page.goto(f"{gallery}/ui/models/captioned")
        page.get_by_role("tab", name="Edit").click()
        shown(page, "seed 0").wait_for()
        page.get_by_role("button", name="Apply").click()
        page.get_by_role("alert").get_by_text("nothing is drawn yet").wait_for()
        drawn = page.locator("ol[aria-label='What is drawn'] li")
        scale = picture_in(page, "What is drawn").shape[0] // 8

        stroke(page, (0.1, 0.1), (0.9, 0.1))  # in red, as the brush is at first
        drawn.get_by_text("Colour #ff0000").wait_for()
        page.wait_for_function("document.querySelectorAll('.zoo-easel img')[1].src.length > 300")
        layer = picture_in(page, "What is drawn")
        assert layer[scale // 2, scale * 4].tolist() == [255, 0, 0, 235] and not layer[scale * 4 :, :, 3].any()
        pick = page.get_by_label("Colour of the brush")
        pick.fill("#0000ff")
        page.wait_for_function("document.querySelector('.zoo-easel').dataset.colour === '#0000ff'")
        stroke(page, (0.1, 0.3))
        drawn.get_by_text("Colour #0000ff").wait_for()
        assert pick.input_value() == "#0000ff"  # also after the page was drawn anew
        page.get_by_role("button", name="Undo").click()
        page.get_by_text("Warp", exact=True).click()
        page.get_by_role("slider", name="Box side").wait_for()
        stroke(page, (0.5, 0.7), (0.75, 0.7))
        drawn.get_by_text("moved 0 down, 2 right").wait_for()
        page.get_by_text("Sketch", exact=True).click()
        page.get_by_role("slider", name="Brush width").wait_for()
        stroke(page, (0.1, 0.5), (0.3, 0.5))
        drawn.get_by_text("Sketch").wait_for()
        page.get_by_role("button", name="Undo").click()
        page.wait_for_function("document.querySelectorAll('ol li').length === 2")
        assert browser.unnamed(page) == []

        page.get_by_role("spinbutton", name="Stay near").fill("0")
        page.get_by_role("button", name="Apply").click()
        page.locator("img[alt='The edited picture']").wait_for()
        page.get_by_text("Warp 1:").wait_for()
        before, edited = picture_in(page, "The picture to edit"), picture_in(page, "The edited picture")
        red = np.array([255, 0, 0])
        far = [np.abs(picture[0, 1:7].astype(int) - red).mean() for picture in (before, edited)]
        assert far[1] < far[0] - 3
        strip = picture_in(page, "8 steps")
        assert strip.shape[1] > 7 * strip.shape[0]
        for button, name in (("Download picture", "captioned-edited.png"), ("Download 8 steps", "captioned-strip.png")):
            with page.expect_download() as download:
                page.get_by_label(button).or_(page.get_by_role("button", name=button)).click()
            assert download.value.suggested_filename == name
        page.get_by_role("button", name="Go on from here").click()
        shown(page, "seed 0, edited").wait_for()
        np.testing.assert_array_equal(picture_in(page, "The picture to edit"), edited)
        page.get_by_role("button", name="Undo").click()  # back to the picture before, and to what was drawn on it
        shown(page, "seed 0").wait_for()
        assert drawn.count() == 2

        mine = tmp_path / "mine.png"
        Picture.fromarray(before).save(mine)
        page.locator(".q-tab-panel:visible input[type=file]").set_input_files(str(mine))
        shown(page, "nearest to mine.png").wait_for()
        near = picture_in(page, "The picture to edit").astype(int)
        assert np.abs(near - before).mean() < 40 and drawn.count() == 0
        page.get_by_role("form", name="Edit").get_by_role("slider", name="Seed").focus()
        page.keyboard.press("ArrowRight")
        shown(page, "seed 1").wait_for()
        assert page.hosts <= {gallery.removeprefix("http://"), ""} and page.troubles == []


def test_all_of_it_goes_by_keyboard(gallery):
    with browser.opened() as page:
        page.goto(f"{gallery}/ui/models/labelled")
        page.get_by_role("tab", name="Edit").focus()
        page.keyboard.press("Enter")
        shown(page, "seed 0").wait_for()
        page.get_by_role("form", name="Edit").get_by_role("combobox", name="Label").focus()
        first = picture_in(page, "The picture to edit")
        source = page.locator(".zoo-easel img").first.get_attribute("src")
        page.keyboard.press("Enter")
        page.get_by_role("option", name="kind 1").wait_for()
        page.keyboard.press("ArrowDown")
        page.keyboard.press("Enter")
        page.wait_for_function("source => document.querySelector('.zoo-easel img').src !== source", arg=source)
        assert (picture_in(page, "The picture to edit") != first).any()
        page.locator("summary").focus()
        page.keyboard.press("Enter")
        for field, value in {"Top": 2, "Left": 1, "Height": 4, "Width": 4, "Move right": 2}.items():
            page.get_by_label(field, exact=True).fill(str(value))
        drawn = page.locator("ol[aria-label='What is drawn'] li")
        for button, says in (
            ("Colour it", "Colour #ffffff: 4 x 4 pixels at row 2, column 1"),
            ("Sketch its outline", "Sketch: a stroke"),
            ("Move it", "moved 0 down, 2 right"),
            ("Erase in it", "Eraser: 4 x 4"),
        ):
            page.get_by_role("button", name=button).focus()
            page.keyboard.press("Enter")
            drawn.get_by_text(says).wait_for()
        assert browser.unnamed(page) == []
        page.get_by_label("Left", exact=True).fill("3")
        page.get_by_role("button", name="Move it").click()
        page.get_by_role("alert").get_by_text("leaves the picture of 8 x 8").wait_for()
        page.get_by_label("Left", exact=True).fill("")
        page.get_by_role("button", name="Move it").click()
        page.get_by_role("alert").get_by_text("needs a number").wait_for()
        page.get_by_role("button", name="Clear").click()
        page.wait_for_function("document.querySelectorAll('ol li').length === 0")
        page.get_by_role("switch", name="Apply after each stroke").click()
        stroke(page, (0.2, 0.2), (0.8, 0.8))
        page.locator("img[alt='The edited picture']").wait_for()
        assert page.troubles == []


def test_what_changes_meanwhile_is_done_once_more():
    pytest.importorskip("nicegui", reason="no nicegui: pip install 'tfgan_zoo[ui]'")
    from tfgan_zoo.serving.controls import Latest

    done = []

    async def work():
        await asyncio.sleep(0.01)
        done.append(len(done))
        if len(done) == 4:
            raise ValueError

    async def moved():
        latest = Latest(work)
        await asyncio.gather(latest(), latest(), latest())
        assert len(done) == 2
        await latest()
        with pytest.raises(ValueError):
            await latest()
        await latest()  # an error does not block what comes later

    asyncio.run(moved())
    assert len(done) == 5
