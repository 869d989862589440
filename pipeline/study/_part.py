"""What every table of a study's file has in common, and the kinds of values in it."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]*")  # of our own making: part of file names and tables
Name = Annotated[str, Field(pattern=f"^{NAME.pattern}$")]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Finite = Annotated[float, Field(allow_inf_nan=False)]
Span = tuple[Finite, Finite]  # from, to


class Part(BaseModel):
    """A table of the file."""

    model_config = ConfigDict(extra="forbid", frozen=True, str_strip_whitespace=True)
