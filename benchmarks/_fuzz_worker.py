"""One damaged file after another: made, read, and what came of it."""

from __future__ import annotations

import contextlib
import os
import random
import shutil
import time
import traceback
import warnings
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from ._fuzz_mutate import change_bytes, mutate
from ._fuzz_seeds import Refused, Seed, make_seeds

SLOW = 5.0  # s of processor time: others may use the machine as well
LARGE = 2**30  # bytes
OURS = ("pipeline", "dcm", "peb", "features")
LONGEST = 2000  # characters of a message


@dataclass(frozen=True)
class FuzzOutcome:
    """What came of one input.

    Fields:
        format, index, name: which it was, and the good file it was made from.
        how: ``fine``, ``own error``, ``untidy`` (an own error of several lines, or with control characters),
            ``foreign``, ``signal``, ``hang`` or ``memory``.
        detail: the error and where it was raised.
        seconds: of processor time that the reading took, here and in children.
        peak: bytes of memory in use at most.
        warned: a warning that a library gave; empty for none.
    """

    format: str
    index: int
    name: str
    how: str
    detail: str = ""
    seconds: float = 0.0
    peak: int = 0
    warned: str = ""


class Fuzzer:
    """Makes and reads inputs in this process.

    Arguments:
        folder: for the files.
        formats: of them.
        seed: of every change.
    """

    def __init__(self, folder: Path, formats: Sequence[str], seed: int) -> None:
        self.folder, self.seed = folder, seed
        seeds = make_seeds(folder / "good", tuple(formats))
        self.seeds = {name: [case for case in seeds if case.format == name] for name in formats}

    def check_seeds(self) -> None:
        """Raises whatever comes where a good file is not read; nothing could be learnt from it then."""
        for seed in (seed for seeds in self.seeds.values() for seed in seeds):
            seed.read(self._lay(seed, seed.content))

    def make(self, form: str, index: int) -> tuple[Seed, bytes]:
        """The input of a number, the same every time."""
        rng = random.Random(f"{self.seed}/{form}/{index}")
        seed = rng.choice(self.seeds[form])
        scratch = self.folder / "scratch"
        scratch.mkdir(exist_ok=True)
        try:
            return seed, mutate(form, seed.content, rng, scratch)
        except Exception:  # a change that cannot be made to this file, such as of what an earlier one removed
            return seed, change_bytes(seed.content, rng)

    def try_input(self, form: str, index: int) -> FuzzOutcome:
        """Makes an input and reads it."""
        seed, content = self.make(form, index)
        path = self._lay(seed, content)
        _reset_peak()
        start, before = cpu_seconds(), _peak()
        with warnings.catch_warnings(record=True) as warned:
            warnings.simplefilter("always")
            try:
                seed.read(path)
                how, detail = "fine", ""
            except BaseException as error:  # whatever it is, `judge` says whether it is ours
                how, detail = judge(error)
        seconds, peak = cpu_seconds() - start, _peak()
        if seconds > SLOW:
            how = "hang"
        elif peak > max(LARGE, before + LARGE // 2):  # a process that holds much already may grow by half of it
            how = "memory"
        first = f"{warned[0].category.__name__}: {warned[0].message}"[:200] if warned else ""
        return FuzzOutcome(form, index, seed.name, how, detail, seconds, peak, first)

    def _lay(self, seed: Seed, content: bytes) -> Path:
        place = self.folder / "input"
        shutil.rmtree(place, ignore_errors=True)
        place.mkdir(parents=True)
        for name, beside in seed.beside.items():
            (place / name).write_bytes(beside)
        path = place / seed.name
        path.write_bytes(content)
        return path


def judge(error: BaseException) -> tuple[str, str]:
    """Whether an error is the project's own, and in one readable line; the error with its place.

    Our own classes are, and so is a `ValueError` that our code raises by a statement of its own.
    """
    frame = traceback.extract_tb(error.__traceback__)[-1]
    name = type(error).__name__
    own = isinstance(error, Refused) or type(error).__module__.split(".")[0] in OURS
    if type(error) is ValueError and (frame.line or "").startswith("raise"):
        own = any(f"{os.sep}{part}{os.sep}" in frame.filename for part in OURS)
    text = str(error)
    detail = f"{name}: {text[:300]} ({'/'.join(Path(frame.filename).parts[-2:])}:{frame.lineno})"
    if not own:
        ours = [line for line in traceback.extract_tb(error.__traceback__) if _is_ours(line.filename)]
        where = f" from {'/'.join(Path(ours[-1].filename).parts[-2:])}:{ours[-1].lineno}" if ours else ""
        return "foreign", detail + where
    tidy = text.isprintable() or (all(line.isprintable() for line in text.split("\n")) and name == "StudyError")
    return ("own error" if tidy and len(text) < LONGEST else "untidy"), detail


def _is_ours(filename: str) -> bool:
    return any(f"{os.sep}{part}{os.sep}" in filename for part in OURS) and "site-packages" not in filename


def serve(connection: Connection, folder: Path, formats: Sequence[str], seed: int) -> None:
    """A worker: numbers of inputs come in, outcomes go out."""
    import jax

    jax.config.update("jax_enable_x64", True)  # type: ignore[no-untyped-call] # JAX leaves it untyped
    fuzzer = Fuzzer(folder, formats, seed)
    fuzzer.check_seeds()
    connection.send("ready")
    while (asked := connection.recv()) is not None:
        connection.send(asdict(fuzzer.try_input(*asked)))


def _reset_peak() -> None:
    with contextlib.suppress(OSError):  # then the peak is that of the process so far
        Path("/proc/self/clear_refs").write_text("5")


def _peak() -> int:
    """Bytes that this process, or a child of its, had in use at most."""
    return max((_high_water(place) for place in ("self", *_children())), default=0)


def cpu_seconds(process: int | None = None) -> float:
    """Processor time of a process (this one for None) and its children, alive or ended; wall time where not known."""
    number = os.getpid() if process is None else process
    places = (str(number), *_children(number))
    ticks = [_ticks(place) for place in places]
    return sum(ticks) / os.sysconf("SC_CLK_TCK") if ticks[0] else time.monotonic()


def _ticks(process: str) -> int:
    try:
        fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0
    return sum(map(int, fields[11:15]))  # its own, then those of children that ended


def _children(process: int | None = None) -> list[str]:
    number = os.getpid() if process is None else process
    try:
        return Path(f"/proc/{number}/task/{number}/children").read_text().split()
    except OSError:
        return []


def _high_water(process: str) -> int:
    try:
        lines: list[str] = Path(f"/proc/{process}/status").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM")), 0)


__all__: list[Any] = ["LARGE", "SLOW", "FuzzOutcome", "Fuzzer", "cpu_seconds", "judge", "serve"]
