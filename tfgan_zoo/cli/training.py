"""The command that trains."""

from typing import ClassVar

import click

from tfgan_zoo import console
from tfgan_zoo.cli.common import Command, check_out, check_target, data_options, main, needs_tensorflow
from tfgan_zoo.errors import ZooError


class Training(Command):
    """Ends its help with every setting that can be changed."""

    written_otherwise: ClassVar[dict[str, str]] = {
        "--batch": "data.batch_size=N",
        "--batch-size": "data.batch_size=N",
        "--batch_size": "data.batch_size=N",
        "--checkpoint": "--init TARGET to start from its weights; an unfinished run goes on by itself",
        "--data": "data.source=folder data.path=FOLDER",
        "--dataset": "data.source=tfds data.name=NAME",
        "--devices": "--replicas N",
        "--epochs": "train.steps=N (training is counted in steps)",
        "--finetune": "--init TARGET",
        "--gpus": "--replicas N",
        "--iterations": "train.steps=N",
        "--learning-rate": "train.optimizers.generator.learning_rate=X (and .discriminator)",
        "--logdir": "--out DIR",
        "--lr": "train.optimizers.generator.learning_rate=X (and .discriminator)",
        "--max-steps": "train.steps=N",
        "--output": "--out DIR",
        "--outdir": "--out DIR",
        "--precision": "train.precision=mixed_bfloat16",
        "--pretrained": "--init TARGET",
        "--resume": "the same command again: an unfinished run goes on by itself",
        "--samples": "train.samples=N",
        "--seed": "train.seed=N",
        "--step": "--init TARGET to start from its weights",
        "--steps": "train.steps=N",
    }

    def format_epilog(self, context, formatter):
        for title, rows in settings():
            with formatter.section(title):
                formatter.write_dl(rows)
        with formatter.section("Settings of the model"):
            formatter.write_text("model.KEY=VALUE: the arguments of the preset's family; `info PRESET` lists them.")


def settings() -> list[tuple[str, list[tuple[str, str]]]]:
    """(title, [(section.key, meaning and default)]) of the settings of data, training and evaluation."""
    from tfgan_zoo import config, data

    sources = {name: data.source_class(name).model_fields for name in data.source_names()}
    shared = data.BaseSource.model_fields
    tables = [
        ("Settings of the data", "data", shared),
        *[
            (f"with data.source={name}", "data", {key: field for key, field in fields.items() if key not in shared})
            for name, fields in sources.items()
        ],
        ("Settings of training", "train", config.Train.model_fields),
        ("Settings of evaluation", "evaluate", config.Evaluate.model_fields),
    ]
    return [
        (title, [(f"{section}.{key}", _meaning(field)) for key, field in fields.items()])
        for title, section, fields in tables
    ]


def _meaning(field) -> str:
    """What a setting says of itself, and its default where there is one."""
    from tfgan_zoo.cli.report import as_toml

    default = None if field.is_required() else field.get_default(call_default_factory=True)
    usual = "" if default in (None, [], {}) else f"  [{as_toml(default)}]"
    return (field.description or "") + usual


@main.command(cls=Training, short_help="Train a preset, or resume its unfinished run.")
@click.argument("preset")
@click.argument("overrides", nargs=-1, metavar="[KEY=VALUE]...")
@data_options
@click.option(
    "--out",
    "--run-dir",
    "run_dir",
    metavar="DIR",
    callback=check_out,
    help="Where everything is written. Default: runs/<preset>.",
)
@click.option("--smoke", is_flag=True, help="The preset's [smoke] settings: tiny networks, embedded data, seconds.")
@click.option("--dry-run", is_flag=True, help="Show settings, networks, data and the time it takes; write nothing.")
@click.option("--replicas", type=click.IntRange(min=1), metavar="N", help="Train on N GPUs, or N logical CPU devices.")
@click.option(
    "--init",
    metavar="TARGET",
    callback=check_target,
    help="Start from the weights of a pretrained preset, a run or a .keras file (fine-tuning).",
)
def train(preset, overrides, data_dir, download, run_dir, smoke, dry_run, replicas, init):
    """Train PRESET (a name, or a .toml file). An unfinished run of the same settings is resumed.

    \b
    python -m tfgan_zoo train dcgan_glyphs
    python -m tfgan_zoo train dcgan_mnist --data-dir ~/tensorflow_datasets train.steps=2000
    python -m tfgan_zoo train dcgan_celeba data.source=folder data.path=my_pictures
    python -m tfgan_zoo train dcgan_fashion_mnist --init dcgan_mnist train.steps=1000
    python -m tfgan_zoo train dcgan_glyphs model.image_shape="[64, 64, 3]" train.seed=3 --dry-run
    """
    from tfgan_zoo import config

    for text in overrides:
        if text.startswith("init="):
            raise ZooError(f"{text}: is an option: write --init {text.removeprefix('init=')}.")
    config.load(preset, [*overrides, *config.data_options(data_dir, download)], smoke=smoke)  # before the slow import
    options = {"data_dir": data_dir, "download": download, "smoke": smoke, "replicas": replicas, "init": init}
    start_training(preset, overrides, run_dir, dry_run, options)


@needs_tensorflow
def start_training(preset, overrides, run_dir, dry_run, options) -> None:
    """What `train` does once its settings are known to be sound."""
    from tfgan_zoo import rehearsal, training
    from tfgan_zoo.cli.report import show_plan

    if dry_run:
        show_plan(rehearsal.dry_run(preset, overrides, **options))
    else:
        run = training.train(preset, overrides, run_dir=run_dir, **options)
        if run is not None:  # the chief among several workers
            say_what_lies_where(run)


def say_what_lies_where(run) -> None:
    """After training: the files and the next commands."""
    samples = sorted((run.path / "samples").glob("step-*.png"))
    rows = [
        ("samples", samples[-1] if samples else "none"),
        ("real data", run.path / "samples" / "real.png"),
        ("losses", run.path / "losses.png"),
        ("model", run.path / "model.keras"),
        ("logs", run.path / "metrics.jsonl"),
        ("TensorBoard", f"tensorboard --logdir {run.path / 'tensorboard'}"),
    ]
    console.table(f"\nfinished: {run.path}", ("", ""), rows)
    click.echo("\nnext:")
    for line in filter(None, (f"evaluate {run.path}", run.question, f"export {run.path}")):
        click.echo(f"  python -m tfgan_zoo {line}")
