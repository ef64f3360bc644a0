"""The page of the server: a gallery of its models, and for each model its questions and its card, drawn by NiceGUI.

NiceGUI carries its scripts and fonts with it, so the page asks no other host. What it shows is asked of the same
`Service` as REST and gRPC, within the same limits.
"""

import urllib.parse

from nicegui import ui
from starlette.applications import Starlette
from starlette.responses import RedirectResponse
from starlette.routing import Route

from tfgan_zoo import stamps, weights
from tfgan_zoo.errors import ZooError
from tfgan_zoo.serving import easel, forms, panel, studio
from tfgan_zoo.serving.elements import heading, tagged
from tfgan_zoo.serving.guard import Guard
from tfgan_zoo.serving.models import Version
from tfgan_zoo.serving.refusals import Refused
from tfgan_zoo.serving.service import Service

PATH = "/ui"
STYLE = """
body { font-family: system-ui, sans-serif; }
.zoo-page { width: 100%; max-width: 75rem; margin: 0 auto; padding: 0 1rem 2rem; }
h1 { font-size: 1.6rem; margin: .6rem 0; line-height: 1.3; }
h2 { font-size: 1.15rem; margin: .4rem 0; line-height: 1.3; }
.zoo-form { width: 20rem; flex: none; } .zoo-answers { flex: 1; min-width: 20rem; }
.zoo-pictures { display: flex; flex-wrap: wrap; gap: .6rem; }
.zoo-pictures figure { margin: 0; } .zoo-pictures figcaption { font-size: .8rem; }
.zoo-pictures img { display: block; } .zoo-pictures img.enlarged { image-rendering: pixelated; }
.zoo-command { white-space: pre-wrap; overflow-wrap: anywhere; max-height: 8rem; overflow: auto; font-size: .75rem;
  background: #f3f3f3; color: #222; padding: .5rem; margin: 0; }
.zoo-hint { font-size: .8rem; color: #555; } .zoo-refused { color: #a00; }
.zoo-page .q-uploader__list { min-height: 0; padding: 0; }
.zoo-card th { text-align: left; padding-right: 1rem; vertical-align: top; }
"""


def add_to(app: Starlette, service: Service) -> None:
    """Put the page at `/ui` of the server's application, behind its token, and lead `/` there."""

    @ui.page("/")
    async def gallery():
        with framed("Gallery"):
            for name in service.models.by_name:
                await shown_in_gallery(service, name)

    @ui.page("/models/{name}")
    async def model(name: str):
        with framed(name):
            try:
                questions_of(service, name)
            except Refused as refused:
                ui.label(refused.message).props("role=alert")

    ui.run_with(app, title="tfgan_zoo", mount_path=PATH, language="en-US", tailwind=False, show_welcome_message=False)
    mount = next(route for route in app.routes if route.path == PATH)
    mount.app = Guard(mount.app, service, PATH)
    app.routes.append(Route("/", lambda request: RedirectResponse(f"{PATH}/")))


def framed(title: str):
    """What every page has: the style, a way back to the gallery and a heading. What follows stands in it."""
    ui.add_css(STYLE + easel.STYLE + studio.STYLE)
    ui.page_title(f"{title} - tfgan_zoo")
    frame = ui.element("div").classes("zoo-page")
    with frame:
        ui.link("tfgan_zoo: all models", "/")
        heading(1, title)
    return frame


async def shown_in_gallery(service: Service, name: str) -> None:
    """A model in the gallery: its name and, where seeds are enough, a few answers."""
    version = service.models.find(name)
    with ui.card().style("width: 100%"):
        ui.link(name, f"/models/{urllib.parse.quote(name)}")
        asked = forms.questions(version.signatures, version.facts)
        if asked and not asked[0].files and not asked[0].drawn:
            await panel.Panel(service, name, asked[0], controls=False).ask()
        elif asked:
            ui.label(", ".join(question.title for question in asked))


def questions_of(service: Service, name: str) -> None:
    """A model's page: a tab for each question, one to edit pictures and one for its card."""
    version = service.models.find(name)
    asked, edit = (ask(version.signatures, version.facts) for ask in (forms.questions, forms.edited))
    with ui.tabs().props('align=left aria-label="What the model can be asked"') as tabs:
        names = [ui.tab(question.title).props("no-caps") for question in asked]
        editing = edit and ui.tab("Edit").props("no-caps")
        about = ui.tab("Card").props("no-caps")
    with ui.tab_panels(tabs, value=names[0] if names else about).style("width: 100%"):
        for place, question in zip(names, asked, strict=True):
            with ui.tab_panel(place):
                panel.Panel(service, name, question)
        if edit:
            with ui.tab_panel(editing):
                studio.Studio(service, name, edit)
        with ui.tab_panel(about):
            card(version)


def card(version: Version) -> None:
    """What is known of a model: what `export` wrote down and, for pretrained weights, their card."""
    facts = version.facts
    rows = {"version": version.number} | {
        key: facts[key] for key in ("family", "preset", "source", "weights_sha256") if facts.get(key)
    }
    rows |= {f"parameters of {key}": f"{count:,}" for key, count in facts.get("networks", {}).items()}
    rows |= {f"argument {key}": value for key, value in facts.get("config", {}).items() if key != "vocabulary"}
    try:
        known = weights.card(str(facts.get("preset")))
    except ZooError:
        known = {}
    measured = []
    if known and known.get("sha256") == facts.get("weights_sha256"):
        rows |= {f"data: {key}": value for key, value in known.get("data", {}).items() if key != "class_names"}
        rows |= {f"training: {key}": known["training"][key] for key in ("steps", "seconds", "hardware")}
        measured = known.get("metrics", [])
    heading(2, "Facts")
    table({str(key): str(value) for key, value in rows.items()})
    if measured:
        heading(2, "Measured")
        table({row["metric"]: f"{stamps.number(row)}; {stamps.protocol(row | stamps.UNSAID)}" for row in measured})


def table(rows: dict[str, str]) -> None:
    """Names and values."""
    with ui.element("table").classes("zoo-card"):
        for key, value in rows.items():
            with ui.element("tr"):
                with tagged("th", scope="row"):
                    ui.label(key)
                with ui.element("td"):
                    ui.label(value)
