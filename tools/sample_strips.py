"""Strips of samples: docs/strips/PRESET.png of pretrained presets and trained runs, docs/samples.png of the former.

    python tools/sample_strips.py                                   # those of pretrained presets that are missing
    python tools/sample_strips.py --runs runs/reproduce             # and of the runs below a folder
    python tools/sample_strips.py --again --runs runs/reproduce --data-dir DATA

A strip shows what a model answers to its main question: pictures of seeds 0, 1, 2 ..., or held-out data with the
answers below them; of points all at once, beside real ones. Nothing is picked by hand. Pretrained weights go before
runs; of several runs of a preset it is the first by name whose model has the preset's own arguments. A strip has as
many pictures as go into 60 kB and 1,800 pixels.
"""

from pathlib import Path

import click
import numpy as np

from tfgan_zoo import config, console, images, index, sampling, training, zoo
from tfgan_zoo.errors import ZooError
from tfgan_zoo.modalities import ClassLabel
from tfgan_zoo.runs import Run

FOLDER = Path(__file__).resolve().parents[1] / "docs" / "strips"
COUNTS, SIDE = (16, 12, 8, 6, 4, 2), 56  # how many pictures, the most that fit; their height in pixels, about
MOST, WIDEST = 60_000, 1800  # bytes and pixels of a strip
POINTS = 1_000  # in a picture that shows all together


@click.command(help=__doc__.split("\n\n")[0])
@click.option("--runs", type=click.Path(path_type=Path, exists=True), help="A folder; finished runs anywhere below it.")
@click.option("--again", is_flag=True, help="Also those that are there.")
@click.option("--data-dir", help="Where data lie. Default: as in training.")
def main(runs, again, data_dir):
    pretrained = {facts["preset"]: facts["preset"] for facts in index.listing(pretrained=True)}
    for preset, target in {**(runs_of_presets(runs) if runs else {}), **pretrained}.items():
        path = FOLDER / f"{preset}.png"
        if not again and path.is_file():
            continue
        try:
            save(path, stacks_of(zoo.loaded(target), data_dir))
            console.note(path)
        except ZooError as error:
            console.note(f"{preset}: left out: {error}")
    strips = [images.decode(path) for name in sorted(pretrained) if (path := FOLDER / f"{name}.png").is_file()]
    rows = [np.broadcast_to(strip, (*strip.shape[:2], 3)) for strip in strips if strip.shape[1] == strips[0].shape[1]]
    images.save_image(FOLDER.with_name("samples.png"), np.concatenate(rows))


def runs_of_presets(folder: Path) -> dict[str, Path]:
    """{preset: its finished run}, for runs that have the model of a preset of the zoo as it is."""
    found = {}
    for path in sorted(path.parent for path in folder.rglob("finished.json")):
        experiment = Run(path).experiment()
        if experiment.preset in index.presets():
            own = config.load(experiment.preset).model
            told = zoo.family_class(experiment.family).from_data  # by the data, not by the preset
            if own == {key: value for key, value in experiment.model.items() if key in own or key not in told}:
                found.setdefault(experiment.preset, path)
    return found


def stacks_of(loaded: zoo.Loaded, data_dir: str | None = None) -> list[np.ndarray]:
    """Rows of pictures that belong together, the answers last: uint8 (n, h, w, c) of equal n.

    Of points there is one row of two pictures, all real ones and all answers.

    Raises:
        ZooError: answers that are no pictures, or data that are not there.
    """
    model = loaded.model
    asked = [name for name in model.endpoints if askable(model, name)] or list(model.endpoints)
    name = next((name for name in asked if model.endpoints[name].target), asked[0])  # with answers to compare with
    endpoint = model.endpoints[name]
    if not endpoint.output.visible:
        raise ZooError(f"its {name} answers with no pictures.")
    count = POINTS if endpoint.output.crowd else COUNTS[0]
    classes = {key: kind for key, kind in endpoint.conditions.items() if isinstance(kind, ClassLabel)}
    rest = {key: kind for key, kind in endpoint.conditions.items() if key not in classes}
    shown = [endpoint.target] if endpoint.output.crowd else [key for key, kind in rest.items() if kind.visible]
    rows = {}
    if rest or shown:
        source = config.override(loaded.experiment, config.data_options(data_dir, False))
        rows = training.shown_rows(model, source, source.data.open(model.element_spec), count)["held_out"]
        count = min([count, *(len(rows[key]) for key in [*rest, *shown])])
    given = {key: rows[key][:count] for key in rest}
    given |= {key: np.arange(count, dtype=np.int32) % kind.num_classes for key, kind in classes.items()}
    answers = sampling.sampler(model, name)(np.arange(count), **given).numpy()
    seen = [model.element_spec[key].picture(rows[key][:count]) for key in shown]
    stacks = [*seen, endpoint.output.picture(answers)]
    return [np.concatenate(stacks)] if endpoint.output.crowd else stacks


def askable(model, name: str) -> bool:
    """Whether the data, or classes in order, tell all that an endpoint is asked with."""
    conditions = model.endpoints[name].conditions
    return all(key in model.element_spec or isinstance(kind, ClassLabel) for key, kind in conditions.items())


def strip(stacks: list[np.ndarray], count: int) -> np.ndarray:
    """The first `count` pictures of each stack side by side, the stacks below each other: uint8 (h, w, 1 or 3)."""
    height, width = (max(stack.shape[axis] for stack in stacks) for axis in (1, 2))
    channels = max(stack.shape[3] for stack in stacks)
    lines = []
    for stack in stacks:
        pictures = images.fill(stack[:count], (height, width, channels))
        side = SIDE if len(pictures) > 2 else 4 * SIDE
        if height > 2 * side:
            pictures = np.stack([images.scale(picture, side, side * width // height) for picture in pictures])
        times = max(1, side // pictures.shape[1])
        lines.append(np.concatenate(pictures.repeat(times, 1).repeat(times, 2), axis=1))
    return np.concatenate(lines)


def save(path: Path, stacks: list[np.ndarray]) -> None:
    """Write the strip with the most pictures that it may have."""
    for count in COUNTS:
        images.save_image(path, made := strip(stacks, count))
        if path.stat().st_size <= MOST and made.shape[1] <= WIDEST:
            return


if __name__ == "__main__":
    main()
