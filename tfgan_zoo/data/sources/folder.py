"""A folder of pictures: PNG, JPEG, BMP, GIF (first frame), WebP, TIFF, of any size and mode.

Labels come from `metadata.jsonl` (one JSON object a line with `file_name`; the key that `label` names) or, without one,
from class subfolders; captions are its `text`, or `.txt` files beside the pictures. Splits are subfolders (`train`,
`test` ...) where there are any; else `hold_out` makes a test split, or slices such as `train[90%:]` divide the folder.
Symbolic links are followed.
"""

from tfgan_zoo import images
from tfgan_zoo.data import memory
from tfgan_zoo.data.base import About, label_key, picture_key, require, text_key
from tfgan_zoo.data.folders import FileSource
from tfgan_zoo.data.listing import listing
from tfgan_zoo.data.making import Making
from tfgan_zoo.modalities import Image

__all__ = ["SUFFIXES", "Source", "listing"]
SUFFIXES = Image.suffixes


class Source(FileSource):
    """A folder of pictures."""

    suffixes = SUFFIXES
    noun = "picture"

    source: str = "folder"

    def _open(self, making: Making, split: str):
        spec, listed = making.given, self.listed(split)
        image, label, text = picture_key(spec, "a folder"), label_key(spec), text_key(spec)
        if label and not listed.classes:
            raise self.no_labels(listed)
        require(spec, [image, label, text if listed.captioned else None], f"data.path {self.path!r}", "image")

        def load(place):
            picture = images.decode(listed.root / listed.items[place].name)
            return None if picture is None else {image: picture}

        good, columns, facts = listed.items, {}, {}
        if image:
            views = {image: making.view(image)}
            gathered = memory.gather(load, len(listed.items), views, self.cache, "Reading pictures")
            good, columns = [listed.items[place] for place in gathered.good], gathered.columns
            facts = {"image_shape": gathered.shape(image), "cached_bytes": gathered.nbytes}
        columns |= self.described(listed, good, spec, label, text)
        return columns, About(**self.common(listed, good, split, spec, label, text), **facts)
