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

    They tell of device probing and kernel registration, no message to a user. TF_CPP_MIN_LOG_LEVEL=0 shows them.
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
    console.table(
        "",
        ("preset", "family", "data", "shape", "steps", "pretrained"),
        [
            (f["preset"], f["family"], f["data"], f["shape"], f"{f['steps']:,}", "yes" if f["pretrained"] else "")
            for f in rows
        ],
    )


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
        console.table(
            "pretrained",
            ("", ""),
            [
                ("file", f"{card['file']}, {card['bytes'] / 1e6:.1f} MB as {card['storage']}"),
                ("sha256", card["sha256"]),
                ("data", f"{card['data']['source']}, licence {card['data']['licence']}"),
                (
                    "training",
                    f"{card['training']['steps']:,} steps, seed {card['training']['seed']}, "
                    f"{console.duration(card['training']['seconds'])} on {card['training']['hardware']}",
                ),
                ("commit", card["training"]["commit"]),
                *[(m["metric"], stored(m)) for m in card["metrics"]],
            ],
        )


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
@click.option(
    "--out",
    metavar="FILE.keras",
    callback=check_keras,
    help="Write the model for keras.models.load_model (after `import tfgan_zoo.zoo`).",
)
@needs_tensorflow
def get(name, out):
    """Get a pretrained model: verify its weights, say what it is, and write it as a .keras file."""
    from tfgan_zoo import files, weights, zoo

    model = zoo.get(name)
    click.echo(
        f"{name}: {weights.find(name, weights.card(name))} is whole; "
        f"{', '.join(f'{n} {network.count_params():,}' for n, network in model.networks_by_name.items())} parameters"
    )
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
@click.option(
    "--dry-run", is_flag=True, help="Show settings, networks, data and an estimate of the time; write nothing."
)
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
    click.echo(
        f"\n{plan['seconds_per_step']:.3g} s a step (mean of 3): {steps:,} steps take about "
        f"{console.duration(plan['seconds'])}. Nothing was written."
    )


def say_what_lies_where(run) -> None:
    """After training: the files and the next commands."""
    last = sorted((run.path / "samples").glob("*.png"))[-1]
    console.table(
        f"\nfinished: {run.path}",
        ("", ""),
        [
            ("samples", last),
            ("losses", run.path / "losses.png"),
            ("model", run.path / "model.keras"),
            ("logs", run.path / "metrics.jsonl"),
            ("TensorBoard", f"tensorboard --logdir {run.path / 'tensorboard'}"),
        ],
    )
    click.echo("\nnext:")
    for line in (f"evaluate {run.path}", f"generate {run.path} --num 64 --out samples.png", f"export {run.path}"):
        click.echo(f"  python -m tfgan_zoo {line}")


class Measuring(click.Command):
    """Ends its help with the metrics there are."""

    def format_epilog(self, context, formatter):
        from tfgan_zoo.metrics import registry

        with formatter.section("Metrics"):
            formatter.write_dl(registry.describe())
        with formatter.section("Names"):
            formatter.write_dl(
                [
                    (
                        "fid, is",
                        "on Inception's 2048 features or logits, as defined; needs the whole network's weights",
                    ),
                    ("fid768, kid64", "on Inception's output of that width"),
                    (
                        "kid, prdc",
                        "on Inception's widest output that the weights file holds; the result's name says which",
                    ),
                    ("fd_mnist, kid_fashion", "on a shipped classifier, no weights needed"),
                    (
                        "fd@SPEC",
                        "on any extractor: random_conv, pixels, model.keras, a SavedModel; SPEC:TAP for one output",
                    ),
                ]
            )


def stored(result) -> str:
    """A stored result in one line."""
    from tfgan_zoo import stamps

    return f"{stamps.number(result)} ({stamps.floor(result)}); {result['samples']:,} images, {stamps.protocol(result)}"


@main.command(cls=Measuring, short_help="FID and its relatives, with their protocol.")
@click.argument("target")
@click.argument("overrides", nargs=-1, metavar="[KEY=VALUE]...")
@click.option(
    "--against",
    metavar="REFERENCE",
    help="Real images: FOLDER, STATS.npz (mu, sigma), PRESET[:SPLIT] or DATASET[:SPLIT] "
    "of TFDS. Default: the held-out split of a preset's or a run's own data.",
)
@click.option("--metrics", metavar="A,B", help="What to measure; see below. Default: the preset's.")
@click.option(
    "--features",
    metavar="EXTRACTOR[:TAP]",
    help="For metrics whose name does not say: mnist_cnn, random_conv, "
    "inception_2015:768, a .keras file, a SavedModel.",
)
@click.option(
    "--resize",
    type=click.Choice(["tf1", "clean"]),
    help="How pictures come to the network's size: as FID was defined "
    "(tf1, Inception's default) or by antialiased bicubic (clean).",
)
@click.option("--num", type=click.IntRange(min=2), help="How many images. Default: the preset's, or all of a folder.")
@click.option(
    "--reference-num", type=click.IntRange(min=2), help="How many real ones. Default: as many, or all of a folder."
)
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Seed of the first image.")
@click.option("--truncation", type=float, help="Truncate latents; 1 is mild, 0.5 strong.")
@click.option(
    "--inception-weights",
    metavar="FILE",
    help="The .npz that tools/convert_inception.py makes. Or set TFGAN_ZOO_INCEPTION.",
)
@click.option("--download-inception", is_flag=True, help="Fetch Inception's weights from the official archive, once.")
@click.option(
    "--json", "out", metavar="FILE", help="Append the results as JSON lines, each with its whole stamp; - for stdout."
)
@click.option(
    "--neighbours", metavar="PICTURE", help="Also draw ten samples beside the training images nearest to them."
)
@data_options
def evaluate(target, out, neighbours, **options):
    """Measure how far generated images are from real ones. Every number is printed with its protocol.

    TARGET is a run directory, a preset with pretrained weights, an exported SavedModel, a folder of pictures (made by
    anything) or a TFDS data set. Beside each number stands its floor: what held-out real images get.

    \b
    python -m tfgan_zoo evaluate dcgan_mnist --data-dir ~/tensorflow_datasets
    python -m tfgan_zoo evaluate runs/dcgan_celeba --metrics fid768,kid,prdc --num 10000
    python -m tfgan_zoo evaluate my_samples --against my_photographs --metrics fid --resize clean
    python -m tfgan_zoo evaluate my_samples --against cifar10:train --metrics fd_cifar,kid_cifar kid.subsets=50
    python -m tfgan_zoo evaluate restored --against originals --metrics psnr,ssim psnr.border=4 psnr.luma=true
    """
    check_measured(target, options)
    show_results(*measured(target, neighbours, options), out)
    if neighbours:
        console.note(f"neighbours: {neighbours}")


def check_measured(target, options) -> None:
    """Refuse bad names before the slow import."""
    from tfgan_zoo.metrics import registry

    options["metrics"] = [name.strip() for name in (options["metrics"] or "").split(",") if name.strip()]
    for name in options["metrics"]:
        registry.parse(name, options["features"])
    if target in index.presets() and not os.path.isdir(target):
        from tfgan_zoo import weights

        weights.card(target)
    elif not os.path.isdir(target) and not options["metrics"]:
        raise unknown("run directory, preset or folder of pictures", target, index.presets())
    elif not os.path.isdir(target) and os.path.exists(target):
        raise ZooError(
            f"{target}: is a file; give a run, a preset, a folder of pictures, a SavedModel or a TFDS data set."
        )
    reference = options["against"]
    if reference and reference.endswith(".npz") and not os.path.isfile(reference):
        raise ZooError(f"--against {reference}: there is no such file.")


@needs_tensorflow
def measured(target, neighbours, options) -> tuple:
    """(results, seconds) of `evaluate`."""
    import time
    import warnings

    from tfgan_zoo import verbs
    from tfgan_zoo.features import inception_weights

    if options.pop("download_inception"):
        console.note(inception_weights.download())
    began = time.perf_counter()
    names = {"num": "samples", "reference_num": "reference_samples"}
    arguments = {names.get(name, name): value for name, value in options.items()}
    with warnings.catch_warnings():
        warnings.showwarning = lambda message, *_: console.note(f"warning: {message}")
        results = verbs.evaluate(target, neighbours=neighbours, **arguments)
    return results, time.perf_counter() - began


def show_results(results, seconds, out) -> None:
    """The results as a table with its protocol below, and as JSON lines where these are wanted."""
    import json

    from tfgan_zoo import stamps

    rows = [result.as_dict() for result in results]
    lines = "".join(json.dumps(row) + "\n" for row in rows)
    if out == "-":
        click.echo(lines, nl=False)
        return
    first = next((row for row in rows if row["reference"] is not None), rows[0])
    click.echo("; ".join(filter(None, [f"{first['samples']:,} images of {first['model']}", stamps.sides(first)])))
    console.table(
        "",
        ("metric", "value", "", "floor", "protocol"),
        [
            (
                r["metric"],
                stamps.number(r),
                stamps.direction(r),
                "" if r["floor"] is None else f"{r['floor']:.4g}",
                stamps.taken(r),
            )
            for r in rows
        ],
    )
    click.echo(f"\n{stamps.provenance(first)}; {console.duration(seconds)}")
    if out:
        try:
            with open(out, "a", encoding="utf-8") as file:
                file.write(lines)
        except OSError as error:
            raise ZooError(f"--json {out}: {error.strerror}.") from None


@main.command(short_help="Rank measured models, where their protocols agree.")
@click.argument("sources", nargs=-1, required=True, metavar="SOURCE...")
@click.option("--metrics", metavar="A,B", help="Only these. Default: all that two or more of the sources have.")
@click.option("--ignore", metavar="FIELD,FIELD", help="Let these parts of the protocol differ.")
def compare(sources, metrics, ignore):
    """Rank models by the numbers measured of them: presets (their cards), runs, or files that `evaluate --json` wrote.

    Numbers of one metric are ranked only where their protocols are the same: features and their hash, resize, counts,
    reference, truncation. Otherwise it says where they differ.

    \b
    python -m tfgan_zoo compare dcgan_mnist gan_mnist
    python -m tfgan_zoo compare runs/dcgan_mnist runs/dcgan_mnist-2 dcgan_mnist --metrics fd_mnist
    """
    from tfgan_zoo import stamps

    rows = stamps.gathered(sources)
    wanted = [name.strip() for name in metrics.split(",")] if metrics else stamps.common(rows)
    skipped = tuple(field.strip() for field in ignore.split(",")) if ignore else ()
    problems = []
    for name in wanted:
        try:
            ranked, remarks = stamps.rank(rows, name, skipped)
        except ZooError as error:
            problems.append(str(error))
            continue
        click.echo(
            f"\n{name}, {stamps.direction(ranked[0])}: {ranked[0]['samples']:,} images; "
            f"{stamps.protocol(ranked[0] | stamps.UNSAID)}"
        )
        console.table(
            "",
            ("", "model", "value", "floor"),
            [
                (place, r["model"], stamps.number(r), "" if r["floor"] is None else f"{r['floor']:.4g}")
                for place, r in enumerate(ranked, start=1)
            ],
        )
        for remark in remarks:
            click.echo(f"note: {remark}")
    if problems:
        raise ZooError("; ".join(problems))


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
@click.option(
    "--seeds", default="0,1,2,3", show_default=True, metavar="A,B,...", help="Two or more seeds to walk through."
)
@click.option(
    "--steps", type=click.IntRange(min=2), default=8, show_default=True, help="Images from one seed to the next."
)
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
