"""What commands print on the terminal: lines, tables, progress with time left; and the error that a user reads."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from typing import Any, Literal, TextIO

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from ._files import as_write_error
from ._text import format_duration, message_line, shorten

FILE_WIDTH = 160  # characters, of tables that go to a file or a pipe
LONGEST_CELL = 400  # characters of a cell of a table
LINE_INTERVAL = 10.0  # seconds between lines of progress where there is no terminal


# Makes a progress bar of a title: a context manager, whose value is called with how many of how many are done.
ProgressFactory = Callable[[str], AbstractContextManager[Callable[[int, int], None]]]


class UsageError(Exception):
    """What the user asked for cannot be done as asked; the message is one line that says what to do."""

    def __init__(self, message: str = "") -> None:
        super().__init__("\n".join(map(message_line, message.split("\n"))))


class _Output(Console):
    """A stream whose reader may close it before the work is done, as `head` does: then the work goes on without it."""

    def print(self, *objects: Any, **options: Any) -> None:
        """As rich's; raises `WriteError` where it cannot be written, as on a full disk."""
        with as_write_error("standard error" if self.stderr else "standard output"):
            super().print(*objects, **options)

    def on_broken_pipe(self) -> None:
        """Rich would end the process here, with results still to be written."""
        self.quiet = True
        with suppress(OSError, ValueError), open(os.devnull, "wb") as nowhere:  # noqa: PTH123 - a device, no file
            os.dup2(nowhere.fileno(), self.file.fileno())  # else Python fails once more as it flushes at the exit


def _is_terminal(stream: TextIO | None) -> bool:
    return stream is not None and not stream.closed and stream.isatty()


# What is printed may hold names from files: no part of it is markup, nor the name of an emoji.
stdout = _Output(width=None if _is_terminal(sys.stdout) else FILE_WIDTH, highlight=False, markup=False, emoji=False)
stderr = _Output(stderr=True, highlight=False, markup=False, emoji=False, soft_wrap=True)


class ProgressReporter:
    """Progress: a bar on a terminal, now and then a line elsewhere; with time left in both."""

    def __init__(self, title: str, bar: Progress | None) -> None:
        self._title = title
        self._bar = bar
        self._task = bar.add_task(shorten(title), total=None) if bar is not None else None
        self._last_line = time.monotonic()
        self._first: tuple[float, int] | None = None  # time of the first that was done: before it was compilation
        self._total = 0  # a new total is a new piece of work, with its own pace

    def __call__(self, done: int, total: int) -> None:
        """`done` of `total` are done."""
        if total != self._total:
            self._total, self._first = total, None
            if self._bar is not None and self._task is not None:
                self._bar.reset(self._task, total=total)
        if self._bar is not None and self._task is not None:
            self._bar.update(self._task, completed=done, total=total)
            return
        now = time.monotonic()
        if self._first is None and done:
            self._first = (now, done)
        if now - self._last_line < LINE_INTERVAL or self._first is None or not self._first[1] < done < total:
            return
        self._last_line = now
        since, before = self._first
        left = (now - since) / (done - before) * (total - done)
        print_message(f"{self._title}: {done} of {total}, about {format_duration(left)} left")


@contextmanager
def progress(title: str) -> Iterator[ProgressReporter]:
    """A `ProgressReporter` for one piece of work."""
    if not stderr.is_terminal:
        yield ProgressReporter(title, None)
        return
    columns = (TextColumn("{task.description}", markup=False), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, TextColumn("left"), TimeRemainingColumn(), console=stderr, transient=True) as bar:
        yield ProgressReporter(title, bar)


def print_message(message: str) -> None:
    """A line on standard error, with control characters as their escapes."""
    stderr.print(message_line(message))


def print_line(message: str = "") -> None:
    """A line of the result on standard output, with control characters as their escapes."""
    stdout.print(message_line(message), soft_wrap=True)


def print_json(text: str) -> None:
    """JSON on standard output, laid out for reading."""
    stdout.print_json(text)


def print_table(
    columns: Sequence[str], rows: Sequence[Sequence[str]], *, left: Sequence[int] = (0,), title: str = ""
) -> None:
    """A table on standard output; columns are flushed right but for those in `left`."""
    heading = _text(title) if title else None
    table = Table(title=heading, title_justify="left", box=None, pad_edge=False, header_style="bold")
    cells = [[*map(_text, row)] for row in rows]
    wide = any(row and row[0].cell_len > stdout.width // 2 for row in cells)  # it would leave the others no place
    for i, column in enumerate(columns):
        justify: Literal["left", "right"] = "left" if i in left else "right"
        first = {"max_width": stdout.width // 2} if wide and i == 0 else {"no_wrap": i == 0}
        table.add_column(_text(column), justify=justify, overflow="fold", **first)
    for row in cells:
        table.add_row(*row)
    stdout.print(table)


def _text(cell: str) -> Text:
    """A cell that is shown as it is, brackets included, but for control characters and excessive length."""
    return Text(shorten(cell, LONGEST_CELL))
