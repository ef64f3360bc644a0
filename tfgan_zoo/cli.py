"""The command line: each command parses, then calls one verb. `python -m tfgan_zoo --help` lists them.

Errors are one line on stderr and exit status 2; Ctrl-C in training saves and exits with 130.
"""

import functools
import importlib
import logging
import os
import sys

import click

from tfgan_zoo import __version__, console, index
from tfgan_zoo.errors import ZooError, unknown

TARGET = "TARGET is a preset with pretrained weights (`list` marks them) or a run directory."


class Commands(click.Group):
    """Suggests the nearest command for an unknown one and turns ZooErrors into one line with status 2."""

    def resolve_command(self, context, arguments):
        if arguments and arguments[0] not in self.commands and not arguments[0].startswith("-"):
            raise click.UsageError(str(unknown("command", arguments[0], self.commands)))
        return super().resolve_command(context, arguments)

    def list_commands(self, context):
        return list(self.commands)

    def invoke(self, context):
        try:
            return super().invoke(context)
        except ZooError as error:
            console.note(f"error: {error}")
            sys.exit(2)
        except KeyboardInterrupt as stop:
            console.note(str(stop) or "stopped")
            sys.exit(130)


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="tfgan_zoo")
def main():
    """Adversarial models for Keras: train, evaluate, sample and serve them.

    \b
    First steps:
      python -m tfgan_zoo list                          what there is
      python -m tfgan_zoo train dcgan_glyphs            train on embedded data, no download
      python -m tfgan_zoo generate dcgan_mnist --out digits.png
    """


def needs_tensorflow(command):
    """Import TensorFlow before the command runs, without the lines its C++ part prints while it loads.

    They tell of device probing and kernel registration, which is no message to a user. TF_CPP_MIN_LOG_LEVEL=0 shows them.
    """
    @functools.wraps(command)
    def run(*arguments, **options):
        if os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3") == "0":
            return command(*arguments, **options)
        sys.stderr.flush()
        stderr, nothing = os.dup(2), os.open(os.devnull, os.O_WRONLY)
        os.dup2(nothing, 2)
        try:
            importlib.import_module("tensorflow")
        finally:
            os.dup2(stderr, 2)
            os.close(stderr)
            os.close(nothing)
        logging.getLogger("absl").setLevel(logging.ERROR)
        return command(*arguments, **options)

    return run


def check_target(context, parameter, target):
    """Refuse what is neither a run nor a pretrained preset before the slow import."""
    from tfgan_zoo import runs, weights

    if parameter.name == "target" and os.path.isdir(target):
        runs.Run(target)
    elif target in weights.names() or target in index.presets():
        weights.card(target)
    else:
        raise unknown("run directory or preset" if parameter.name == "target" else "preset", target, index.presets())
    return target


def check_preset(context, parameter, preset):
    """Refuse an unknown preset before the slow import."""
    index.preset_path(preset)
    return preset


def check_keras(context, parameter, out):
    """Refuse a name that Keras would write in another format."""
    if out and not out.endswith(".keras"):
        raise ZooError(f"--out {out}: must end in .keras.")
    return out


def data_options(command):
    """The options of every command that reads data."""
    for option in (
        click.option("--data-dir", metavar="DIR", help="Where TFDS data sets lie (or are put with --download)."),
        click.option("--download", is_flag=True, help="Let TFDS download the data set when it is not there."),
    ):
        command = option(command)
    return command


@main.command("list", short_help="The presets: what each trains, on which data.")
@click.option("--family", help="Only presets of this family.")
@click.option("--pretrained", is_flag=True, help="Only presets with pretrained weights.")
def list_(family, pretrained):
    """List the presets: what each trains, on which data, for how long."""
    if family:
        index.family_facts(family)  # an unknown name is an error with suggestions
    rows = [f for f in index.listing() if (not family or f["family"] == family) and (not pretrained or f["pretrained"])]
    console.table("", ("preset", "family", "data", "shape", "steps", "pretrained"), [
        (f["preset"], f["family"], f["data"], f["shape"], f"{f['steps']:,}", "yes" if f["pretrained"] else "") for f in rows
    ])


@main.command(short_help="A preset's or a family's facts and card.")
@click.argument("name", metavar="PRESET|FAMILY")
def info(name):
    """Show a preset (settings, paper, pretrained card) or a family (paper, arguments, presets)."""
    facts = index.info(name)
    family = facts.get("family_facts", facts)
    if "text" in facts:
        click.echo(f"{facts['file']}\n\n{facts['text'].rstrip()}\n")
    click.echo(f"family {facts['family']}: {family['class']}\n\n{family['doc']}\n\n{family['class_doc']}\n")
    console.table("arguments", ("argument", "default"), family["arguments"].items())
    if facts.get("presets"):
        click.echo(f"\npresets: {', '.join(facts['presets'])}")
    if facts.get("card"):
        card = facts["card"]
        click.echo("")
        console.table("pretrained", ("", ""), [
            ("file", f"{card['file']}, {card['bytes'] / 1e6:.1f} MB as {card['storage']}"), ("sha256", card["sha256"]),
            ("data", f"{card['data']['source']}, licence {card['data']['licence']}"),
            ("training", f"{card['training']['steps']:,} steps, seed {card['training']['seed']}, "
                         f"{console.duration(card['training']['seconds'])} on {card['training']['hardware']}"),
            ("commit", card["training"]["commit"]),
            *[(m["metric"], metric_line(m)) for m in card["metrics"]],
        ])


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
@click.argument("name", callback=check_target)
@click.option("--out", metavar="FILE.keras", callback=check_keras, help="Write the model for keras.models.load_model (after `import tfgan_zoo.zoo`).")
@needs_tensorflow
def get(name, out):
    """Get a pretrained model: verify its weights, say what it is, and write it as a .keras file."""
    from tfgan_zoo import files, weights, zoo

    model = zoo.get(name)
    click.echo(f"{name}: {weights.find(name, weights.card(name))} is whole; "
               f"{', '.join(f'{n} {network.count_params():,}' for n, network in model.networks_by_name.items())} parameters")
    if out:
        model.compile()
        with files.atomic(out) as temporary:
            model.save(temporary)
        click.echo(out)


@main.command(short_help="Train a preset, or resume its unfinished run.")
@click.argument("preset")
@click.argument("overrides", nargs=-1, metavar="[KEY=VALUE]...")
@data_options
@click.option("--run-dir", metavar="DIR", help="Where everything is written. Default: runs/<preset>.")
@click.option("--smoke", is_flag=True, help="The preset's [smoke] settings: tiny networks, embedded data, seconds.")
@click.option("--dry-run", is_flag=True, help="Show settings, networks, data and an estimate of the time; write nothing.")
@click.option("--replicas", type=click.IntRange(min=1), metavar="N", help="Train on N GPUs, or N logical CPU devices.")
def train(preset, overrides, data_dir, download, run_dir, smoke, dry_run, replicas):
    """Train PRESET (a name, or a .toml file). An unfinished run of the same settings is resumed.

    \b
    python -m tfgan_zoo train dcgan_glyphs
    python -m tfgan_zoo train dcgan_mnist --data-dir ~/tensorflow_datasets train.steps=2000
    python -m tfgan_zoo train dcgan_celeba data.source=folder data.path=my_pictures
    python -m tfgan_zoo train dcgan_glyphs model.image_shape="[64, 64, 3]" train.seed=3 --dry-run
    """
    from tfgan_zoo import config

    config.load(preset, [*overrides, *config.data_options(data_dir, download)], smoke=smoke)  # before the slow import
    options = {"data_dir": data_dir, "download": download, "smoke": smoke, "replicas": replicas}
    start_training(preset, overrides, run_dir, dry_run, options)


@needs_tensorflow
def start_training(preset, overrides, run_dir, dry_run, options) -> None:
    """What `train` does once its settings are known to be sound."""
    from tfgan_zoo import training

    if dry_run:
        show_plan(training.dry_run(preset, overrides, **options))
    else:
        say_what_lies_where(training.train(preset, overrides, run_dir=run_dir, **options))


def show_plan(plan) -> None:
    """Print what a dry run found out."""
    import json

    click.echo(json.dumps(plan["experiment"].as_dict(), indent=2))
    console.table("\nnetworks", ("network", "parameters"), [(k, f"{v:,}") for k, v in plan["networks"].items()])
    console.table("\ndata", ("", ""), plan["data"].items())
    steps = plan["experiment"].train.steps
    click.echo(f"\n{plan['seconds_per_step']:.3g} s a step (mean of 3): {steps:,} steps take about "
               f"{console.duration(plan['seconds'])}. Nothing was written.")


def say_what_lies_where(run) -> None:
    """After training: the files and the next commands."""
    last = sorted((run.path / "samples").glob("*.png"))[-1]
    console.table(f"\nfinished: {run.path}", ("", ""), [
        ("samples", last), ("losses", run.path / "losses.png"), ("model", run.path / "model.keras"),
        ("logs", run.path / "metrics.jsonl"), ("TensorBoard", f"tensorboard --logdir {run.path / 'tensorboard'}"),
    ])
    click.echo("\nnext:")
    for line in (f"evaluate {run.path}", f"generate {run.path} --num 64 --out samples.png", f"export {run.path}"):
        click.echo(f"  python -m tfgan_zoo {line}")


@main.command(epilog=TARGET, short_help="Measure samples against real images.")
@click.argument("target", callback=check_target)
@click.argument("overrides", nargs=-1, metavar="[KEY=VALUE]...")
@click.option("--metrics", metavar="A,B", help="fd_mnist, fd_fashion, fid64, fid192, fid768. Default: the preset's.")
@click.option("--num", type=click.IntRange(min=2), help="Images to generate. Default: the preset's, usually 10,000.")
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Seed of the first image.")
@click.option("--truncation", type=float, help="Truncate latents; 1 is mild, 0.5 strong.")
@click.option("--inception-weights", metavar="FILE", help="The .npz for fid*. Or set TFGAN_ZOO_INCEPTION.")
@data_options
@needs_tensorflow
def evaluate(target, overrides, metrics, num, seed, truncation, inception_weights, data_dir, download):
    """Measure how far generated images are from real ones; prints the real-against-real floor beside each number.

    \b
    python -m tfgan_zoo evaluate runs/dcgan_mnist --data-dir ~/tensorflow_datasets
    """
    from tfgan_zoo import verbs

    names = [name.strip() for name in metrics.split(",")] if metrics else ()
    results = verbs.evaluate(target, overrides, metrics=names, samples=num, seed=seed, truncation=truncation,
                             data_dir=data_dir, download=download, inception_weights=inception_weights)
    console.table("", ("metric", "value", "floor", "protocol"), [
        (r.metric, f"{r.value:.4g}", "" if r.floor is None else f"{r.floor:.4g}", protocol(r.as_dict())) for r in results
    ])


def metric_line(result) -> str:
    """A stored result in one line."""
    floor = "" if result["floor"] is None else f" (floor {result['floor']:.4g})"
    return f"{result['value']:.4g}{floor}; {protocol(result)}"


def protocol(r) -> str:
    """How a stored result was measured, in one line."""
    return (f"{r['samples']:,} samples{' of the EMA' if r['ema'] else ''}, seed {r['seed']}, against {r['reference_samples']:,} of "
            f"{r['reference']}; {r['features']} {r['features_sha256'][:8]}, {r['resize']}")


@main.command(epilog=TARGET, short_help="Grids, single files, latent arithmetic.")
@click.argument("target", callback=check_target)
@click.option("--num", type=click.IntRange(min=1), default=16, show_default=True, help="How many images.")
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Image i has seed SEED + i.")
@click.option("--truncation", type=float, help="Truncate latents: fewer oddities, less variety.")
@click.option("--arith", metavar='"A - B + C"', help='Latent arithmetic over seeds or groups: "(1,2) - (3,4) + (5,6)".')
@click.option("--out", metavar="PATH", help="A .png or .jpg for one grid, else a folder. Default: <name>.png")
@needs_tensorflow
def generate(target, num, seed, truncation, arith, out):
    """Generate images: a grid, single files, or latent arithmetic. The same seed gives the same image.

    \b
    python -m tfgan_zoo generate dcgan_mnist --num 64 --out digits.png
    python -m tfgan_zoo generate dcgan_mnist --num 1000 --out digits/
    python -m tfgan_zoo generate dcgan_mnist --arith "(3,17) - (8,9) + 12" --out sum.png
    """
    from tfgan_zoo import verbs

    out = out or default_out(target)
    if arith:
        verbs.arithmetic(target, arith, out)
    else:
        verbs.generate(target, num, seed, truncation, out)
    click.echo(out)


@main.command(epilog=TARGET, short_help="A strip or GIF between seeds.")
@click.argument("target", callback=check_target)
@click.option("--seeds", default="0,1,2,3", show_default=True, metavar="A,B,...", help="Two or more seeds to walk through.")
@click.option("--steps", type=click.IntRange(min=2), default=8, show_default=True, help="Images from one seed to the next.")
@click.option("--method", default="linear", show_default=True, help="linear or spherical.")
@click.option("--out", metavar="PATH", help="A .png for a strip, a .gif for an animation. Default: <name>.png")
@needs_tensorflow
def interpolate(target, seeds, steps, method, out):
    """Walk between the latents of seeds, as a strip or an animation."""
    from tfgan_zoo import verbs

    try:
        numbers = [int(part) for part in seeds.split(",")]
    except ValueError:
        raise ZooError(f"--seeds {seeds}: give whole numbers separated by commas, such as 0,1,2.") from None
    out = out or default_out(target)
    verbs.interpolate(target, numbers, steps, method, out)
    click.echo(out)


def default_out(target: str) -> str:
    """A picture named after the target, in the current directory."""
    return f"{os.path.basename(os.path.normpath(target))}.png"


@main.command(epilog=TARGET, short_help="A verified SavedModel for TensorFlow Serving.")
@click.argument("target", callback=check_target)
@click.option("--folder", default="export/models", show_default=True, help="Where served models live.")
@click.option("--name", help="The name to serve under. Default: the preset's.")
@click.option("--version", type=click.IntRange(min=1), help="Default: the next free number.")
@needs_tensorflow
def export(target, folder, name, version):
    """Write a SavedModel for TensorFlow Serving; a process without Keras reloads and compares it."""
    from tfgan_zoo import verbs

    path = verbs.export(target, folder, name=name, version=version)
    click.echo(f"{path}\n\nserve it: see export/README.md, or\n  saved_model_cli show --all --dir {path}")


@main.command(short_help="Versions and devices, for bug reports.")
@needs_tensorflow
def env():
    """Versions, devices and settings, as JSON, for bug reports."""
    import json

    from tfgan_zoo import devices

    click.echo(json.dumps(devices.environment(), indent=2))
