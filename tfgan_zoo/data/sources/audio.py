"""A folder of sounds: WAV files of 16 bits, of any rate, mono or stereo (mixed to one channel).

Longer ones are cut at the model's length, shorter ones end in silence. Classes, splits and captions are given as for a
folder of pictures, or by the file names: `pattern = '(?P<label>[0-9])_[a-z]+_((?P<test>[0-4])|(?P<train>[0-9]+))'`.
"""

from typing import Literal

from pydantic import Field

from tfgan_zoo.data import memory, sounds
from tfgan_zoo.data.base import About, label_key, require, text_key
from tfgan_zoo.data.folders import FileSource
from tfgan_zoo.data.making import Making
from tfgan_zoo.modalities import Audio


class Source(FileSource):
    """A folder of sounds."""

    suffixes = Audio.suffixes
    noun = "sound"

    source: str = "audio"
    normalize: Literal["none", "peak"] = Field(
        "none", description="none, or peak: every sound as loud as 16 bits hold, by its loudest sample"
    )

    def _open(self, making: Making, split: str):
        spec, listed = making.given, self.listed(split)
        audio = next((key for key, kind in spec.items() if isinstance(kind, Audio)), None)
        label, text = label_key(spec), text_key(spec)
        if label and not listed.classes:
            raise self.no_labels(listed)
        require(spec, [audio, label, text if listed.captioned else None], f"data.path {self.path!r}")
        rates: set[int] = set()

        def load(place):
            sound, rate = sounds.read(listed.root / listed.items[place].name, spec[audio].rate)
            if sound is None:
                return None
            rates.add(rate)
            return {audio: sounds.loud(sound) if self.normalize == "peak" else sound}

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
            common["identity"] = [*common["identity"], spec[audio].rate, self.normalize]
            common["more"] |= {"rates": sorted(rates), "shortest": min(lengths), "longest": max(lengths)}
        return columns, About(**common, **facts)
