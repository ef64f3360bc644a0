"""A folder of sounds: WAV and FLAC files of any rate, mono or stereo (mixed to one channel).

Python reads WAV files of 16 bits; others and FLAC need soundfile, rates unlike the model's SciPy (`pip install
"tfgan_zoo[sound]"`). Classes, splits and captions are given as for a folder of pictures, or by the file names:
`pattern = '(?P<label>[0-9])_[a-z]+_((?P<test>[0-4])|(?P<train>[0-9]+))'`.
"""

import dataclasses
from functools import lru_cache
from typing import Literal

from pydantic import Field

from tfgan_zoo import console
from tfgan_zoo.data import memory, sounds
from tfgan_zoo.data.base import About, label_key, require, text_key
from tfgan_zoo.data.folders import FileSource, Listed
from tfgan_zoo.data.making import Making
from tfgan_zoo.errors import ZooError, count_of
from tfgan_zoo.modalities import Audio


class Source(FileSource):
    """A folder of sounds."""

    suffixes = Audio.suffixes
    noun = "sound"

    source: str = "audio"
    normalize: Literal["none", "peak", "loudness"] = Field(
        "none",
        description="none; peak: every sound as loud as 16 bits hold, by its loudest sample; loudness: every sound at "
        "-20 dB by its root mean square, quieter where that would cut peaks",
    )
    long: Literal["clip", "slice", "skip"] = Field(
        "clip",
        description="sounds longer than the model's: clip, their beginning; slice, one part after the other, each a "
        "datum of its own; skip, none of it",
    )
    short: Literal["pad", "skip"] = Field(
        "pad", description="sounds, or last parts, shorter than the model's: pad, they end in silence; skip, left out"
    )

    def _open(self, making: Making, split: str):
        spec, listed = making.given, self.listed(split)
        audio = next((key for key, kind in spec.items() if isinstance(kind, Audio)), None)
        label, text = label_key(spec), text_key(spec)
        if label and not listed.classes:
            raise self.no_labels(listed)
        require(spec, [audio, label, text if listed.captioned else None], f"data.path {self.path!r}", "audio")
        rates: set[int] = set()
        listed, starts = self._pieces(listed, spec[audio]) if audio else (listed, [])

        @lru_cache(maxsize=4)  # the pieces of a long file follow each other
        def whole(name):
            sound, rate = sounds.read(listed.root / name, spec[audio].rate)
            if sound is not None:
                rates.add(rate)
                sound = sounds.NORMALIZED[self.normalize](sound)
            return sound

        def load(place):
            sound = whole(listed.items[place].name)
            return None if sound is None else {audio: sound[starts[place] :]}

        good, columns, facts = listed.items, {}, {}
        if audio:
            views = {audio: making.view(audio)}
            gathered = memory.gather(load, len(listed.items), views, self.cache, "Reading sounds")
            good, columns = [listed.items[place] for place in gathered.good], gathered.columns
            facts = {"cached_bytes": gathered.nbytes}
        columns |= self.described(listed, good, spec, label, text)
        common = self.common(listed, good, split, spec, label, text)
        if audio:
            lengths = [shape[0] for shape in gathered.shapes[audio]]
            how = [self.long, self.short] if (self.long, self.short) != ("clip", "pad") else []
            common["identity"] = [*common["identity"], spec[audio].rate, self.normalize, *how]
            common["more"] |= {"rates": sorted(rates), "shortest": min(lengths), "longest": max(lengths)}
        return columns, About(**common, **facts)

    def _pieces(self, listed: Listed, kind: Audio) -> tuple[Listed, list[int]]:
        """What is taken of each file, a piece of the model's length: the files, once for each, and where it starts.

        Files that cannot be read stay: they are found out when they are read, and counted.
        """
        if (self.long, self.short) == ("clip", "pad"):
            return listed, [0] * len(listed.items)
        size, pieces, left = kind.shape[0], [], []
        for item in listed.items:
            length = sounds.length(listed.root / item.name, kind.rate)
            starts = [0] if length is None else self._starts(length, size)
            pieces += [(item, start) for start in starts]
            left += [] if starts else [item.name]
        if left:
            names = ", ".join(left[:5]) + (" ..." if len(left) > 5 else "")
            console.note(f"{self.path}: left out {count_of(len(left), 'sound')} by data.long and data.short: {names}")
        if not pieces:
            raise ZooError(
                f"data.path {self.path!r}: data.long = {self.long!r} and data.short = {self.short!r} leave none of its "
                f"{count_of(len(listed.items), 'sound')}; the model takes {size:,} samples."
            )
        return dataclasses.replace(listed, items=[item for item, _ in pieces]), [start for _, start in pieces]

    def _starts(self, length: int, size: int) -> list[int]:
        """Where the pieces of a sound begin."""
        if length > size and self.long == "skip":
            return []
        starts = range(0, max(length, 1), size) if self.long == "slice" else [0]
        return [start for start in starts if self.short == "pad" or length - start >= size]
