"""What is asked of a run: which stages, by whom, and about whom."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Literal

Stage = Literal["extract", "invert", "group", "measure", "statistics", "predict", "report"]
STAGES: tuple[Stage, ...] = ("extract", "invert", "group", "measure", "statistics", "predict", "report")

Watch = Callable[[str], AbstractContextManager[Callable[[int, int], None]]]  # `_console.progress`


@dataclass(frozen=True)
class RunOptions:
    """How to run.

    Fields:
        stages: what to do, in order.
        jobs: processes on this machine.
        scheduler: of a Dask cluster; ``local`` to start one here; None for processes.
        again: whether to do anew what is done.
        people: participants to extract and invert; none named for all.
    """

    stages: tuple[Stage, ...] = STAGES
    jobs: int = 1
    scheduler: str | None = None
    again: bool = False
    people: tuple[str, ...] = ()
