"""Quality of generated data beside real ones.

    protocol     what is measured and how
    streams      where the data of a side come from; given: what people name or hold in memory
    measure      one pass over each side (gathering) serves every metric; `evaluate`
    assess       a model of the zoo, with the data of its experiment
    cache        statistics of real data on the disk
    similar      samples beside the training images nearest to them

Every number comes out as a `Result`, which carries where it comes from.
"""

from tfgan_zoo.evaluation.asked import asked_for
from tfgan_zoo.evaluation.given import Arrays, GivenStatistics, Pictures, Served, in_memory
from tfgan_zoo.evaluation.measure import as_generated, evaluate, provenance
from tfgan_zoo.evaluation.protocol import Protocol
from tfgan_zoo.evaluation.references import as_reference
from tfgan_zoo.evaluation.streams import Answers, Generated, Selected, Stream
from tfgan_zoo.stamps import Result, Results

__all__ = [
    "Answers",
    "Arrays",
    "Generated",
    "GivenStatistics",
    "Pictures",
    "Protocol",
    "Result",
    "Results",
    "Selected",
    "Served",
    "Stream",
    "as_generated",
    "as_reference",
    "asked_for",
    "evaluate",
    "in_memory",
    "provenance",
]
