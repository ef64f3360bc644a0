"""Commands for whole models: build, get, export."""

import click

from tfgan_zoo import console, index
from tfgan_zoo.cli.common import TARGET, check_out, check_target, main, needs_tensorflow, step_option, writable
from tfgan_zoo.errors import ZooError, unknown


def check_preset(context, parameter, preset):
    """Refuse an unknown preset before the slow import."""
    index.preset_path(preset)
    return preset


def check_pretrained(context, parameter, name):
    """Refuse what has no pretrained weights."""
    from tfgan_zoo import weights

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
    from tfgan_zoo import files, weights, zoo

    model = zoo.get(name)
    counts = ", ".join(f"{n} {network.count_params():,}" for n, network in model.networks_by_name.items())
    click.echo(f"{name}: {weights.find(name, weights.card(name))} verified; {counts} parameters")
    if out:
        model.compile()
        with files.written(out) as temporary:
            model.save(temporary)
        click.echo(out)


@main.command(epilog=TARGET, short_help="A verified SavedModel for TensorFlow Serving.")
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
@step_option
@click.option("--all", "every", is_flag=True, help="With --smoke: every family, compared, in a table.")
@click.option("--smoke", is_flag=True, help="With --all: tiny models without training, which are not kept.")
@needs_tensorflow
def export(target, out, name, version, step, every, smoke):
    """Write a SavedModel for TensorFlow Serving; a process without Keras reloads and compares it.

    It has a signature for each thing that the model can be asked (generate, encode, translate ...), and one that takes
    and gives files where it has to do with pictures or sounds.
    """
    from tfgan_zoo import verbs, zoo

    if every or smoke or target is None:
        if target is not None or not (every and smoke):
            raise ZooError("export takes a target (a preset, a run or a .keras file), or --all --smoke without one.")
        return export_table(index.families())
    path = verbs.export(zoo.loaded(target, step), out, name=name, version=version)
    home = path.parent.resolve()
    click.echo(
        f"{path}\n\nlook at it: saved_model_cli show --all --dir {path}\nserve it:   docker run -p 8501:8501 -v "
        f"{home}:/models/{home.name} -e MODEL_NAME={home.name} tensorflow/serving"
    )


def export_table(families):
    """Export and compare every family at smoke size; print a table, and end with status 2 where one fails."""
    from tfgan_zoo.serving import table

    made = []
    for row in table.rows(families):
        made.append(row)
        if len(made) == 1 or made[-2]["family"] != row["family"]:
            console.note(f"{row['family']}: {row['error'] if 'error' in row else 'compared'}")
    good = [row for row in made if "error" not in row]
    console.table(
        "SavedModels against their models",
        ["family", "signature", "largest difference", "seconds", "MiB"],
        [
            [r["family"], r["signature"], f"{r['difference']:.1e}", f"{r['seconds']:.1f}", f"{r['bytes'] / 2**20:.2f}"]
            for r in good
        ],
    )
    if bad := [row["family"] for row in made if "error" in row]:
        raise ZooError(f"{len(bad)} of {len({row['family'] for row in made})} families failed: {', '.join(bad)}.")
