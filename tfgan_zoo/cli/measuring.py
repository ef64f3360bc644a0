"""Commands that measure and rank: evaluate, compare."""

import contextlib
import os
import time
import warnings

import click

from tfgan_zoo import console, index
from tfgan_zoo.cli.common import (
    SEED,
    Command,
    check_out,
    data_options,
    json_option,
    main,
    needs_tensorflow,
    step_option,
    writable,
)
from tfgan_zoo.errors import MissingData, ZooError, unknown

NAMES = [
    ("fid, is", "on Inception's 2048 features or logits, as defined; needs the whole network's weights"),
    ("fid768, kid64", "on Inception's output of that width"),
    ("kid, prdc", "on Inception's widest output that the weights file holds; the result's name says which"),
    ("fd_mnist, kid_fashion", "on a shipped classifier, no weights needed"),
    ("fd@SPEC", "on any extractor: random_conv, pixels, model.keras, a SavedModel; SPEC:TAP for one output"),
    ("fd@raw, prdc@raw", "on the numbers as they are: points, and any data that are no pictures"),
    ("knn_accuracy@encode", "of what the model's own endpoint answers to data: accuracy@classify, psnr@upscale"),
    ("fid768@translate", "of an endpoint's pictures, compared with the data's pictures of that kind: the other domain"),
]


class Measuring(Command):
    """Ends its help with the metrics there are."""

    written_otherwise = Command.written_otherwise | {
        "--out": "--json FILE",
        "--metric": "--metrics A,B",
        "--path": "TARGET REFERENCE",
        "--real": "--against REFERENCE",
        "--ref": "--against REFERENCE",
        "--reference": "--against REFERENCE",
    }

    def format_epilog(self, context, formatter):
        from tfgan_zoo.metrics import registry

        with formatter.section("Metrics"):
            formatter.write_dl(registry.describe())
        with formatter.section("Names"):
            formatter.write_dl(NAMES)


@main.command(cls=Measuring, short_help="FID and its relatives, with their protocol.")
@click.argument("target")
@click.argument("overrides", nargs=-1, metavar="[REFERENCE] [KEY=VALUE]...")
@click.option(
    "--against",
    metavar="REFERENCE",
    help="Real images: FOLDER, STATS.npz (mu, sigma), PRESET[:SPLIT] or DATASET[:SPLIT] "
    "of TFDS. Default: the held-out split of a preset's or a run's own data.",
)
@click.option("--metrics", default="", metavar="A,B", help="What to measure; see below. Default: the preset's.")
@click.option(
    "--features",
    metavar="EXTRACTOR[:TAP]",
    help="For metrics whose name does not say: mnist_cnn, random_conv, inception_2015:768, a .keras file, a "
    "SavedModel.",
)
@click.option(
    "--resize",
    type=click.Choice(["tf1", "clean"]),
    help="How pictures come to the network's size: as FID was defined "
    "(tf1, Inception's default) or by antialiased bicubic (clean).",
)
@click.option("--num", type=click.IntRange(min=2), help="How many samples. Default: the preset's, or all of a folder.")
@click.option("--reference-num", type=click.IntRange(min=2), help="How many real ones. Default: as many.")
@click.option("--seed", type=SEED, default=0, show_default=True, help="Seed of the first sample.")
@click.option("--truncation", type=float, help="Truncate noise; 1 is mild, 0.5 strong.")
@click.option("--batch-size", type=click.IntRange(min=1), default=128, show_default=True, help="Computed at once.")
@click.option(
    "--inception-weights",
    metavar="FILE",
    help="Inception's weights: an .npz file, or the published .tgz or .pb, or PyTorch's .pth, of which it is made. Or "
    "set TFGAN_ZOO_INCEPTION.",
)
@click.option("--download-inception", is_flag=True, help="Fetch Inception's weights from the official archive, once.")
@json_option("Append the results as JSON lines.")
@click.option(
    "--neighbours",
    metavar="PICTURE",
    callback=check_out,
    help="Also draw ten samples beside the training images nearest to them.",
)
@click.option(
    "--study", is_flag=True, help="Measure nothing: write a page on which people tell samples from real ones."
)
@click.option(
    "--study-form",
    type=click.Choice(["single", "pairs"]),
    default="single",
    show_default=True,
    help="One at a time, or two.",
)
@click.option(
    "--study-seconds", type=click.FloatRange(min=0), default=1.0, show_default=True, help="0: until answered."
)
@click.option("--page", metavar="FILE", callback=check_out, help="Where the page goes. Default: TARGET-study.html.")
@click.option("--study-results", is_flag=True, help="TARGET is what the page has saved, or a folder of it: the rates.")
@click.option("--save-stats", metavar="FILE.npz", help="Also write mu and sigma of the samples, as pytorch-fid does.")
@step_option
@data_options
def evaluate(
    target, overrides, json_out, neighbours, step, study, study_form, study_seconds, page, study_results, **options
):
    """Measure how far generated images are from real ones. Every number is printed with its protocol.

    TARGET is a run directory, a preset with pretrained weights, a .keras file, an exported SavedModel, a folder of
    pictures (made by anything) or a TFDS data set. Beside each number stands its floor: what held-out real images get.

    \b
    python -m tfgan_zoo evaluate dcgan_mnist --data-dir ~/tensorflow_datasets
    python -m tfgan_zoo evaluate runs/dcgan_celeba --metrics fid768,kid,prdc --num 10000
    python -m tfgan_zoo evaluate my_samples my_photographs --metrics fid --resize clean
    python -m tfgan_zoo evaluate bigan_mnist --metrics knn_accuracy@encode
    python -m tfgan_zoo evaluate restored --against originals --metrics psnr,ssim psnr.border=4 psnr.luma=true
    python -m tfgan_zoo evaluate dcgan_mnist --study --against mnist:test
    python -m tfgan_zoo evaluate answers --study-results
    """
    if study_results:
        return show_study(target)
    if overrides and "=" not in overrides[0]:  # `evaluate A B`, as other tools have it
        if options["against"]:
            raise ZooError(f"two references: {overrides[0]} and --against {options['against']}; give one.")
        options["against"], overrides = overrides[0], overrides[1:]
    if study:
        return write_study(target, step, page, {"form": study_form, "seconds": study_seconds, **options})
    check_measured(target, options)
    stats = options["save_stats"]
    for option, path in (
        ("--json", json_out if json_out != "-" else None),
        ("--neighbours", neighbours),
        ("--save-stats", stats),
    ):
        writable(option, path, folders=option != "--json")
    from tfgan_zoo.cli.report import show_results

    with remarks_last():
        results, seconds = measured(target, step, {"overrides": overrides, "neighbours": neighbours, **options})
        show_results(results, seconds, json_out)
        for what, path in (("neighbours", neighbours), ("statistics", stats)):
            if path:
                console.note(f"{what}: {path}")
    if results.failures:
        raise ZooError(f"not measured: {', '.join(results.failures)}; the reasons stand above.")


@needs_tensorflow
def write_study(target, step, page, options) -> None:
    """Write the page of a study."""
    from tfgan_zoo import verbs, zoo

    if not options["against"]:
        raise ZooError(
            "a study needs real pictures: name them with --against FOLDER, PRESET[:SPLIT] or DATASET[:SPLIT]."
        )
    page = page or f"{os.path.basename(os.path.normpath(target))}-study.html"
    writable("--page", page)
    kept = ("against", "data_dir", "download", "truncation", "seed", "form", "seconds")
    asked = {name: options[name] for name in kept} | ({"trials": options["num"]} if options["num"] else {})
    written = verbs.study(zoo.loaded(target, step) if step is not None else target, out=page, **asked)
    click.echo(f"{written}: open it in a browser, or send it; it is one file")


@needs_tensorflow
def show_study(path) -> None:
    """Print what people answered."""
    from tfgan_zoo.evaluation import study

    facts, rates = study.results([path])
    click.echo(", ".join(f"{key} {value}" for key, value in facts.items()))
    rows = [(r.what, f"{r.value:.1%}", f"{r.low:.1%} to {r.high:.1%}", f"{r.count} of {r.of}") for r in rates]
    console.table("", ("answers", "rate", "95 % interval (Wilson)", "count"), rows)


@contextlib.contextmanager
def remarks_last():
    """Hold warnings back until the numbers are out."""
    held = []
    with warnings.catch_warnings():
        warnings.simplefilter("always", UserWarning)
        warnings.showwarning = lambda message, *_: held.append(f"warning: {message}")
        try:
            yield
        finally:
            for line in dict.fromkeys(held):
                console.note(line)


def check_measured(target, options) -> None:
    """Refuse bad names before the slow import."""
    from tfgan_zoo import targets
    from tfgan_zoo.metrics import registry

    for name in filter(None, (part.strip() for part in options["metrics"].split(","))):
        if not registry.of_endpoint(name):
            registry.parse(name, options["features"])
    found = targets.resolve(target, (*targets.MODELS, "savedmodel", "folder", "dataset"))
    if found.kind == "dataset" and not options["metrics"]:
        raise unknown("run directory, preset or folder of pictures", target, index.presets())
    reference = options["against"]
    if reference and reference.endswith(".npz") and not os.path.isfile(reference):
        raise ZooError(f"--against {reference}: there is no such file.")


@needs_tensorflow
def measured(target, step, options) -> tuple:
    """(results, seconds) of `evaluate`."""
    from tfgan_zoo import verbs, zoo
    from tfgan_zoo.features import inception_weights

    if options.pop("download_inception"):
        console.note(inception_weights.download())
    if (weights := options["inception_weights"]) and not weights.endswith(".npz"):
        options["inception_weights"] = inception_weights.converted(weights)
    began = time.perf_counter()
    names = {"num": "samples", "reference_num": "reference_samples"}
    arguments = {names.get(name, name): value for name, value in options.items()}
    if step is not None:
        target = zoo.loaded(target, step)
    try:
        return verbs.evaluate(target, **arguments), time.perf_counter() - began
    except MissingData as missing:
        ways = "say where with --data-dir DIR, fetch it with --download, or name other real data with --against"
        raise ZooError(f"{missing.what}; {ways}.") from None


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
        first = ranked[0]
        click.echo(
            f"\n{name}, {stamps.direction(first)}: {first['samples']:,} samples; "
            f"{stamps.protocol(first | stamps.UNSAID)}"
        )
        console.table(
            "",
            ("", "model", "value", "floor"),
            [
                (place, r["model"], stamps.number(r), "" if r["floor"] is None else stamps.digits(r["floor"]))
                for place, r in enumerate(ranked, start=1)
            ],
        )
        for remark in remarks:
            click.echo(f"note: {remark}")
    if problems:
        raise ZooError("; ".join(problems))
