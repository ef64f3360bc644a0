"""Train what a paper published, measure it as the paper did, and write "published against measured".

    python -m tools.reproduce pacgan_ring_2 --seeds 3     # one recipe, with three seeds
    python -m tools.reproduce --missing                   # every recipe without a current result, one after another
    python -m tools.reproduce --table                     # docs/reproduced.md from the results

A recipe is a file in tools/recipes: a preset, overrides, metrics, and the published numbers with their source. Its
result, tools/reproduced/NAME.json, is written after every seed. A run that is stopped goes on where it was.
"""

import dataclasses
import json
import math
import os
import statistics
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import click
from pydantic import BaseModel, ConfigDict, PositiveInt, ValidationError

ROOT = Path(__file__).resolve().parents[1]
RECIPES, RESULTS, PAGE = ROOT / "tools/recipes", ROOT / "tools/reproduced", ROOT / "docs/reproduced.md"


class Recipe(BaseModel):
    """What a file in tools/recipes says."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    title: str
    preset: str
    overrides: list[str] = []
    metrics: list[str]
    samples: PositiveInt | None = None
    options: list[str] = []  # further options of `evaluate`
    seeds: PositiveInt = 1
    source: str  # of the published numbers
    published: dict[str, str | float]  # a metric's number -> what the paper has
    note: str = ""  # where the budget or the data differ from the paper's


@dataclasses.dataclass
class Outcome:
    """What tools/reproduced/NAME.json holds, beside the `figure` that tools/figures put there."""

    recipe: dict[str, Any]
    seeds: list[dict[str, Any]]  # {"seed", "minutes", "values", "protocol", "commit", "hardware"}; figures: "seconds"

    @property
    def values(self) -> dict[str, list[float]]:
        """{metric: its number for each seed}."""
        names = self.seeds[0]["values"] if self.seeds else {}
        return {name: [seed["values"][name] for seed in self.seeds] for name in names}

    def as_dict(self) -> dict[str, Any]:
        """JSON-able, with means and standard errors."""
        spread = {name: len(v) > 1 and statistics.stdev(v) / math.sqrt(len(v)) for name, v in self.values.items()}
        return {
            "recipe": self.recipe,
            "mean": {name: statistics.fmean(v) for name, v in self.values.items()},
            "standard_error": {name: error or None for name, error in spread.items()},
            "seeds": self.seeds,
        }


def recipe_of(name: str) -> Recipe:
    """The recipe in tools/recipes/NAME.toml."""
    path = RECIPES / f"{name}.toml"
    if not path.is_file():
        raise click.UsageError(f"no recipe {name!r}. Allowed: {', '.join(names())}.")
    try:
        return Recipe(**tomllib.loads(path.read_text(encoding="utf-8")))
    except (tomllib.TOMLDecodeError, ValidationError) as error:
        raise click.UsageError(f"{path}: {error}") from None


def names() -> list[str]:
    """All recipes."""
    return sorted(path.stem for path in RECIPES.glob("*.toml"))


def outcome_of(name: str) -> Outcome:
    """The result so far; an empty one where there is none, or where the recipe has changed since."""
    recipe = recipe_of(name).model_dump(exclude={"seeds", "title", "note", "source", "published"})
    path = RESULTS / f"{name}.json"
    if path.is_file():
        stored = json.loads(path.read_text(encoding="utf-8"))
        if stored["recipe"] == recipe:
            return Outcome(recipe, stored["seeds"])
    return Outcome(recipe, [])


@click.command(help=__doc__.split("\n\n")[0])
@click.argument("name", required=False)
@click.option("--seeds", type=click.IntRange(1), help="How many seeds: 0, 1, ... Default: the recipe's.")
@click.option("--missing", is_flag=True, help="Every recipe that lacks a seed of its current form.")
@click.option("--table", is_flag=True, help="Write docs/reproduced.md from the results and train nothing.")
@click.option("--data-dir", help="Where data lie. Default: $TFGAN_ZOO_DATA.")
@click.option("--runs", default="runs/reproduce", type=click.Path(path_type=Path), help="Where the runs are kept.")
def main(name, seeds, missing, table, data_dir, runs):
    if not (name or missing or table):
        raise click.UsageError(f"name a recipe, or give --missing. Recipes: {', '.join(names())}.")
    chosen = names() if missing else [name] if name else []
    for each in chosen:
        reproduce(each, seeds or recipe_of(each).seeds, data_dir, runs)
    write_page()


def reproduce(name: str, seeds: int, data_dir: str | None, runs: Path) -> None:
    """Train and measure the seeds that are not there yet."""
    recipe, outcome = recipe_of(name), outcome_of(name)
    _require_weights(recipe)
    for seed in range(seeds):
        if any(one["seed"] == seed for one in outcome.seeds):
            continue
        click.echo(f"{name}, seed {seed}: {recipe.title}")
        outcome.seeds.append(_one_seed(recipe, seed, data_dir, runs / name / f"seed-{seed}"))
        _write(RESULTS / f"{name}.json", json.dumps(outcome.as_dict(), indent=1) + "\n")


def _require_weights(recipe: Recipe) -> None:
    """Refuse metrics on Inception without its weights now, and not after an hour of training."""
    from tfgan_zoo.errors import ZooError
    from tfgan_zoo.features import by_name
    from tfgan_zoo.metrics import registry

    plain = [registry.apart(metric)[0] if registry.of_endpoint(metric) else metric for metric in recipe.metrics]
    for name in (name for name in plain if "@" not in name):
        choice = registry.parse(name)
        if choice.extractor == registry.INCEPTION and not choice.metric.endpoint:  # which takes the model's own answers
            try:
                by_name.inception_file(registry.INCEPTION)
            except ZooError as error:
                raise click.UsageError(f"{name}: {error}") from None


def _one_seed(recipe: Recipe, seed: int, data_dir: str | None, run: Path) -> dict[str, Any]:
    from tfgan_zoo.runs import Run

    where = ["--data-dir", data_dir] if data_dir else []
    if not (run / "finished.json").is_file():
        _zoo("train", recipe.preset, *recipe.overrides, f"train.seed={seed}", "--run-dir", str(run), *where)
    answers = run / "measured.jsonl"
    answers.unlink(missing_ok=True)  # `evaluate` appends
    samples = ["--num", str(recipe.samples)] if recipe.samples else []
    asked = ["--metrics", ",".join(recipe.metrics), *samples, *recipe.options, "--json", str(answers)]
    _zoo("evaluate", str(run), *asked, *where)
    results = [json.loads(line) for line in answers.read_text(encoding="utf-8").splitlines()]
    kept = ("samples", "reference", "reference_samples", "features", "settings", "seed", "ema")
    return {
        "seed": seed,
        "minutes": round(Run(run).seconds / 60, 1),
        "values": {r["metric"]: r["value"] for r in results},
        "protocol": {r["metric"]: {key: r[key] for key in kept} for r in results},
        "commit": results[0]["commit"],
        "hardware": results[0]["hardware"],
    }


def _zoo(*arguments: str) -> None:
    """A command of the zoo in a process of its own, so that memory is free again after each."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])}
    done = subprocess.run([sys.executable, "-m", "tfgan_zoo", *arguments], env=environment)
    if done.returncode:
        raise SystemExit(done.returncode)


def page() -> str:
    """docs/reproduced.md, from the results alone."""
    lines = [
        "# Published against measured",
        "",
        "Made by `python -m tools.reproduce --table` from the files in `tools/reproduced`; each was trained and",
        "measured by `python -m tools.reproduce NAME`. Means over seeds, ± standard errors; minutes of one seed's",
        "training, on the machine that the file names. What tools/figures measured of trained runs comes behind.",
    ]
    for name in names():
        recipe, outcome = recipe_of(name), outcome_of(name)
        if not outcome.seeds:
            continue
        lines += ["", f"## `{name}`: {recipe.title}", ""]
        lines += ["| number | published | measured |", "| --- | --- | --- |"]
        for metric, measured in measured_in(outcome.as_dict()).items():
            lines.append(f"| {metric} | {recipe.published.get(metric, '')} | {measured} |")
        minutes = statistics.fmean(seed["minutes"] for seed in outcome.seeds)
        count = len(outcome.seeds)
        lines += ["", f"Published: {recipe.source}. {count} seed{'s' * (count > 1)}, {minutes:.0f} minutes each."]
        if recipe.note:
            lines.append(recipe.note)
    for path in sorted(RESULTS.glob("*.json")):
        stored = json.loads(path.read_text(encoding="utf-8"))
        if "figure" in stored:
            lines += _of_figure(path.stem, stored)
    if waiting := [name for name in names() if not outcome_of(name).seeds]:
        lines += ["", "## Not measured yet", "", "`python -m tools.reproduce --missing` trains and measures these:", ""]
        lines += [f"- `{name}`: {recipe_of(name).title}" for name in waiting]
    return "\n".join(lines) + "\n"


def _of_figure(name: str, stored: dict[str, Any]) -> list[str]:
    """The section of what a tool in tools/figures wrote."""
    figure, seeds = stored["figure"], stored["seeds"]
    seconds = sum(seed["seconds"] for seed in seeds)
    machines = ", ".join(sorted({seed["hardware"] for seed in seeds}))
    return [
        *["", f"## `{name}`: {figure['title']}", "", f"`{figure['command']}`", ""],
        *["| number | measured |", "| --- | --- |"],
        *(f"| {number} | {measured} |" for number, measured in measured_in(stored).items()),
        *["", f"{len(seeds)} run{'s' * (len(seeds) > 1)}, measured in {seconds:.0f} seconds on {machines}."],
    ]


def measured_in(facts: dict[str, Any]) -> dict[str, str]:
    """{number's name: mean ± standard error} of what a result's file holds."""
    errors = facts["standard_error"]
    return {
        name: f"{mean:.4g}" + (f" ± {errors[name]:.2g}" if errors[name] else "") for name, mean in facts["mean"].items()
    }


def write_page() -> None:
    """Write docs/reproduced.md."""
    PAGE.parent.mkdir(exist_ok=True)
    _write(PAGE, page())


def _write(path: Path, text: str) -> None:
    from tfgan_zoo import files

    path.parent.mkdir(parents=True, exist_ok=True)
    files.write_text(path, text)


if __name__ == "__main__":
    main()
