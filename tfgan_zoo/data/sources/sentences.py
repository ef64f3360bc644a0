"""Sentences of text files, one a line, plain or `.gz`; or aligned pairs of two files.

One file gives `text`, two give `source` and `target`. `{split}` in a path stands for the split's name:
`multi30k/{split}.en.gz`. Where one file alone is called `test_...`, it is the split `test` too. Lines without a word
(in either of two files) are left out and counted.
"""

import gzip
import hashlib
import re
import zlib
from pathlib import Path
from typing import Any

from pydantic import Field, PositiveInt, field_validator

from tfgan_zoo.data import words
from tfgan_zoo.data.base import About, BaseSource, require, subset, text_key
from tfgan_zoo.data.making import Making
from tfgan_zoo.errors import ZooError
from tfgan_zoo.modalities import Text
from tfgan_zoo.modalities.text import split_words

SPLIT = "{split}"


class Source(BaseSource):
    """Sentences, one a line."""

    source: str = "sentences"
    path: str = Field(description="the text file, such as multi30k/{split}.en.gz")
    target_path: str | None = Field(None, description="the file with what each line leads to, aligned by line")
    words: PositiveInt | None = Field(None, description="how many words are known, of each file; default all")
    longest: PositiveInt | None = Field(None, description="leave out lines with more words")

    @field_validator("target_path")
    @classmethod
    def _alike(cls, value: str | None, info):
        if value is not None and (SPLIT in value) != (SPLIT in info.data.get("path", "")):
            raise ValueError(f"target_path {value!r}: {SPLIT} stands in both paths or in none.")
        return value

    def _open(self, making: Making, split: str):
        spec = making.given
        kinds = {key: kind for key, kind in spec.items() if isinstance(kind, Text)}
        if self.target_path is None:
            keys = [text_key(spec)]
            if len(kinds) > 1:
                raise ZooError(f"sentences: the model wants {' and '.join(kinds)}; give a data.target_path for a pair.")
        else:
            keys = ["source", "target"]
        require(spec, [key for key in keys if key in kinds], f"data.path {self.path!r}")
        sides, found = self._lines(split)
        columns = {key: kinds[key].encode(side) for key, side in zip(keys, sides, strict=True) if key in kinds}
        digest = hashlib.sha256("\n".join(line for side in sides for line in side).encode()).hexdigest()
        texts = {key: words.known(side, kinds[key]) for key, side in zip(keys, sides, strict=True) if key in kinds}
        return columns, About(
            description=f"sentences {' and '.join(Path(path).name for path in self._paths)} [{split}]",
            identity=["sentences", digest],
            num_examples=len(sides[0]),
            cached_bytes=sum(column.nbytes for column in columns.values()),
            more={**found, "texts": texts},
        )

    def knows(self) -> dict[str, Any]:
        sides, _ = self._lines(self.split)
        known = [words.vocabulary(side, self.words) for side in sides]
        if self.target_path is None:
            return {"vocabulary": known[0]}
        return {"source_vocabulary": known[0], "target_vocabulary": known[1]}

    def sentences(self) -> list[list[str]]:
        """The lines of each file, aligned. Raises ZooError where they cannot be read."""
        return self._lines(self.split)[0]

    def splits(self):
        return list(self._files(self.path))

    @property
    def _paths(self) -> list[str]:
        return [path for path in (self.path, self.target_path) if path is not None]

    def _there(self, path):
        return bool(_files_of(path)) if SPLIT in path.name else path.exists()

    def _files(self, path: str) -> dict[str, Path]:
        """{split: file}."""
        found = _files_of(self.place(path))
        if not found:
            raise ZooError(f"data.path {path!r} is not there; give a text file, one sentence a line, plain or .gz.")
        tests = [name for name in found if name.startswith("test_")]
        return found | ({"test": found[tests[0]]} if len(tests) == 1 and "test" not in found else {})

    def _lines(self, split: str) -> tuple[list[list[str]], dict[str, int]]:
        """(the lines of each file that the split takes, how many were left out)."""
        files = [self._files(path) for path in self._paths]
        read: dict[str, list[list[str]]] = {}

        def count(name):
            read[name] = [_read(own[name]) for own in files if name in own]
            if len(read[name]) < len(files):
                raise ZooError(f"data.target_path {self.target_path!r} has no split {name!r}.")
            lengths = [len(lines) for lines in read[name]]
            if len(set(lengths)) > 1:
                shown = " and ".join(f"{length:,}" for length in lengths)
                raise ZooError(f"data.target_path {self.target_path!r}: the files have {shown} lines; they must agree.")
            return lengths[0]

        name, places = subset(split, files[0], count)
        rows = list(zip(*(side[places.start : places.stop] for side in read[name]), strict=True))
        worded = [row for row in rows if all(re.search(r"\w", line) for line in row)]
        kept = worded
        if self.longest:
            kept = [row for row in worded if max(len(split_words(line)) for line in row) <= self.longest]
        if not kept:
            raise ZooError(f"data.path {self.path!r} [{split}] has no line with a word, or none of data.longest words.")
        left = {"empty_lines": len(rows) - len(worded), "longer_lines": len(worded) - len(kept)}
        return [list(side) for side in zip(*kept, strict=True)], left


def _files_of(path: Path) -> dict[str, Path]:
    """{split: file}; one file without `{split}` is train."""
    if SPLIT not in path.name:
        return {"train": path} if path.is_file() else {}
    before, after = map(re.escape, path.name.split(SPLIT, 1))
    found = {}
    for file in sorted(path.parent.iterdir()) if path.parent.is_dir() else ():
        if (match := re.fullmatch(f"{before}(\\w+){after}", file.name)) and file.is_file():
            found[match[1]] = file
    return found


def _read(path: Path) -> list[str]:
    """The lines of a text file. Raises ZooError where it cannot be read."""
    try:
        content = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
        return content.decode("utf-8").splitlines()
    except (OSError, EOFError, zlib.error, UnicodeDecodeError) as error:
        raise ZooError(f"{path}: cannot be read as UTF-8 text: {str(error).splitlines()[0]}.") from None
