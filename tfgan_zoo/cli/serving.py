"""Command for services: serve."""

import json
import os
import sys
import threading
import webbrowser
from pathlib import Path

import click

from tfgan_zoo.cli.common import main, needs_tensorflow
from tfgan_zoo.errors import ZooError

FILE = click.Path(path_type=Path)


def check_names(context, parameter, names):
    """Refuse what is neither exported nor a model, before the slow import."""
    from tfgan_zoo import targets

    base = Path(context.params["base"]).expanduser()
    for name in names:
        if not any((base / name).glob("[0-9]*")):
            targets.resolve(name)
    return names


def token_of(file: Path | None) -> str | None:
    """The token in a file, or in the environment, where processes of other users do not see it."""
    if file is None:
        return os.environ.get("TFGAN_ZOO_TOKEN") or None
    try:
        token = file.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ZooError(f"--token-file {file}: cannot be read: {error}.") from None
    if not token:
        raise ZooError(f"--token-file {file}: is empty; write the token into it.")
    return token


@main.command(short_help="Serve models over REST and gRPC.")
@click.argument("names", nargs=-1, required=True, metavar="NAME...", callback=check_names)
@click.option(
    "--model-base-path",
    "base",
    metavar="DIR",
    default="export/models",
    show_default=True,
    is_eager=True,
    help="Where served models live.",
)
@click.option("--ui", is_flag=True, help="Also a page to play with the models, opened in the browser.")
@click.option("--no-browser", is_flag=True, help="With --ui: do not open it.")
@click.option("--host", default="127.0.0.1", show_default=True, help="0.0.0.0 lets other machines in.")
@click.option("--port", type=click.IntRange(0, 65535), default=8501, show_default=True, help="REST; 0 for a free one.")
@click.option("--grpc-port", type=click.IntRange(0, 65535), default=8500, show_default=True, help="0 for a free one.")
@click.option("--token-file", type=FILE, help="Clients must send this token. Or set TFGAN_ZOO_TOKEN.")
@click.option("--certificate", type=FILE, help="A PEM file, for TLS.")
@click.option("--key", type=FILE, help="The certificate's key.")
@click.option("--timeout", type=click.FloatRange(min=0.1), default=30.0, show_default=True, help="Seconds a request.")
@click.option("--queue", type=click.IntRange(min=1), default=256, show_default=True, help="Requests that may wait.")
@click.option("--batch", type=click.IntRange(min=1), default=64, show_default=True, help="Rows computed together.")
@click.option("--max-body", type=click.IntRange(min=1), default=64, show_default=True, help="MiB of a request.")
@click.option("--grace", type=click.FloatRange(min=0), default=20.0, show_default=True, help="Seconds to finish in.")
@needs_tensorflow
def serve(names, base, token_file, max_body, no_browser, **options):
    """Serve exported models to clients of TensorFlow Serving, without a container, until Ctrl-C or SIGTERM.

    NAME is a model in --model-base-path, or what `export` takes: then it is exported first. New versions are taken up
    while the server runs.

    \b
    python -m tfgan_zoo serve dcgan_mnist
    python -m tfgan_zoo serve dcgan_mnist cgan_mnist --ui
    """
    from tfgan_zoo import verbs
    from tfgan_zoo.serving.settings import Settings

    settings = Settings(token=token_of(token_file), body=max_body * 2**20, **options)
    verbs.serve(names, base, settings, lambda server: told(server, open_page=not no_browser))


def told(server, open_page: bool = False) -> None:
    """Say where the models are and how to ask; `open_page`: show the page, if there is one, in the browser."""
    scheme = "https" if server.settings.certificate else "http"
    host = server.settings.host
    for name, model in server.service.models.by_name.items():
        url = f"{scheme}://{host}:{server.port}/v1/models/{name}"
        click.echo(f"{name} {', '.join(map(str, sorted(model.versions)))}: {url} (gRPC: {host}:{server.grpc_port})")
    newest = model.versions[max(model.versions)]
    if "sample" in newest.signatures:
        inputs = {key: -1 for key in newest.signatures["sample"].inputs} | {"count": 1, "seed": 7}
        body = json.dumps({"signature_name": "sample", "inputs": inputs})
        click.echo(f"\ntry: curl -d '{body}' {url}:predict")
    if server.settings.ui:
        page = f"{scheme}://{host}:{server.port}/ui/"
        click.echo(f"\npage: {page}")
        if open_page and has_display():
            # In a thread: some browsers are waited for, and the server would wait too.
            threading.Thread(target=webbrowser.open, args=[page], daemon=True).start()


def has_display() -> bool:
    """Whether a browser has a screen; without one, a browser for terminals would take this one."""
    return sys.platform in ("darwin", "win32") or bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))
