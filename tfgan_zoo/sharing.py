"""Models that are given on: a folder with weights and a card, here or on the Hugging Face Hub.

    card.json      what it is: family, its arguments, experiment, SHA-256 of the weights
    weights.npz    arrays, as `weights.save` writes them; nothing is unpickled
    README.md      for people, and for the Hub

`pull` keeps a folder in the cache under a name, by which every command knows it from then on. `hf://` says that a place
is on the Hub; nothing else makes a connection.
"""

import contextlib
import json
import os
import re
import shutil
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tfgan_zoo import files, index, weights
from tfgan_zoo.errors import ZooError

if TYPE_CHECKING:
    from tfgan_zoo.zoo import Loaded

CARD, WEIGHTS, README = "card.json", "weights.npz", "README.md"
HUB = "hf://"
LONGEST = 2**20  # bytes of a card


# === Reading ===
def is_shared(folder: Path) -> bool:
    """Whether the folder holds a model that was pushed."""
    return all(os.path.isfile(folder / name) for name in (CARD, WEIGHTS))  # Path.is_file raises where it may not look


def pulled(name: str) -> Path | None:
    """Where the model pulled under that name lies; None where there is none."""
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", name):
        return None
    folder = files.cache_folder() / "models" / name
    return folder if is_shared(folder) else None


def read(folder: Path) -> dict[str, Any]:
    """The card of a shared model, whose weights are those that it names.

    Raises:
        ZooError: no card, one that is damaged, or weights of another SHA-256.
    """
    try:
        if (folder / CARD).stat().st_size > LONGEST:
            raise ZooError(f"{folder / CARD}: has more than {LONGEST:,} bytes; it is no card.")
        card = json.loads((folder / CARD).read_text(encoding="utf-8"))
        name, sha256, family, model = (card[key] for key in ("name", "sha256", "family", "model"))
        if not all(isinstance(text, str) for text in (name, sha256, family)) or not isinstance(model, dict):
            raise TypeError("name, sha256 and family must be texts, and model a table")
        actual = files.sha256(folder / WEIGHTS)
    except (OSError, ValueError, TypeError, LookupError) as error:
        raise ZooError(f"{folder}: holds no shared model: {type(error).__name__}: {error}. Push it again.") from None
    if actual != sha256:
        raise ZooError(
            f"{folder / WEIGHTS} is damaged: SHA-256 {actual[:12]}... instead of {sha256[:12]}...; get it again."
        )
    return card


# === Pushing ===
def push(loaded: "Loaded", destination: str, storage: str = "float32", private: bool = False) -> str:
    """Write a model with its card to a new folder, or to the Hub; return where it is.

    Args:
        loaded: the model and what is known of it.
        destination: a folder that does not exist yet, or `hf://user/model`.
        storage: of the weights: "float32" keeps them as they are; "float16" and "int8" take less space.
        private: of the Hub: whether others may not see it.

    Raises:
        ZooError: a folder that exists or cannot be written, a name or a connection that the Hub refuses.
    """
    if destination.startswith(HUB):
        repository, revision = hub_id(destination)
        if revision:
            raise ZooError(f"{destination}: a push makes a revision of its own; leave @{revision} out.")
        hub = hub_library()
        with complete_folder(files.cache_folder() / "push") as folder:
            write(loaded, folder, storage, repository.partition("/")[2])
            with plain_errors(destination):
                api = hub.HfApi()
                api.create_repo(repository, private=private, exist_ok=True)
                api.upload_folder(
                    repo_id=repository, folder_path=str(folder), commit_message=f"tfgan_zoo: {loaded.name}"
                )
        return destination
    place = Path(os.path.expanduser(destination))
    if place.exists():
        raise ZooError(f"{place}: exists; name a folder that does not, or remove it.")
    try:
        with complete_folder(place.parent) as folder:
            write(loaded, folder, storage, place.name)
            os.rename(folder, place)
    except OSError as error:
        raise ZooError(f"cannot write {place}: {error.strerror or error}. Choose a place you may write to.") from error
    return str(place)


def write(loaded: "Loaded", folder: Path, storage: str, name: str) -> None:
    """Write weights, card and README into `folder`."""
    model = loaded.model
    weights.save(model, folder / WEIGHTS, storage)
    config = model.get_config()
    family = type(model).__module__.removeprefix("tfgan_zoo.families.")
    card = {
        "name": name,
        "file": WEIGHTS,
        "bytes": (folder / WEIGHTS).stat().st_size,
        "sha256": files.sha256(folder / WEIGHTS),
        "storage": storage,
        "published": date.today().isoformat(),
        "source": Path(loaded.description).name,  # without the folders of this machine
        "family": family,
        "model": {key: value for key, value in config.items() if key not in ("name", "dtype")},
        "experiment": loaded.experiment and portable(loaded.experiment.as_dict()),
        "class_names": loaded.class_names,
    }
    files.write_json(folder / CARD, card)
    files.write_text(folder / README, readme(card, index.family_facts(family)))


def portable(experiment: dict[str, Any]) -> dict[str, Any]:
    """The experiment without paths of the machine it was trained on."""
    data = dict(experiment["data"])
    if "data_dir" in data:
        data["data_dir"] = None
    if "path" in data:
        data["path"] = Path(data["path"]).name
    return {**experiment, "data": data}


def readme(card: dict[str, Any], facts: dict[str, Any]) -> str:
    """What people read beside the files, and the lines by which the Hub finds them."""
    return f"""---
library_name: tfgan_zoo
tags: [gan, {card["family"]}]
---

# {card["name"]}

{facts["title"]}.{f" Paper: <{facts['paper']}>" if facts["paper"] else ""}

```python
import tfgan_zoo

model = tfgan_zoo.get("this folder, or {HUB}user/{card["name"]}")
```

`{CARD}` says how it was trained. SHA-256 of `{WEIGHTS}`: `{card["sha256"]}`.
"""


# === Pulling ===
def pull(source: str, name: str | None = None) -> Path:
    """Keep a shared model in the cache, under a name by which every command knows it.

    Args:
        source: a folder that was pushed, or `hf://user/model[@revision]`.
        name: the name; default the one on its card. Names of presets are taken.

    Returns:
        The folder in the cache, which appears whole or not at all.

    Raises:
        ZooError: no such place, a model that is damaged, a name that is taken.
    """
    home, place = files.cache_folder() / "models", Path(os.path.expanduser(source))
    if not source.startswith(HUB) and not is_shared(place):
        raise ZooError(f"{source}: holds no shared model ({CARD} and {WEIGHTS}); push one there first.")
    with complete_folder(home) as folder:
        if source.startswith(HUB):
            fetch(source, folder)
        else:
            for file in (CARD, WEIGHTS):
                shutil.copyfile(place / file, folder / file)
        card = read(folder)
        name = name or card["name"]
        if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", name):
            raise ZooError(f"name={name!r}: use letters, digits and _ - ., such as my_gan; say another --name.")
        if name in index.presets() or name in weights.names():
            raise ZooError(f"{name}: is a preset's name; say another --name, such as my_{name}.")
        target = home / name
        if not target.exists():
            os.rename(folder, target)
        elif read(target)["sha256"] != card["sha256"]:
            raise ZooError(f"{target}: holds other weights; say another --name, or remove it.")
        return target


def find(source: str) -> Path | None:
    """The folder of a shared model: `source` itself, what was pulled under that name, or from the Hub, pulled now.

    Raises:
        ZooError: what `pull` raises of a place on the Hub.
    """
    if source.startswith(HUB):
        repository, revision = hub_id(source)
        name = "--".join(filter(None, [*repository.split("/"), revision and revision.replace("/", "-")]))
        return pulled(name) or pull(source, name)
    place = Path(os.path.expanduser(source))
    return place if is_shared(place) else pulled(source)


def fetch(source: str, folder: Path) -> None:
    """Download card and weights from the Hub."""
    repository, revision = hub_id(source)
    hub = hub_library()
    with plain_errors(source):
        hub.snapshot_download(repository, revision=revision, local_dir=str(folder), allow_patterns=[CARD, WEIGHTS])
    shutil.rmtree(folder / ".cache", ignore_errors=True)  # the library's notes on what it has downloaded


def hub_id(source: str) -> tuple[str, str | None]:
    """`hf://user/model@revision` -> ("user/model", "revision"). Raises ZooError for another form."""
    found = re.fullmatch(HUB + r"([\w.-]+/[\w.-]+)(?:@([\w./-]+))?", source, re.ASCII)
    if found is None:
        raise ZooError(f"{source}: write {HUB}user/model, or {HUB}user/model@revision.")
    return found.group(1), found.group(2)


def hub_library():
    """`huggingface_hub`. Raises ZooError where it is not installed."""
    try:
        import huggingface_hub
    except ImportError:
        raise ZooError(f"{HUB} needs huggingface_hub: pip install 'tfgan_zoo[hub]'.") from None
    return huggingface_hub


@contextlib.contextmanager
def plain_errors(source: str) -> Iterator[None]:
    """What the Hub refuses, in one line."""
    try:
        yield
    except (OSError, ValueError) as error:  # its own errors are of these kinds
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise ZooError(f"{source}: {reason[:200]}. Is the name right, and are you logged in (hf auth login)?") from None


@contextlib.contextmanager
def complete_folder(parent: Path) -> Iterator[Path]:
    """A temporary folder in `parent`, to be renamed when it is whole; it is gone afterwards."""
    folder = parent / f".tmp-{os.getpid()}"
    folder.mkdir(parents=True)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
