"""Commands that ask a model: generate, interpolate, translate, project."""

import os
from pathlib import Path

import click

from tfgan_zoo.cli.common import (
    SEED,
    TARGET,
    check_out,
    check_target,
    condition_options,
    conditions,
    given_option,
    main,
    needs_tensorflow,
    step_option,
    together,
    told,
    whole_numbers,
)
from tfgan_zoo.errors import ZooError, count_of, unknown


def default_out(target: str, more: str = "") -> str:
    """A picture named after the target, in the current directory, under a name that is free."""
    from tfgan_zoo.output import free_name

    return str(free_name(Path(f"{Path(os.path.normpath(target)).stem}{more}.png")))


def check_inputs(loaded, given) -> None:
    """Refuse names of `--given` that are no inputs of the model."""
    inputs = {name for endpoint in loaded.model.endpoints.values() for name in endpoint.inputs}
    for name in told(given):
        if name not in inputs and name != "given":
            raise unknown("input", name, inputs, where=f"--given of {loaded.name}")


@main.command(epilog=TARGET, short_help="Samples: a grid, single files, arithmetic on noise.")
@click.argument("target", callback=check_target)
@click.option("--num", type=click.IntRange(min=1), help="How many. Default: 16, or 1 where nothing is drawn.")
@click.option("--seed", type=SEED, help="Answer i has seed SEED + i. Default: 0.")
@click.option("--seeds", metavar="A,B,...", help="These seeds, in place of --num and --seed.")
@click.option("--truncation", type=float, help="Truncate noise: fewer oddities, less variety.")
@condition_options
@click.option(
    "--endpoint", metavar="NAME", help="What to ask, if not generate; a name that there is not lists those there are."
)
@click.option("--arith", metavar='"A - B + C"', help='Arithmetic over seeds or groups: "(1,2) - (3,4) + (5,6)".')
@click.option(
    "--out",
    metavar="PATH",
    callback=check_out,
    help="A .png or .jpg for one picture of all, .npy for the numbers, .wav, .gif or .txt where the model makes such; "
    "else a folder. Default: <name>.png",
)
@click.option("--batch-size", type=click.IntRange(min=1), default=64, show_default=True, help="Computed at once.")
@step_option
@needs_tensorflow
def generate(target, num, seed, seeds, truncation, label, text, code, given, endpoint, arith, out, batch_size, step):
    """Generate from noise, and from a class, a text or a file where the model takes one. Equal seeds, equal answers.

    \b
    python -m tfgan_zoo generate dcgan_mnist --num 64 --out digits.png
    python -m tfgan_zoo generate dcgan_mnist --seeds 3,17,12
    python -m tfgan_zoo generate dcgan_mnist --num 1000 --out digits/
    python -m tfgan_zoo generate dcgan_mnist --arith "(3,17) - (8,9) + 12" --out sum.png
    python -m tfgan_zoo generate runs/speech_synthesis_digits --given word=7 --given seconds=0.4
    """
    from tfgan_zoo import verbs, zoo

    asked = conditions(label, text, code, given)
    for chosen in (
        {"--arith": arith, "--seeds": seeds, "--num or --seed": num or seed},
        {"--arith": arith, "--endpoint": endpoint},
    ):
        if len(several := [option for option, value in chosen.items() if value]) > 1:
            raise ZooError(f"{' and '.join(several)} say different things; give one of them.")
    numbers = whole_numbers("--seeds", seeds) if seeds else None
    out = out or default_out(target, "-sum" if arith else "")
    loaded = zoo.loaded(target, step)
    check_inputs(loaded, given)
    if arith:
        verbs.arithmetic(loaded, arith, out, truncation, **asked)
    else:
        options = {"seeds": numbers, "batch": batch_size, "endpoint": endpoint}
        verbs.generate(loaded, num, seed or 0, truncation, out, **options, **asked)
    click.echo(out)


@main.command(epilog=TARGET, short_help="A strip or GIF between seeds.")
@click.argument("target", callback=check_target)
@click.option("--seeds", default="0,1,2,3", show_default=True, metavar="A,B,...", help="Two or more to walk through.")
@click.option("--steps", type=click.IntRange(min=2), default=8, show_default=True, help="From one seed to the next.")
@click.option("--method", default="linear", show_default=True, help="linear or spherical.")
@click.option("--truncation", type=float, help="Truncate noise: fewer oddities, less variety.")
@condition_options
@click.option(
    "--out", metavar="PATH", callback=check_out, help="A .png for a strip, a .gif for an animation. Default: <name>.png"
)
@step_option
@needs_tensorflow
def interpolate(target, seeds, steps, method, truncation, label, text, code, given, out, step):
    """Walk between the noise of seeds, as a strip or an animation."""
    from tfgan_zoo import verbs, zoo

    asked, numbers = conditions(label, text, code, given), whole_numbers("--seeds", seeds)
    out = out or default_out(target, "-walk")
    loaded = zoo.loaded(target, step)
    check_inputs(loaded, given)
    verbs.interpolate(loaded, numbers, steps, method, out, truncation, **asked)
    click.echo(out)


@main.command(epilog=TARGET, short_help="Answers to files: restore, translate, encode ...")
@click.argument("target", callback=check_target)
@click.argument("source", metavar="IN")
@click.argument("place", metavar="[OUT]", required=False, callback=check_out)
@click.option("--out", metavar="PATH", callback=check_out, help="As OUT: a file for the answer, or a folder for many.")
@click.option(
    "--endpoint",
    "--to",
    "endpoint",
    metavar="NAME",
    help="What to ask, where the model can be asked several things: a name, or how it ends (`--to y`: translate_xy).",
)
@click.option("--seed", type=SEED, default=0, show_default=True, help="Of the noise, if it takes any.")
@click.option("--label", metavar="CLASS", help="A class, by number or by name, for models of classes.")
@click.option(
    "--mask",
    metavar="PATH",
    help="What to fill, for models that restore: white in a picture of the same size, or a folder of such, named as "
    "the pictures. Default: what is transparent.",
)
@given_option
@step_option
@needs_tensorflow
def translate(target, source, place, out, endpoint, seed, label, mask, given, step):
    """Ask a model about the picture, sound or text in the file IN, or about each file of the folder IN.

    \b
    python -m tfgan_zoo translate runs/bigan_mnist digit.png again.png --endpoint reconstruct
    python -m tfgan_zoo translate runs/bigan_mnist digits/ codes/ --endpoint encode
    python -m tfgan_zoo translate runs/cyclegan_summer2winter summer/ winter/ --to y
    python -m tfgan_zoo translate runs/partial_conv_facades house.png whole.png --mask crane.png
    """
    if not os.path.exists(source):
        raise ZooError(f"{source}: there is no such file or folder.")
    if bool(place) == bool(out):
        raise ZooError("name one place for the answers: a file or a folder, as OUT or with --out.")
    if mask is not None and not os.path.exists(mask):
        raise ZooError(f"--mask {mask}: there is no such file or folder.")
    out = out or place
    from tfgan_zoo import verbs, zoo

    asked, loaded = together({"label": label, "mask": mask}, given), zoo.loaded(target, step)
    check_inputs(loaded, given)
    written = verbs.translate(loaded, source, out, endpoint, seed, **asked)
    click.echo(written[0] if len(written) == 1 else f"{out}: {len(written)} files")


@main.command(epilog=TARGET, short_help="The model's pictures that are most like yours.")
@click.argument("target", callback=check_target)
@click.argument("source", metavar="IN")
@click.argument("out", callback=check_out)
@click.option(
    "--method",
    type=click.Choice(["optimise", "predict", "hybrid"]),
    default="hybrid",
    show_default=True,
    help="Descent in the noise, a network that predicts it, or descent from what it predicts.",
)
@click.option("--steps", type=click.IntRange(min=1), default=200, show_default=True, help="Of the descent.")
@click.option("--seed", type=SEED, default=0, show_default=True, help="Where `optimise` begins.")
@click.option("--pool", type=click.IntRange(min=0), default=0, help="`optimise` begins with the nearest of N seeds.")
@click.option("--starts", type=click.IntRange(min=1), default=1, show_default=True, help="Descents for each picture.")
@click.option("--features", metavar="NAME", help="A perceptual network that compares too, such as vgg16:block4_conv3.")
@click.option("--label", metavar="CLASS", help="A class, by number or by name, for models of classes.")
@step_option
@needs_tensorflow
def project(target, source, out, step, **options):
    """Project the picture IN, or each picture of the folder IN, onto the manifold of what a model can make.

    OUT is a picture: yours above, what was found below. `predict` and `hybrid` first train a small network that
    predicts the noise, which takes a minute.

    \b
    python -m tfgan_zoo project dcgan_mnist my_digits/ nearest.png
    python -m tfgan_zoo project dcgan_mnist my_digits/ nearest.png --method optimise --pool 256 --starts 4
    """
    if not os.path.exists(source):
        raise ZooError(f"{source}: there is no such file or folder.")
    from tfgan_zoo import verbs, zoo

    errors = verbs.project(zoo.loaded(target, step), source, out, **options).errors
    click.echo(
        f"{out}: {count_of(len(errors), 'picture')}, mean squared error {errors.mean():.4f}, of numbers in [-1, 1]"
    )
