"""A folder of videos: GIF, animated WebP and PNG files, or folders of frames, of any size, length and mode.

The frames of a folder are pictures in the order of their names (2.png before 10.png). Classes, splits and captions are
given as for a folder of pictures; `metadata.jsonl` may name folders of frames too. Clips of the model's length are cut.
"""

import dataclasses

import numpy as np
from pydantic import Field

from tfgan_zoo import console
from tfgan_zoo.data import memory, videos
from tfgan_zoo.data.base import About, label_key, require, text_key
from tfgan_zoo.data.clips import Clips, ClipSource, ClipView
from tfgan_zoo.data.folders import FileSource
from tfgan_zoo.data.making import Making
from tfgan_zoo.errors import ZooError, count_of
from tfgan_zoo.modalities import Video
from tfgan_zoo.resources import free_memory


class Source(ClipSource, FileSource):
    """A folder of videos."""

    suffixes = videos.SUFFIXES
    noun = "video"

    source: str = "video"
    fps: float | None = Field(
        None,
        gt=0,
        le=1000,
        description="frames a second, to which animated files are brought by how long each frame is shown; none: their "
        "frames as they are",
    )

    @property
    def shown(self):
        return f"{' '.join(self.suffixes)}, or folders of frames"

    def entries(self, folder, loose):
        if (folder / "metadata.jsonl").exists():
            return super().entries(folder, loose)
        return [{"file_name": name} for name in videos.listing(folder, loose)]

    def weight(self, path):
        return videos.size_of(path)

    def how(self):
        return [*super().how(), *([self.fps] if self.fps else [])]

    def _open(self, making: Making, split: str):
        spec, listed = making.given, self.listed(split)
        video = next((key for key, kind in spec.items() if isinstance(kind, Video)), None)
        label, text = label_key(spec), text_key(spec)
        if label and not listed.classes:
            raise self.no_labels(listed)
        require(spec, [video, label, text if listed.captioned else None], f"data.path {self.path!r}", "video")
        if video is None:
            columns = self.described(listed, listed.items, spec, label, text)
            return columns, About(**self.common(listed, listed.items, split, spec, label, text))

        view, reader = self.clips(making, spec[video]), _Reader(listed.root, self.cache, self.fps)
        least = view.cut.span if self.short == "skip" else 1

        def load(place):
            found = reader.load(listed.items[place].name, view, least)
            return None if found is None else {video: found}

        gathered = memory.gather(load, len(listed.items), {video: view}, self.cache, "Reading videos")
        good = [listed.items[place] for place in gathered.good]
        # What is not kept is read when a clip is cut of it.
        own = gathered.columns[video].own if gathered.nbytes else lambda row: reader.late[good[row].name]
        self._left_out(reader.short, least, None if good else len(listed.items))
        listed = dataclasses.replace(listed, items=[item for item in listed.items if item.name not in reader.short])
        common = self.common(listed, good, split, spec, label, text, reader.broken)
        lengths = [len(reader.late[item.name]) for item in good]
        common["identity"] = [*common["identity"], *self.how()]
        common["more"] |= {"shortest": min(lengths), "longest": max(lengths), "left_out": len(reader.short)}
        columns = {video: Clips(own, len(good), view, gathered.nbytes)}
        columns |= self.described(listed, good, spec, label, text)
        return columns, About(**common, cached_bytes=gathered.nbytes)

    def _left_out(self, short: dict[str, int], least: int, all_of: int | None) -> None:
        """Name the videos that are too short. `all_of`: how many there are, where none can be used: ZooError."""
        if not short:
            return
        names = ", ".join(f"{name} ({frames})" for name, frames in sorted(short.items())[:5])
        names += " ..." if len(short) > 5 else ""
        if all_of:
            raise ZooError(
                f"data.path {self.path!r}: none of its {count_of(all_of, 'video')} can be used; {len(short):,} have "
                f"fewer than the {least} frames of a clip, such as {names}: use data.short=repeat, or a smaller "
                "data.stride."
            )
        console.note(f"{self.path}: left out {count_of(len(short), 'video')} of fewer than {least} frames: {names}")


class _Reader:
    """Reads every video once.

    Args:
        fps: frames a second that animated files are brought to, or None.

    Attributes:
        late: {name: the video, to be read again}, of those that can be used.
        short: {name: frames}, of those that are too short.
        broken: {name: the frame that cannot be decoded}, of folders of frames.
    """

    def __init__(self, root, cache, fps=None):
        self.root, self.fps, self.late, self.short, self.broken = root, fps, {}, {}, {}
        self.most = 0 if cache is False else free_memory() // 4  # bytes of one video that are kept

    def load(self, name: str, view: ClipView, least: int) -> np.ndarray | videos.Late | videos.Timed | None:
        """The prepared frames of a video, or where they are too many the video, which is then read later.

        None where it is broken or too short.
        """
        path, kept, shape, length = self.root / name, [], None, 0
        try:
            order = videos.at_rate(path, self.fps) if self.fps and not path.is_dir() else None
            most = view.cut.most if order is None else int(order[: view.cut.most][-1]) + 1  # of the file's own frames
            for frame in videos.frames(path):
                shape = shape or view.shape(frame)
                frame, length = view.prepared(frame, shape), length + 1
                if len(kept) == length - 1 < (most or length) and length * frame.nbytes <= self.most:
                    kept.append(frame)
        except videos.Broken as broken:
            self.broken |= {name: str(broken)} if str(broken) else {}
            return None
        if (count := length if order is None else len(order)) < least:
            self.short[name] = count
            return None
        late = videos.Late(path, (length, *shape), lambda frame: view.prepared(frame, shape))
        self.late[name] = late if order is None else videos.Timed(late, order)
        if len(kept) < min(length, most or length):
            return self.late[name]
        return np.stack(kept) if order is None else videos.Timed(np.stack(kept), order[: view.cut.most])
