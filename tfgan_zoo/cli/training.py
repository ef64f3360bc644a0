"""The command that trains."""

import click

from tfgan_zoo import config, console, data
from tfgan_zoo.cli.common import Command, check_out, check_target, data_options, main, needs_tensorflow
from tfgan_zoo.cli.report import show_plan


class Training(Command):
    """Ends its help with every setting that can be changed."""

    def format_epilog(self, context, formatter):
        schemas = {"data": data.BaseSource, "train": config.Train, "evaluate": config.Evaluate}
        for section, schema in schemas.items():
            with formatter.section(f"Settings, {section}.KEY=VALUE"):
                formatter.write_dl(
                    [
                        (f"{section}.{name}", f"{field.description or ''} [{_default(field)}]".strip())
                        for name, field in schema.model_fields.items()
                    ]
                )
        with formatter.section("Settings, model.KEY=VALUE"):
            formatter.write_text("The arguments of the preset's family: `info PRESET` lists them.")


def _default(field) -> str:
    if field.is_required():
        return "required"
    value = field.get_default(call_default_factory=True)
    return {True: "true", False: "false", None: "none"}.get(value, str(value)) if not isinstance(value, list) else "[]"


@main.command(cls=Training, short_help="Train a preset, or resume its unfinished run.")
@click.argument("preset")
@click.argument("overrides", nargs=-1, metavar="[KEY=VALUE]...")
@data_options
@click.option(
    "--run-dir", "--out", metavar="DIR", callback=check_out, help="Where everything is written. Default: runs/<preset>."
)
@click.option("--smoke", is_flag=True, help="The preset's [smoke] settings: tiny networks, embedded data, seconds.")
@click.option("--dry-run", is_flag=True, help="Show settings, networks, data and the time it takes; write nothing.")
@click.option("--replicas", type=click.IntRange(min=1), metavar="N", help="Train on N GPUs, or N logical CPU devices.")
@click.option(
    "--init",
    metavar="TARGET",
    callback=lambda context, parameter, target: target and check_target(context, parameter, target),
    help="Start from the weights of a pretrained preset, a run or a .keras file (fine-tuning).",
)
def train(preset, overrides, data_dir, download, run_dir, smoke, dry_run, replicas, init):
    """Train PRESET (a name, or a .toml file). An unfinished run of the same settings is resumed.

    \b
    python -m tfgan_zoo train dcgan_glyphs
    python -m tfgan_zoo train dcgan_mnist --data-dir ~/tensorflow_datasets train.steps=2000
    python -m tfgan_zoo train dcgan_celeba data.source=folder data.path=my_pictures
    python -m tfgan_zoo train dcgan_glyphs model.image_shape="[64, 64, 3]" train.seed=3 --dry-run
    """
    config.load(preset, [*overrides, *config.data_options(data_dir, download)], smoke=smoke)  # before the slow import
    options = {"data_dir": data_dir, "download": download, "smoke": smoke, "replicas": replicas}
    start_training(preset, overrides, run_dir, dry_run, init, options)


@needs_tensorflow
def start_training(preset, overrides, run_dir, dry_run, init, options) -> None:
    """What `train` does once its settings are known to be sound."""
    from tfgan_zoo import training

    if dry_run:
        show_plan(training.dry_run(preset, overrides, **options))
    else:
        say_what_lies_where(training.train(preset, overrides, run_dir=run_dir, init=init, **options))


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
    for line in (f"evaluate {run.path}", f"generate {run.path} --num 64 --out samples.png", f"export {run.path}"):
        click.echo(f"  python -m tfgan_zoo {line}")
