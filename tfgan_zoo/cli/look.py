"""Commands that look things up: list, info, env."""

import json

import click

from tfgan_zoo import console, index
from tfgan_zoo.cli.common import json_option, main, needs_tensorflow, print_json
from tfgan_zoo.errors import ZooError


@main.command("list", short_help="The presets: what each trains, on which data.")
@click.option("--task", help="Only presets for this: generate, translate, restore, encode ...")
@click.option("--family", help="Only presets of this family.")
@click.option("--pretrained", is_flag=True, help="Only presets with pretrained weights.")
@json_option("The list as JSON.")
def list_(task, family, pretrained, json_out):
    """List the presets by what they are for: what each trains, on which data, for how long."""
    found = index.listing(family=family, pretrained=pretrained, task=task)
    if json_out:
        return print_json(found, json_out)
    rows = []
    for group in sorted({f["task"] for f in found}):
        rows.append((group, "", "", "", "", ""))
        rows += [
            (
                f"  {f['preset']}",
                f["family"],
                f["data"],
                f["shape"],
                f"{f['steps']:,}",
                "yes" if f["pretrained"] else "",
            )
            for f in found
            if f["task"] == group
        ]
    console.table("", ("preset", "family", "data", "shape", "steps", "pretrained"), rows)


@main.command(short_help="A preset's or a family's facts and card.")
@click.argument("name", metavar="PRESET|FAMILY")
@click.option("--inputs", is_flag=True, help="What --given of `generate` and `translate` can name, for each endpoint.")
@json_option("The facts as JSON.")
def info(name, inputs, json_out):
    """Show a preset (settings, paper, pretrained card) or a family (paper, arguments, presets).

    \b
    python -m tfgan_zoo info dcgan_mnist
    python -m tfgan_zoo info speech_synthesis_digits --inputs     # what its endpoints take; builds the model
    """
    facts = index.info(name)
    if inputs:
        return _inputs(facts, json_out)
    if json_out:
        return print_json(facts, json_out)
    family = facts.get("family_facts", facts)
    if "text" in facts:
        click.echo(f"{facts['file']}\n\n{facts['text'].rstrip()}\n")
    click.echo(f"family {facts['family']}: {family['class']}\n\n{family['doc']}\n\n{family['class_doc']}\n")
    console.table("arguments, model.KEY=VALUE", ("argument", "default"), family["arguments"].items())
    click.echo(
        f"\nendpoints: {', '.join(family['endpoints'])}; what each takes: python -m tfgan_zoo info {name} --inputs"
    )
    if facts.get("presets"):
        click.echo(f"\npresets: {', '.join(facts['presets'])}")
    if facts.get("card"):
        _card(facts["card"])


@needs_tensorflow
def _inputs(facts, json_out) -> None:
    """What each endpoint of a preset, or of a family's first one, can be given: name, kind, shape, range."""
    from tfgan_zoo import zoo

    if not (preset := facts.get("file") or next(iter(facts["presets"]), None)):
        raise ZooError(f"{facts['family']} has no preset that tells its arguments; give a .toml file of yours.")
    found = {
        endpoint: {key: _input(kind) for key, kind in asked.inputs.items()}
        for endpoint, asked in zoo.build(preset).endpoints.items()
    }
    if json_out:
        return print_json(found, json_out)
    rows = [
        ("" if place else endpoint, key, *told.values())
        for endpoint, inputs in found.items()
        for place, (key, told) in enumerate(inputs.items())
    ]
    title = f"{facts.get('preset', preset)}: --endpoint NAME --given INPUT=VALUE\n"
    console.table(title, ("endpoint", "input", "kind", "shape", "range"), rows)


def _input(kind) -> dict[str, str]:
    from tfgan_zoo.endpoints import Noise
    from tfgan_zoo.modalities import ClassLabel, Points, Text

    file = f"a file: {' '.join(getattr(kind, 'suffixes', ()))}"
    if isinstance(kind, ClassLabel):
        last = "..." if kind.num_classes is None else f"to {kind.num_classes - 1}"
        values = f"0 {last}; drawn where it is left out"
    elif isinstance(kind, Noise):
        low, high = ("any" if bound is None else f"{bound:g}" for bound in (kind.low, kind.high))
        values = f"{'any number' if low == high else f'{low} to {high}'}; drawn where it is left out"
    elif isinstance(kind, Text):
        words = f"{len(kind.vocabulary):,} known words" if kind.vocabulary else "words of the data"
        values = f"a text of {words}"
    elif isinstance(kind, Points):
        values = f"{'a number' if kind.shape == (1,) else 'numbers, such as 0.5,-1,'} or {file}"
    else:
        values = file
    shape = " x ".join("any" if side is None else str(side) for side in kind.shape)
    return {"kind": type(kind).__name__, "shape": shape, "range": values}


def _card(card) -> None:
    from tfgan_zoo.cli.report import stored

    training = card["training"]
    names = card["data"].get("class_names") or ()
    click.echo("")
    console.table(
        "pretrained",
        ("", ""),
        [
            ("file", f"{card['file']}, {card['bytes'] / 1e6:.1f} MB as {card['storage']}"),
            ("sha256", card["sha256"]),
            ("data", f"{card['data']['source']}, licence {card['data']['licence']}"),
            *([("classes", ", ".join(names))] if names else []),
            (
                "training",
                f"{training['steps']:,} steps, seed {training['seed']}, "
                f"{console.duration(training['seconds'])} on {training['hardware']}",
            ),
            ("commit", training["commit"]),
            *[(m["metric"], stored(m)) for m in card["metrics"]],
        ],
    )


@main.command(short_help="Versions and devices, for bug reports.")
@needs_tensorflow
def env():
    """Versions, devices and settings, as JSON, for bug reports."""
    from tfgan_zoo import devices

    click.echo(json.dumps(devices.environment(), indent=2))
