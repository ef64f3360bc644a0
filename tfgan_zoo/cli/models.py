"""Commands for whole models: build, get, export."""

import json
import logging

import click

from tfgan_zoo import console, index
from tfgan_zoo.cli.common import TARGET, check_out, check_target, main, needs_tensorflow, step_option, writable
from tfgan_zoo.errors import ZooError, unknown


def check_preset(context, parameter, preset):
    """Refuse an unknown preset before the slow import."""
    index.preset_path(preset)
    return preset


def check_pretrained(context, parameter, name):
    """Refuse what has no pretrained weights and is no shared model."""
    from tfgan_zoo import sharing, weights

    if name.startswith(sharing.HUB) or sharing.find(name):
        return name
    if name not in weights.names() and name not in index.presets():
        raise unknown("preset", name, index.presets())
    weights.card(name)
    return name


def check_keras(context, parameter, out):
    """Refuse a name that Keras would write in another format."""
    if out and not out.endswith(".keras"):
        raise ZooError(f"--out {out}: must end in .keras.")
    writable("--out", out)
    return out


@main.command(short_help="Show a preset's networks, layer by layer.")
@click.argument("preset", callback=check_preset)
@click.argument("overrides", nargs=-1, metavar="[KEY=VALUE]...")
@needs_tensorflow
def build(preset, overrides):
    """Build a preset's networks and show them, layer by layer.

    \b
    python -m tfgan_zoo build dcgan_celeba model.filters=64
    """
    from tfgan_zoo import config, zoo

    for network in zoo.build(config.load(preset, overrides)).networks_by_name.values():
        network.summary(print_fn=click.echo)


@main.command(short_help="Verify a pretrained model, write it as .keras.")
@click.argument("name", callback=check_pretrained)
@click.option(
    "--out", metavar="FILE.keras", callback=check_keras, help="Write the model for `tfgan_zoo.load` and every command."
)
@needs_tensorflow
def get(name, out):
    """Get a pretrained model: verify its weights, say what it is, and write it as a .keras file."""
    from tfgan_zoo import files, sharing, weights, zoo

    model = zoo.get(name)
    counts = ", ".join(f"{n} {network.count_params():,}" for n, network in model.networks_by_name.items())
    folder = sharing.find(name)
    file = folder / sharing.WEIGHTS if folder else weights.find(name, weights.card(name))
    click.echo(f"{name}: {file} verified; {counts} parameters")
    if out:
        model.compile()
        with files.written(out) as temporary:
            model.save(temporary)
        click.echo(out)


@main.command(epilog=TARGET, short_help="A verified SavedModel, LiteRT or ONNX.")
@click.argument("target", callback=check_target, required=False)
@click.option(
    "--out",
    "--folder",
    "out",
    metavar="DIR",
    default="export/models",
    show_default=True,
    callback=check_out,
    help="Where served models live.",
)
@click.option("--name", help="The name to serve under. Default: the run's, the preset's or the file's.")
@click.option("--version", type=click.IntRange(min=1), help="Default: the next free number.")
@click.option(
    "--format",
    type=click.Choice(["savedmodel", "litert", "onnx"]),
    default="savedmodel",
    show_default=True,
    help="For TensorFlow Serving, for phones and boards, for onnxruntime.",
)
@click.option("--quantize", type=click.Choice(["float16", "int8"]), help="With litert: fewer bits. Default: float32.")
@step_option
@click.option("--all", "every", is_flag=True, help="With --smoke: every family, compared, in a table.")
@click.option("--smoke", is_flag=True, help="With --all: tiny models without training, which are not kept.")
@needs_tensorflow
def export(target, out, name, version, format, quantize, step, every, smoke):
    """Write a SavedModel for TensorFlow Serving; a process without Keras reloads and compares it.

    It has a signature for each thing that the model can be asked (generate, encode, translate ...), and one that takes
    and gives files where it has to do with pictures or sounds. LiteRT and ONNX have a file for each.
    """
    from tfgan_zoo import verbs, zoo

    if every or smoke or target is None:
        if target is not None or not (every and smoke):
            raise ZooError("export takes a target (a preset, a run or a .keras file), or --all --smoke without one.")
        return export_table(index.families(), format, quantize)
    loaded = zoo.loaded(target, step)
    path = verbs.export(loaded, out, name=name, version=version, format=format, quantize=quantize)
    if format != "savedmodel":
        return show_files(path)
    home = path.parent.resolve()
    click.echo(
        f"{path}\n\nlook at it: saved_model_cli show --all --dir {path}\nserve it:   docker run -p 8501:8501 -v "
        f"{home}:/models/{home.name} -e MODEL_NAME={home.name} tensorflow/serving"
    )


def show_files(path):
    """Print the files of another format with their differences from the model, and what the format cannot hold."""
    card = json.loads((path / "card.json").read_text(encoding="utf-8"))
    rows = [
        [f["file"], f"{f['difference']:.1e}", f"{f['largest']:.1e}", f"{f['bytes'] / 2**20:.2f}"]
        for f in card["files"].values()
    ]
    console.table(str(path), ["file", "largest difference", "largest answer", "MiB"], rows)
    for name, reason in card["refused"].items():
        console.note(f"{name}: left out: {reason}")


def export_table(families, format="savedmodel", quantize=None):
    """Export and compare every family at smoke size; print a table.

    Raises:
        ZooError: where a family cannot be exported. Other formats cannot hold every network: they say why in the table.
    """
    from tfgan_zoo.serving import formats, table

    if format != "savedmodel":
        formats.check(format, quantize)
    logging.getLogger("tensorflow").setLevel(logging.ERROR)  # it takes the functions of many models for a mistake
    made = []
    for row in table.rows(families, format, quantize):
        made.append(row)
        if len(made) == 1 or made[-2]["family"] != row["family"]:
            console.note(f"{row['family']}: {row['error'] if 'error' in row else 'compared'}")
    bad = [row["family"] for row in made if "error" in row]
    alone = format != "savedmodel"  # each signature has a file
    columns = ["family", "signature", "largest difference", *(["largest answer"] if alone else []), "seconds", "MiB"]
    console.table(
        f"{' '.join(filter(None, [format, quantize]))} against the models",
        [*columns, "why not"] if bad else columns,
        [cells(row, len(columns)) for row in made],
    )
    if bad and not alone:
        raise ZooError(f"{len(bad)} of {len({row['family'] for row in made})} families failed: {', '.join(bad)}.")


def cells(row, columns):
    """A row of the table as texts."""
    first = [row["family"], row.get("signature", "")]
    if "error" in row:
        return [*first, *[""] * (columns - 2), row["error"]]
    numbers = [f"{row[key]:.1e}" for key in ("difference", "largest") if key in row]
    return [*first, *numbers, f"{row['seconds']:.1f}", f"{row['bytes'] / 2**20:.2f}"]


@main.command(epilog=TARGET, short_help="Give a model on: to a folder or a Hub.")
@click.argument("target", callback=check_target)
@click.argument("destination", metavar="FOLDER|hf://USER/MODEL")
@click.option(
    "--storage",
    type=click.Choice(["float32", "float16", "int8"]),
    default="float32",
    show_default=True,
    help="Of the weights: as they are, or smaller.",
)
@click.option("--private", is_flag=True, help="On the Hub: for you alone.")
@step_option
@needs_tensorflow
def push(target, destination, storage, private, step):
    """Write a model's weights with a card to a new folder, or to the Hugging Face Hub.

    \b
    python -m tfgan_zoo push runs/mine shared/mine
    """
    from tfgan_zoo import verbs, zoo

    place = verbs.push(zoo.loaded(target, step), destination, storage=storage, private=private)
    click.echo(f"{place}\n\nuse it: python -m tfgan_zoo generate {place} --out grid.png")


@main.command(short_help="Keep a shared model under a name.")
@click.argument("source", metavar="FOLDER|hf://USER/MODEL[@REVISION]")
@click.option("--name", help="By which commands know it. Default: the one on its card.")
def pull(source, name):
    """Check a shared model's weights, and keep it in the cache under a name that every command takes.

    \b
    python -m tfgan_zoo pull shared/mine
    python -m tfgan_zoo generate mine --out grid.png
    """
    from tfgan_zoo import sharing

    folder = sharing.pull(source, name)
    card = sharing.read(folder)
    click.echo(f"{folder.name}: {card['family']}, {card['bytes'] / 1e6:.1f} MB, SHA-256 {card['sha256']} verified")
    click.echo(f"{folder}\n\nuse it: python -m tfgan_zoo generate {folder.name} --out grid.png")
