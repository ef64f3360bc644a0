"""Types of constructor arguments, which presets and command-line overrides are validated against."""

from typing import Annotated

from pydantic import Field

Positive = Annotated[int, Field(ge=1)]
Halvings = Annotated[int, Field(ge=1, le=16)]  # of a side, which has 2^16 pixels at most
Count = Annotated[int, Field(ge=0)]
Weight = Annotated[float, Field(ge=0)]
Fraction = Annotated[float, Field(ge=0, lt=1)]
ImageShape = tuple[Positive, Positive, Positive]
