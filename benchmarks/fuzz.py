"""Damaged and hostile files: ``python -m benchmarks.fuzz [--inputs N] [--seed N] [--only FORMAT…] [--keep DIR]``.

Good files of every format that effconn reads are changed at random, in ways of their format's own, and given to what
reads them, in processes of their own. Each is to be read or refused by an error of the project's own in one line. The
exit code is 1 where one ends the process, raises another error, takes over 5 s or more than 1 GB.
"""

from __future__ import annotations

import argparse
import contextlib
import multiprocessing
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any

from ._fuzz_seeds import FORMATS
from ._fuzz_worker import SLOW, Fuzzer, FuzzOutcome, cpu_seconds, serve
from ._predict_side_by_side import cores
from ._table import table, write_json

HOWS = ("fine", "own error", "untidy", "foreign", "signal", "hang", "memory")
GOOD = ("fine", "own error")
_GRACE = 3.0  # s of processor time beyond those allowed, before a worker is ended
_LONGEST = 120.0  # s by the clock: of an input that does nothing, and of a worker's start
_SHOWN = 12  # kinds of faults

Input = tuple[str, int]


def main(arguments: Sequence[str] | None = None) -> int:
    """Make, read, count, print; 1 where an input was neither read nor refused well."""
    options = _parser().parse_args(arguments)
    formats = tuple(options.only or FORMATS)
    inputs = [(formats[i % len(formats)], i // len(formats)) for i in range(options.inputs)]
    start = time.perf_counter()
    with tempfile.TemporaryDirectory(prefix="effconn-fuzz-") as folder:
        outcomes = run_inputs(inputs, formats, options.seed, Path(folder), options.jobs)
        faults = [outcome for outcome in outcomes if outcome.how not in GOOD]
        if options.keep is not None:
            _keep(faults, formats, options.seed, Path(folder), options.keep)
    rows = count(outcomes, formats)
    print(table(rows, ("format", "inputs", *HOWS, "warned", "slowest_s", "largest_MB")))
    print(f"{len(outcomes)} inputs of seed {options.seed} in {time.perf_counter() - start:.0f} s")
    for line in fault_lines(faults):
        print(line)
    if options.json is not None:
        write_json(options.json, {"seed": options.seed, "formats": rows, "faults": [vars(fault) for fault in faults]})
    return 1 if faults else 0


def run_inputs(
    inputs: Sequence[Input], formats: Sequence[str], seed: int, folder: Path, jobs: int
) -> list[FuzzOutcome]:
    """What came of each input, in the order in which they ended; in this process where there are no jobs."""
    if not jobs:
        fuzzer = Fuzzer(folder, formats, seed)
        fuzzer.check_seeds()
        return [fuzzer.try_input(*case) for case in inputs]
    waiting = list(reversed(inputs))
    with _workers(jobs, folder, formats, seed) as workers:
        return list(_work_off(waiting, workers))


def count(outcomes: Sequence[FuzzOutcome], formats: Sequence[str]) -> list[dict[str, Any]]:
    """A row for each format."""
    rows: list[dict[str, Any]] = []
    for name in formats:
        own = [outcome for outcome in outcomes if outcome.format == name]
        counts = Counter(outcome.how for outcome in own)
        rows.append(
            {
                "format": name,
                "inputs": len(own),
                **{how: counts[how] for how in HOWS},
                "warned": sum(bool(outcome.warned) for outcome in own),
                "slowest_s": max((outcome.seconds for outcome in own), default=0.0),
                "largest_MB": max((outcome.peak for outcome in own), default=0) // 10**6,
            }
        )
    return rows


def fault_lines(faults: Sequence[FuzzOutcome]) -> Iterator[str]:
    """The most frequent kinds of faults, each with an input that shows it."""
    kinds = Counter(_kind(fault) for fault in faults)
    for kind, times in kinds.most_common(_SHOWN):
        first = next(fault for fault in faults if _kind(fault) == kind)
        yield f"{times} × {first.how}: {first.format} input {first.index} ({first.name}): {first.detail!r}"


def _kind(outcome: FuzzOutcome) -> tuple[str, str, str]:
    """Faults of one place are of one kind."""
    return outcome.format, outcome.how, outcome.detail.partition(":")[0] + outcome.detail.rpartition("(")[2]


class _Worker:
    """A process with one input at a time."""

    def __init__(self, folder: Path, formats: Sequence[str], seed: int) -> None:
        self._arguments = (folder, tuple(formats), seed)
        self.connection: Connection
        self.asked: Input | None = None
        self.since = self.used = 0.0
        self.start()

    def start(self) -> None:
        context = multiprocessing.get_context("spawn")
        self.connection, other = context.Pipe()
        self.process = context.Process(target=serve, args=(other, *self._arguments), daemon=False)
        self.process.start()
        other.close()
        self.ready = False
        self.since = time.monotonic()

    def ask(self, one: Input) -> None:
        self.asked, self.since, self.used = one, time.monotonic(), cpu_seconds(self.process.pid)
        self.connection.send(one)

    def end(self) -> None:
        self.process.kill()
        self.process.join()
        self.connection.close()

    @property
    def overdue(self) -> bool:
        used = cpu_seconds(self.process.pid) - self.used if self.ready else 0.0
        return used > SLOW + _GRACE or time.monotonic() - self.since > _LONGEST


@contextlib.contextmanager
def _workers(jobs: int, folder: Path, formats: Sequence[str], seed: int) -> Iterator[list[_Worker]]:
    workers = [_Worker(folder / f"worker-{i}", formats, seed) for i in range(jobs)]
    try:
        yield workers
    finally:
        for worker in workers:
            worker.end()


def _work_off(waiting: list[Input], workers: list[_Worker]) -> Iterator[FuzzOutcome]:
    while waiting or any(process.asked for process in workers):
        busy = {process.connection: process for process in workers if process.asked or not process.ready}
        ended = wait(list(busy), timeout=1.0)
        for worker in (busy[connection] for connection in ended):  # type: ignore[index] # `wait`'s type hides what it was given
            outcome = _received(worker)
            if outcome is not None:
                yield outcome
        for worker in workers:
            if worker.overdue and (worker.asked or not worker.ready):
                yield from _ended(worker, "hang", f"still at work after {SLOW + _GRACE:g} s of processor time")
            if waiting and worker.ready and worker.asked is None:
                worker.ask(waiting.pop())


def _received(worker: _Worker) -> FuzzOutcome | None:
    """What a worker says, or that it is dead."""
    try:
        said = worker.connection.recv()
    except (EOFError, OSError):
        worker.process.join()
        return next(_ended(worker, "signal", f"exit code {worker.process.exitcode}"))
    if said == "ready":
        worker.ready = True
        return None
    worker.asked = None
    return FuzzOutcome(**said)


def _ended(worker: _Worker, how: str, detail: str) -> Iterator[FuzzOutcome]:
    """A worker's end is reported with the input that it had; it is started again."""
    asked, worker.asked = worker.asked, None
    if asked is None:
        raise RuntimeError(f"a worker did not start ({detail}); run with --jobs 0 to see why")
    worker.end()
    worker.start()
    yield FuzzOutcome(*asked, "", how, detail)


def _keep(faults: Sequence[FuzzOutcome], formats: Sequence[str], seed: int, folder: Path, to: Path) -> None:
    """Writes the inputs that were faults, to be tried by hand."""
    if not faults:
        return
    fuzzer = Fuzzer(folder / "again", formats, seed)
    for fault in faults:
        made, content = fuzzer.make(fault.format, fault.index)
        place = to / f"{fault.how}-{fault.format}-{fault.index}"
        place.mkdir(parents=True, exist_ok=True)
        (place / made.name).write_bytes(content)
        for name, beside in made.beside.items():
            (place / name).write_bytes(beside)
        (place / "fault.txt").write_text(fault.detail, errors="backslashreplace")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.fuzz", description=__doc__)
    parser.add_argument("--inputs", type=int, default=10_000, metavar="N", help="how many; 10,000 take some minutes")
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="of every change")
    parser.add_argument("--only", type=_formats, metavar="FORMAT,…", help=f"some of {', '.join(FORMATS)}")
    parser.add_argument("--jobs", type=int, default=cores(), metavar="N", help="processes; one for each core")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the numbers here too")
    parser.add_argument("--keep", type=Path, metavar="DIR", help="write the inputs that are faults into this folder")
    return parser


def _formats(text: str) -> list[str]:
    names = [part for part in text.split(",") if part]
    if not names or set(names) - set(FORMATS):
        raise argparse.ArgumentTypeError(f"{text!r} is none of {', '.join(FORMATS)}")
    return names


if __name__ == "__main__":
    sys.exit(main())
