"""The page of the server in a headless browser, and who is let in."""

import asyncio
import base64
import json
import re
import subprocess
from types import SimpleNamespace

import browser
import numpy as np
from PIL import Image as Picture
from starlette.responses import PlainTextResponse

from tfgan_zoo.serving.guard import Guard
from tfgan_zoo.serving.service import Service
from tfgan_zoo.serving.settings import Settings


def test_the_page(gallery, tmp_path):
    with browser.opened() as page:

        def sources(count):
            page.wait_for_function(f"document.querySelectorAll('img').length === {count}")
            return page.eval_on_selector_all("img", "all => all.map(e => e.src)")

        def is_another(before):
            page.wait_for_function(f"!document.querySelector('img').src.endsWith({before[-40:]!r})")
            return page.eval_on_selector_all("img", "all => all.map(e => e.src)")

        page.goto(gallery)  # the gallery: eight of `labelled` and, of the text that it begins with, of `captioned`
        sources(16)
        page.get_by_role("link", name="labelled", exact=True).click()

        any_class = sources(8)
        page.get_by_role("combobox", name="Label").click()
        page.get_by_role("option", name="kind 1").click()
        chosen = is_another(any_class[0])
        assert browser.unnamed(page) == []
        # The command that is shown gives the picture that is shown.
        command = page.get_by_role("region", name="Command").inner_text()
        request, url = re.fullmatch(r"curl -d '(.*)' (\S+) \| jq .*", command.replace("\n", " ")).groups()
        assert json.loads(request)["inputs"]["label"] == 1
        answer = json.loads(subprocess.run(["curl", "-s", "-d", request, url], capture_output=True, check=True).stdout)
        assert [one["b64"] for one in answer["outputs"]["images_bytes"]] == [s.partition(",")[2] for s in chosen]
        # By keyboard: one step of the slider is the next seed.
        page.get_by_role("slider", name="Seed").focus()
        page.keyboard.press("ArrowRight")
        assert is_another(chosen[0])[:7] == chosen[1:]
        page.get_by_role("tab", name="between two seeds").click()
        page.wait_for_selector("img[alt='step 8']")
        page.get_by_role("tab", name="Card").click()
        page.get_by_text("labelled").first.wait_for()

        page.goto(f"{gallery}/ui/models/captioned")
        texts = sources(8)
        page.get_by_role("textbox", name="Text").fill("cat cat")
        is_another(texts[0])
        page.get_by_role("tab", name="mirror").click()
        page.get_by_text("Choose a file: Image.").wait_for()
        picture = np.random.default_rng(0).integers(0, 256, (16, 24, 3), np.uint8)
        Picture.fromarray(picture).save(tmp_path / "mine.png")
        page.set_input_files("input[type=file]", str(tmp_path / "mine.png"))
        page.wait_for_selector("img[alt='before: mine.png']")
        after = page.wait_for_selector("img[alt=after]").get_attribute("src").partition(",")[2]
        (tmp_path / "after.png").write_bytes(base64.b64decode(after))
        np.testing.assert_array_equal(np.asarray(Picture.open(tmp_path / "after.png")), picture[:, ::-1])
        assert browser.unnamed(page) == []
        page.goto(f"{gallery}/ui/models/nobody")
        page.get_by_role("alert").get_by_text("Servable not found").wait_for()

        assert page.hosts <= {gallery.removeprefix("http://"), ""} and page.troubles == []


# === Who is let in ===
def ask(guard, path="/ui/", method="GET", body=b"", kind="http", **headers):
    """(status, headers, body) of what the guard answers; status None where a connection is closed."""
    sent = []

    async def receive():
        return {"type": "http.request", "body": body}

    async def send(message):
        sent.append(message)

    scope = {"type": kind, "path": path, "method": method, "query_string": b"", "headers": [
        (key.encode(), value.encode()) for key, value in {"host": "here:1", **headers}.items()
    ]}  # fmt: skip
    asyncio.run(guard(scope, receive, send))
    if sent[0]["type"] == "websocket.close":
        return None, {}, b""
    found = {key.decode(): value.decode() for key, value in sent[0]["headers"]}
    return sent[0]["status"], found, b"".join(message.get("body", b"") for message in sent[1:])


def guarded(token):
    service = SimpleNamespace(settings=Settings(token=token))
    service.admit = lambda header: Service.admit(service, header)
    return Guard(PlainTextResponse("the page"), service, "/ui")


def test_without_a_token_all_are_let_in_but_pages_of_other_sites():
    guard = guarded(None)
    assert ask(guard)[2] == b"the page" and ask(guard, origin="http://here:1")[0] == 200
    assert ask(guard, origin="http://elsewhere")[0] == 403
    assert ask(guard, kind="websocket", origin="http://elsewhere")[0] is None


def test_a_token_is_typed_once_and_kept_as_a_cookie_that_does_not_tell_it():
    guard = guarded("sesame-1")
    status, _, form = ask(guard)
    assert status == 401 and b'<label for="token">' in form and b"the page" not in form
    assert ask(guard, kind="websocket")[0] is None
    assert ask(guard, "/ui/login", "POST", b"token=other")[0] == 401
    assert ask(guard, "/ui/login", "POST", b"x" * 5000)[0] == 413
    status, headers, _ = ask(guard, "/ui/login", "POST", b"token=sesame-1")
    assert (status, headers["location"]) == (303, "/ui/")
    cookie = headers["set-cookie"]
    assert "sesame" not in cookie and "HttpOnly" in cookie and "SameSite=strict" in cookie
    assert ask(guard, cookie=cookie.partition(";")[0])[2] == b"the page"
    assert ask(guard, cookie="tfgan_zoo=other")[0] == 401
    assert ask(guard, authorization="Bearer sesame-1")[2] == b"the page"
