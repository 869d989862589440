"""`[series]`: region series from files instead of images."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import Field

from ._analysis_settings import ConfigSection, Name, Positive

Column = Annotated[str, Field(min_length=1)] | Annotated[int, Field(ge=1)]


class Series(ConfigSection):
    """`[series]`: which files hold the series, of which regions, in which unit; paths are relative to this file.

    Patterns have ``*`` for any part of a name, ``**/`` for folders, and {participant}, {session}, {task} and {run};
    what has no such field is taken from BIDS's parts of the name (sub-, ses-, task-, run-).
    """

    files: Annotated[
        str | tuple[str, ...],
        Field(description='Pattern of the files, or several: "xcpd/**/*_atlas-4S156Parcels_*timeseries.tsv".'),
    ]
    unit: Annotated[
        Literal["percent", "raw", "arbitrary"],
        Field(
            description="Percent signal change; raw, as the scanner counts (each region is taken in percent of its "
            "mean); or arbitrary, such as standardised or residual series (each run is brought to a range of 4)."
        ),
    ]
    regions: Annotated[
        tuple[Name, ...] | dict[Name, Column | tuple[Column, ...]],
        Field(
            min_length=1,
            description="Columns of the files, by name; or names of your own, each a column (its name, or its number "
            "from 1) or a list of columns to average.",
        ),
    ]
    repetition_time: Annotated[
        Positive | None, Field(description="Seconds from scan to scan, where the files do not say.")
    ] = None
    events: Annotated[
        str | None,
        Field(description="Pattern of the events' files. Default: those of the BIDS dataset, where [study] names one."),
    ] = None
    sessions_in_file: Annotated[
        Literal["sessions", "runs"] | None,
        Field(description="What the sessions are that a file of CONN holds: sessions of the study, or runs of one."),
    ] = None

    @property
    def patterns(self) -> tuple[str, ...]:
        """Every pattern of files."""
        return (self.files,) if isinstance(self.files, str) else self.files

    @property
    def region_columns(self) -> Mapping[str, tuple[str | int, ...]]:
        """Region → the columns that it is the mean of."""
        if isinstance(self.regions, tuple):
            return {name: (name,) for name in self.regions}
        return {name: columns if isinstance(columns, tuple) else (columns,) for name, columns in self.regions.items()}
