"""A headless browser for tests of pages; they are skipped where there is none."""

import contextlib
import shutil

import pytest


@contextlib.contextmanager
def opened():
    """A page of Chromium; `page.hosts` is what it has asked, `page.troubles` what its console says of errors."""
    sync_api = pytest.importorskip("playwright.sync_api", reason="no playwright: pip install playwright")
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if chromium is None:
        pytest.skip("no chromium: apt-get install chromium")
    with sync_api.sync_playwright() as play:
        # A container has no sandbox to give; its own host names and updates stay switched off.
        arguments = ["--no-sandbox", "--disable-background-networking"]
        browser = play.chromium.launch(executable_path=chromium, args=arguments)
        page = browser.new_page(viewport={"width": 1100, "height": 700})
        page.set_default_timeout(15_000)
        page.hosts, page.troubles = set(), []
        page.on("request", lambda r: page.hosts.add(r.url.removeprefix("blob:").split("/")[2] if "//" in r.url else ""))
        page.on("console", lambda message: page.troubles.append(message.text) if message.type == "error" else None)
        try:
            yield page
        finally:
            browser.close()


# Names as screen readers find them: a label, aria-label, the text of a button or of a label around it.
UNNAMED = """() => [...document.querySelectorAll('input, textarea, button, [role=button], [role=combobox], img, audio')]
  .filter(e => e.getClientRects().length && !(e.labels?.length || e.getAttribute('aria-label') || e.alt ||
    e.title || e.closest('label, [role=button], button, .q-btn')?.textContent.trim() || e.textContent.trim()))
  .map(e => e.outerHTML.slice(0, 200))"""


def unnamed(page):
    """The visible controls and pictures without a name."""
    return page.evaluate(UNNAMED)
