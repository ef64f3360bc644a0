"""Two domains without pairs: each a source of its own, in an order of its own, each epoch of its own length.

    [data]
    source = "domains"
    x = { source = "folder", path = "summer2winter", split = "trainA" }
    y = { source = "folder", path = "summer2winter", split = "trainB" }

Data of the domains are `x` and `y`; further data end in `_x` or `_y` (`label_y`), and those that do not (`label`) are
of `x` where `x` is wanted too, else of `y`. What a domain's table does not say (`transforms`, `cache`) is as beside it.

A few aligned sentences, `pairs = { source = "sentences", path = ..., target_path = ... }`, tell a dictionary of both
(`dictionary_xy`, `dictionary_yx`), and nothing else of them is used.
"""

from collections.abc import Mapping
from typing import Any

from pydantic import Field, field_validator

from tfgan_zoo import config_errors
from tfgan_zoo import data as sources
from tfgan_zoo.data.base import About, BaseSource, usual_key
from tfgan_zoo.data.dictionary import dictionary
from tfgan_zoo.data.keyed import bits
from tfgan_zoo.data.listing import SPLITS
from tfgan_zoo.data.making import Making
from tfgan_zoo.data.opened import Data
from tfgan_zoo.errors import ZooError
from tfgan_zoo.modalities import ClassLabel, Modality

SIDES = ("x", "y")
SHARED = ("transforms", "cache", "data_dir", "download")  # what a domain takes over where it says nothing


class Source(BaseSource):
    """Two sources, one for each domain."""

    source: str = "domains"
    x: dict[str, Any] = Field(description="the table of one domain, such as { source = ..., split = ... }")
    y: dict[str, Any] = Field(description="the table of the other")
    pairs: dict[str, Any] | None = Field(
        None, description="sentences of both with a target_path, of which a dictionary is made, as weak supervision"
    )
    download: bool = Field(False, description="as --download: fetch the domains that TFDS has")

    @field_validator("x", "y", "pairs")
    @classmethod
    def _readable(cls, value: dict[str, Any] | None, info) -> dict[str, Any] | None:
        where = f"data.{info.field_name}"
        if value is None:
            return None
        if info.field_name == "pairs" and (value.get("source") != "sentences" or "target_path" not in value):
            raise ZooError(f'{where}: must be {{ source = "sentences", path = ..., target_path = ... }}.')
        if "batch_size" in value:
            raise ZooError(f"{where}.batch_size: both domains share one; set data.batch_size.")
        if value.get("source") == "domains":
            raise ZooError(f"{where}.source 'domains': a domain is one source; name another.")
        kind = sources.source_class(value.get("source"))
        config_errors.check(kind, value, where, where, {})
        return value

    @field_validator("derive")
    @classmethod
    def _none_derived(cls, value):
        if value:
            raise ZooError("derive: say it in the tables of the domains, data.x and data.y.")
        return value

    def side(self, name: str) -> BaseSource:
        """The source of a domain (or of the `pairs`), with what it takes over."""
        table = dict(getattr(self, name))
        kind = sources.source_class(table["source"])
        for key in SHARED:
            if key in kind.model_fields and key not in table:
                table[key] = getattr(self, key)
        return config_errors.check(kind, table, f"data.{name}", f"data.{name}", {})

    def open(self, element_spec: Mapping[str, Modality], *, split: str | None = None) -> Data:
        if self.where:
            raise ZooError("data.where: say it in the tables of the domains, data.x and data.y.")
        wanted, split = _sides(element_spec), split or self.split
        opened = {}
        for name, keys in wanted.items():
            source = self.side(name)
            spec = {inner: element_spec[outer] for outer, inner in keys.items()}
            opened[name] = source.open(spec, split=split_of(source.split, self.split, split))
        return Domains(dict(element_spec), wanted, opened, source=self, split=split)

    def knows(self):
        known = {name: self.side(name).knows() for name in SIDES}
        words = {f"vocabulary_{name}": known[name]["vocabulary"] for name in SIDES if known[name].get("vocabulary")}
        classes = known["x"] if "num_classes" in known["x"] else known["y"]
        found = {key: classes[key] for key in ("num_classes", "class_names") if key in classes} | words
        if self.pairs is None:
            return found
        there, back = self.side("pairs").sentences()
        return found | {"dictionary_xy": dictionary(there, back), "dictionary_yx": dictionary(back, there)}

    def splits(self):
        here = {name: (self.side(name), self.side(name).splits()) for name in SIDES}
        usual = self.split.partition("[")[0]

        def has(split: str) -> bool:
            names = [split_of(source.split, usual, split).partition("[")[0] for source, _ in here.values()]
            return all(name in known for name, (_, known) in zip(names, here.values(), strict=True))

        return [name for name in dict.fromkeys((usual, *SPLITS, *here["x"][1])) if has(name)]

    def located(self):
        sides = SIDES if self.pairs is None else (*SIDES, "pairs")
        tables = {name: self.side(name).located().model_dump(mode="json", exclude_unset=True) for name in sides}
        return super().located().model_copy(update=tables)


def split_of(own: str, usual: str, asked: str) -> str:
    """The split of a domain: `own` where `usual` is asked for; `test` leads from `trainA` to `testA`."""
    if asked == usual:
        return own
    name, bracket, part = asked.partition("[")
    own_name, usual_name = own.partition("[")[0], usual.partition("[")[0]
    return (own_name.replace(usual_name, name, 1) if usual_name in own_name else name) + bracket + part


def _sides(spec: Mapping[str, Modality]) -> dict[str, dict[str, str]]:
    """{domain: {key of the model: key of the domain's own source}}, without domains of which nothing is wanted.

    Raises:
        ZooError: a key that belongs to neither.
    """
    found: dict[str, dict[str, str]] = {name: {} for name in SIDES}
    bare = "x" if any(key == "x" or key.endswith("_x") for key in spec) else "y"
    for key, kind in spec.items():
        name, _, side = key.rpartition("_")
        if key in SIDES:
            side, inner = key, usual_key(kind)
        elif name and side in SIDES:
            inner = name
        else:
            side, inner = bare, key
        if not inner or inner in found[side].values():
            raise ZooError(f"data.{side}: gives {key!r} ({kind.name}) to no model; ask for x, y, label_x or label_y.")
        found[side][key] = inner
    return {name: keys for name, keys in found.items() if keys}


class Domains(Data):
    """Two opened sources side by side.

    An element of a run holds the next of each domain's own order. In evaluation the shorter domain begins again.
    """

    def __init__(self, spec, keys: Mapping[str, Mapping[str, str]], opened: Mapping[str, Data], *, source, split: str):
        self.keys, self.opened = keys, opened
        facts = {name: one.facts for name, one in opened.items()}
        label = next((key for key, kind in spec.items() if isinstance(kind, ClassLabel)), None)
        labelled = next((one for name, one in opened.items() if label in keys[name]), None)
        about = About(
            description=", ".join(f"{name}: {fact['source']}" for name, fact in facts.items()),
            identity=["domains", {name: [fact["fingerprint"], dict(keys[name])] for name, fact in facts.items()}],
            num_examples=max(one.num_examples for one in opened.values()),
            num_classes=labelled.num_classes if labelled else None,
            class_names=labelled.class_names if labelled else None,
            skipped=[file for fact in facts.values() for file in fact["skipped"]["names"]],
            cached_bytes=sum(fact["cached_bytes"] for fact in facts.values()),
            more={"domains": facts},
        )
        plain = Making(dict(spec), [], {}, lambda key: True)
        super().__init__(plain, {}, source=source, split=split, about=about)
        self.facts["skipped"]["count"] = sum(fact["skipped"]["count"] for fact in facts.values())

    def batches(self, batch_size: int, *, seed: int = 0, start: int = 0, shard: tuple[int, int] = (0, 1)):
        # Domains of one size and one seed would meet in the same pairs in every epoch.
        seeds = {"x": seed, "y": int(bits(seed, 1)[0] >> 1)}
        return self._together(
            {
                name: one.batches(batch_size, seed=seeds[name], start=start, shard=shard)
                for name, one in self.opened.items()
            }
        )

    def examples(self, batch_size: int, limit: int | None = None):
        total = self.num_examples if limit is None else min(limit, self.num_examples)

        def whole(one: Data):
            if one.num_examples >= total:
                return one.examples(batch_size, total)
            return one.examples(batch_size).unbatch().repeat().take(total).batch(batch_size)

        return self._together({name: whole(one) for name, one in self.opened.items()})

    def rows(self, places):
        found = {}
        for name, one in self.opened.items():
            rows = one.rows([int(place) % one.num_examples for place in places])
            found |= {outer: rows[inner] for outer, inner in self.keys[name].items()}
        return {key: found[key] for key in self.spec}

    def _together(self, datasets):
        import tensorflow as tf

        from tfgan_zoo.data.pipeline import finish

        def joined(parts):
            return {
                key: parts[name][self.keys[name][key]] for key in self.spec for name in parts if key in self.keys[name]
            }

        return finish(tf.data.Dataset.zip(datasets).map(joined))
