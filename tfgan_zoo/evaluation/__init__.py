"""Quality of generated images beside real ones.

    streams      where the images of a side come from
    measure      one pass over each side serves every metric; `evaluate`
    cache        statistics of real images on the disk
    targets      what people name on the command line
    neighbours   samples beside the training images nearest to them

Every number comes out as a `Result`, which carries where it comes from.
"""

from tfgan_zoo.evaluation.asked import OPENING, asked_for
from tfgan_zoo.evaluation.measure import Statistics, evaluate, provenance
from tfgan_zoo.evaluation.streams import Generated, Pictures, Selected, Served, Stream
from tfgan_zoo.stamps import Result

__all__ = [
    "OPENING",
    "Generated",
    "Pictures",
    "Result",
    "Selected",
    "Served",
    "Statistics",
    "Stream",
    "asked_for",
    "evaluate",
    "provenance",
]
