"""Quality of generated images beside real ones.

    streams      where the images of a side come from
    measure      one pass over each side serves every metric; `evaluate`
    cache        statistics of real images on the disk
    targets      what people name on the command line
    neighbours   samples beside the training images nearest to them

Every number comes out as a `Result`, which carries where it comes from.
"""

from ..results import Result
from .measure import Statistics, evaluate, provenance
from .streams import Generated, Pictures, Selected, Served, Stream
from .tasks import OPENING, tasks_of

__all__ = ["OPENING", "Generated", "Pictures", "Result", "Selected", "Served", "Statistics", "Stream", "evaluate", "provenance",
           "tasks_of"]
