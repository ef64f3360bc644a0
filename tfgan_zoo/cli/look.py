"""Commands that look things up: list, info, env."""

import json

import click

from tfgan_zoo import console, index
from tfgan_zoo.cli.common import json_option, main, needs_tensorflow, print_json


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
@json_option("The facts as JSON.")
def info(name, json_out):
    """Show a preset (settings, paper, pretrained card) or a family (paper, arguments, presets)."""
    facts = index.info(name)
    if json_out:
        return print_json(facts, json_out)
    family = facts.get("family_facts", facts)
    if "text" in facts:
        click.echo(f"{facts['file']}\n\n{facts['text'].rstrip()}\n")
    click.echo(f"family {facts['family']}: {family['class']}\n\n{family['doc']}\n\n{family['class_doc']}\n")
    console.table("arguments, model.KEY=VALUE", ("argument", "default"), family["arguments"].items())
    if facts.get("presets"):
        click.echo(f"\npresets: {', '.join(facts['presets'])}")
    if facts.get("card"):
        _card(facts["card"])


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
