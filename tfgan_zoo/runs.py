"""A run on the disk: its experiment, checkpoints, logs and pictures.

config.json  environment.json  metrics.jsonl  evaluations.jsonl  tensorboard/  samples/step-00000000.png
losses.png   checkpoints/step-00001000.weights.h5 (and .sha256)   model.keras   finished.json
rollbacks.json   lock
"""

import contextlib
import json
import os
import platform
import re
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

from tfgan_zoo import console, files, resources
from tfgan_zoo.config import Experiment
from tfgan_zoo.errors import ZooError, unknown


class Run:
    """A run directory. `Run(path)` opens an existing one, `Run.place` finds or makes the one to train in."""

    def __init__(self, path: "str | Path"):
        self.path = Path(path)
        if not (self.path / "config.json").is_file():
            raise ZooError(f"{self.path}: not a run directory (no config.json in it). `train` makes one under runs/.")

    @classmethod
    def place(cls, experiment: Experiment, folder: "str | Path | None") -> "Run":
        """The run to continue, where an unfinished one of the same experiment exists, or a new one.

        Without a folder: `runs/<preset>`, or the first of `-2`, `-3` ... that is free or unfinished and the same.

        Raises:
            ZooError: `folder` holds another experiment, a finished run or something else.
        """
        if folder is not None:
            path = Path(folder)
            if path.exists() and not path.is_dir():
                raise ZooError(f"{path}: is a file; a run needs a directory.")
            if path.is_dir() and any(path.iterdir()):
                run = cls(path)
                run._refuse_unless_continued(experiment)
                return run
            return cls._create(experiment, path)
        number = 1
        while True:
            path = Path("runs") / (experiment.preset + (f"-{number}" if number > 1 else ""))
            if not path.exists():
                return cls._create(experiment, path)
            if (path / "config.json").is_file():
                run = cls(path)
                if not run.finished and not run.lost and not run.differing(experiment):
                    return run
            number += 1

    @classmethod
    def _create(cls, experiment: Experiment, path: Path) -> "Run":
        files.write_json(path / "config.json", experiment.as_dict())
        return cls(path)

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Inside, this process alone works on the run. The lock goes with the process, however that ends.

        Raises:
            ZooError: another process works on it.
        """
        try:
            import fcntl
        except ImportError:  # Windows
            yield
            return
        with open(self.path / "lock", "a+", encoding="utf-8") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                file.seek(0)
                raise ZooError(
                    f"{self.path}: {file.read(200).strip() or 'another process'} is training it. Wait for its end, or "
                    "name another directory."
                ) from None
            file.truncate(0)
            file.write(f"process {os.getpid()} on {platform.node()}")
            file.flush()
            yield

    def differing(self, experiment: Experiment) -> list[str]:
        """The settings in which `experiment` differs from the run's, but for those that may change on the way."""
        before, now = _flat(self.experiment().as_dict()), _flat(experiment.as_dict())
        free = (
            "train.steps",
            "data.path",
            "data.data_dir",
            "data.download",
            "data.cache",
        )  # data are identified by their hash
        return sorted(
            key
            for key in before.keys() | now.keys()
            if before.get(key) != now.get(key) and key not in free and not key.startswith("evaluate.")
        )

    def _refuse_unless_continued(self, experiment: Experiment) -> None:
        if differing := self.differing(experiment):
            key = differing[0]
            before, now = _flat(self.config()).get(key), _flat(experiment.as_dict()).get(key)
            raise ZooError(
                f"{self.path}: holds another experiment: {key} is {before!r} there and {now!r} here. "
                "Name another directory, or the same settings."
            )
        if self.finished and self.step >= experiment.train.steps:
            raise ZooError(
                f"{self.path}: is finished at step {self.step:,}. Train on with train.steps=N above that, or name "
                "another directory."
            )
        if self.lost:
            raise ZooError(f"{self.path}: its checkpoints are gone, so it cannot go on. Name another directory.")

    def config(self) -> dict[str, Any]:
        """What `config.json` holds."""
        path = self.path / "config.json"
        try:
            found = json.loads(path.read_text(encoding="utf-8"))
        except (ValueError, RecursionError) as error:
            raise ZooError(f"{path}: not JSON: {error}.") from None
        if not isinstance(found, dict):
            raise ZooError(f"{path}: holds no settings of a run.")
        return found

    def experiment(self) -> Experiment:
        """The run's experiment."""
        return Experiment.from_dict(self.config(), origin=str(self.path / "config.json"))

    @property
    def finished(self) -> bool:
        """Whether training came to its end."""
        return (self.path / "finished.json").is_file()

    @property
    def question(self) -> str | None:
        """The command that asks the finished model; None where there is none, or where training is not finished."""
        found = files.read_json(self.path / "finished.json", dict, {}).get("question")
        return found.replace("RUN", str(self.path)) if isinstance(found, str) else None

    @property
    def lost(self) -> bool:
        """Whether it had checkpoints that are gone: training again would overwrite what is left of it."""
        if self.checkpoints:
            return False
        first = self.config().get("train", {}).get("checkpoint_every", 0)
        logged = max((row["step"] for row in self.metrics()), default=0)
        return self.finished or logged > first or any(session.get("from_step") for session in self.sessions)

    # === Checkpoints ===
    @property
    def checkpoints(self) -> dict[int, Path]:
        """Step -> weights file, oldest first."""
        found = {}
        for path in sorted((self.path / "checkpoints").glob("step-*.weights.h5")):
            if match := re.fullmatch(r"step-(\d+)\.weights\.h5", path.name):
                found[int(match[1])] = path
        return found

    @property
    def step(self) -> int:
        """The step of the newest checkpoint; 0 where there is none."""
        return max(self.checkpoints, default=0)

    def save(self, model, keep: int) -> Path:
        """Write a checkpoint of everything (networks, optimizers, step) atomically, then delete all but `keep`.

        Raises:
            ZooError: the disk has no room for it. The checkpoints before it stay.
        """
        step = int(model.step.numpy())
        path = self.path / "checkpoints" / f"step-{step:08d}.weights.h5"
        path.parent.mkdir(parents=True, exist_ok=True)
        for torn in path.parent.glob(".tmp-*"):  # of a process that was killed; the lock says that it is not alive
            torn.unlink()
        resources.require_disk(path.parent, size_of(model), f"a checkpoint of step {step:,}")
        with files.atomic(path) as temporary:
            model.save_weights(temporary)
            digest = files.sha256(temporary)
            _sum_of(path).unlink(missing_ok=True)  # of an earlier file of this step; a kill here leaves no wrong one
        files.write_text(_sum_of(path), digest + "\n")
        for old in list(self.checkpoints.values())[:-keep]:
            old.unlink()
            _sum_of(old).unlink(missing_ok=True)
        return path

    def restore(self, model, step: int | None = None) -> int:
        """Load the newest checkpoint that can be read, or that of `step`; returns its step, 0 where there is none.

        Raises:
            ZooError: there are checkpoints, but none can be read; or none of that step.
        """
        checkpoints = self.checkpoints
        if step is not None:
            if step not in checkpoints:
                raise unknown("checkpoint", step, checkpoints, where=str(self.path))
            checkpoints = {step: checkpoints[step]}
        problems = []
        for reached, path in reversed(checkpoints.items()):
            if (noted := _noted_sum(path)) and noted != files.sha256(path):
                problems.append(f"{path.name} is damaged: its SHA-256 is not what was noted when it was written")
                continue
            try:
                model.load_weights(path)
            except Exception as error:  # h5py and Keras raise many kinds for damaged files
                reason = (str(error).splitlines() or [type(error).__name__])[0]
                problems.append(f"{path.name} cannot be read: {reason}")
                continue
            if problems:
                console.note(f"warning: {self.path}: {'; '.join(problems)}; step {reached:,} is used instead")
            return reached
        if problems:
            raise ZooError(
                f"{self.path}: no checkpoint can be read ({'; '.join(problems)}). Train again in another directory."
            )
        return 0

    # === Logs ===
    @property
    def sessions(self) -> list[dict[str, Any]]:
        """The environment of every session that worked on the run, each with the step it began at."""
        path = self.path / "environment.json"
        found = files.read_json(path, list, None)
        if found is None and path.is_file():
            console.note(f"{path}: cannot be read; the sessions before this one are forgotten")
        return [session for session in found or [] if isinstance(session, dict)]

    def note_session(self, step: int, environment: dict[str, Any]) -> None:
        """Add a session that begins at `step`."""
        files.write_json(self.path / "environment.json", [*self.sessions, {"from_step": step, **environment}])

    def metrics(self) -> list[dict[str, Any]]:
        """The lines of `metrics.jsonl`; those that a kill or damage left unreadable are left out."""
        return [row for row in self._rows("metrics.jsonl") if isinstance(row.get("step"), int)]

    def _rows(self, name: str) -> list[dict[str, Any]]:
        """The JSON objects in the file `name`, one a line; those that cannot be read are left out."""
        path, rows = self.path / name, []
        for line in path.read_text(encoding="utf-8", errors="replace").splitlines() if path.is_file() else ():
            with contextlib.suppress(ValueError, RecursionError):
                rows.append(json.loads(line))
        return [row for row in rows if isinstance(row, dict)]

    @property
    def seconds(self) -> float:
        """Time spent training up to the last log line, over all sessions."""
        rows = self.metrics()
        return rows[-1].get("seconds", 0.0) if rows else 0.0

    def append(self, name: str, row: dict[str, Any]) -> None:
        """Add one JSON line to the file `name`."""
        files.append(self.path / name, json.dumps(row) + "\n")

    def note_results(self, results: Iterable[Any], say: Callable[[str], Any] = console.note) -> None:
        """Add measured results to `evaluations.jsonl`; `say` is told of a place that cannot be written."""
        path = self.path / "evaluations.jsonl"
        try:
            files.append(path, "".join(json.dumps(result.as_dict()) + "\n" for result in results))
        except OSError as error:
            say(f"the results are not noted in {path}: {error.strerror or error}")

    def has_results(self, line: str) -> bool:
        """Whether `evaluations.jsonl` holds results of what it calls `line`."""
        return any(row.get("model") == line for row in self._rows("evaluations.jsonl"))

    @property
    def data(self) -> dict[str, Any]:
        """What the data said of themselves when the run began; {} where that is not known."""
        facts = files.read_json(self.path / "data.json", dict, {})
        facts = facts or files.read_json(self.path / "finished.json", dict, {}).get("data")
        return facts if isinstance(facts, dict) else {}

    @property
    def class_names(self) -> list[str] | None:
        """The names of the data's classes, where they are known."""
        return self.data.get("class_names")

    def note_data(self, facts: dict[str, Any]) -> None:
        """Keep what the data say of themselves; say so where they are not those that the run began with."""
        before = self.data
        if before and before.get("fingerprint") != facts["fingerprint"]:
            console.note(
                f"{self.path}: the data have changed since the run began: {before.get('examples', 0):,} examples then, "
                f"{facts['examples']:,} now"
            )
        files.write_json(self.path / "data.json", facts)

    @property
    def rollbacks(self) -> list[dict[str, Any]]:
        """Where training diverged and went back: `step`, `what`, `back_to` of each time."""
        found = files.read_json(self.path / "rollbacks.json", list, [])
        return [row for row in found if isinstance(row, dict)]

    def note_rollback(self, step: int, what: str, back_to: int) -> None:
        """Add a rollback."""
        row = {"step": step, "what": what, "back_to": back_to}
        files.write_json(self.path / "rollbacks.json", [*self.rollbacks, row])

    def forget_after(self, step: int) -> None:
        """Drop log lines past `step`, which a resumed run will write again (and a line that a kill cut short)."""
        path = self.path / "metrics.jsonl"
        if path.is_file():
            files.write_text(path, "".join(json.dumps(row) + "\n" for row in self.metrics() if row["step"] <= step))


def size_of(model) -> int:
    """Bytes that the weights of a model and its optimizers take in a file, at least."""
    optimizer = getattr(model, "optimizer", None)
    variables = [*model.variables, *(optimizer.variables if optimizer else ())]
    return sum(variable.numpy().nbytes for variable in variables)


def _sum_of(checkpoint: Path) -> Path:
    """The file that holds a checkpoint's SHA-256."""
    return checkpoint.with_name(checkpoint.name.removesuffix(".weights.h5") + ".sha256")


def _noted_sum(checkpoint: Path) -> str | None:
    """A checkpoint's SHA-256 as it was noted; None where it was not, as in runs of earlier versions."""
    try:
        return _sum_of(checkpoint).read_text(encoding="utf-8").strip()
    except (OSError, ValueError):
        return None


def _flat(value: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    result = {}
    for key, inner in value.items():
        result |= _flat(inner, f"{prefix}{key}.") if isinstance(inner, dict) else {f"{prefix}{key}": inner}
    return result
