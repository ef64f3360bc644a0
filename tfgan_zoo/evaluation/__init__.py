"""Quality of generated data beside real ones.

    protocol     what is measured and how
    streams      where the data of a side come from
    measure      one pass over each side serves every metric; `evaluate`
    assess       a model of the zoo, with the data of its experiment
    cache        statistics of real data on the disk
    similar      samples beside the training images nearest to them

Every number comes out as a `Result`, which carries where it comes from.
"""

from tfgan_zoo.evaluation.asked import asked_for
from tfgan_zoo.evaluation.measure import GivenStatistics, as_reference, evaluate, provenance
from tfgan_zoo.evaluation.protocol import Protocol
from tfgan_zoo.evaluation.streams import Answers, Generated, Pictures, Selected, Served, Stream
from tfgan_zoo.stamps import Result

__all__ = [
    "Answers",
    "Generated",
    "GivenStatistics",
    "Pictures",
    "Protocol",
    "Result",
    "Selected",
    "Served",
    "Stream",
    "as_reference",
    "asked_for",
    "evaluate",
    "provenance",
]
