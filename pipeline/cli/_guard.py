"""How every command runs: set up, work, and turn whatever goes wrong into one line and an exit code."""

from __future__ import annotations

import functools
import os
import sys
from collections.abc import Callable
from contextlib import suppress
from typing import Any, TextIO

from ..common import UsageError, WriteError, check_packages, message_line, start_jax

FAILED, USAGE, INTERRUPTED = 1, 2, 130


def guarded(command: Callable[..., int]) -> Callable[..., int]:
    """A command with the option --debug, run by `run_guarded`; its signature, which typer reads, stays as it is."""

    @functools.wraps(command)
    def run(**options: Any) -> int:
        return run_guarded(functools.partial(command, **options), options["debug"])

    return run


def run_guarded(work: Callable[[], int], debug: bool) -> int:
    """Set up, work, and turn every error into one line and an exit code."""
    try:
        check_packages()
        note = start_jax()
        if note is not None:
            print_error(f"note: {note}")
        return work()
    except KeyboardInterrupt:
        print_error("effconn: interrupted; what was finished is written, and the same command goes on from there")
        return INTERRUPTED
    except UsageError as error:
        if debug:
            raise
        print_error(f"effconn: {error}")
        return USAGE
    except WriteError as error:
        if debug:
            raise
        print_error(f"effconn: {error}")
        return FAILED
    except Exception as error:  # whatever it is, a user gets one line; --debug shows the rest
        if debug:
            raise
        reason = " ".join(str(error).split()) or type(error).__name__
        print_error(f"effconn: {reason} (run again with --debug for the whole traceback)")
        return FAILED


def flush_stream(stream: TextIO | None) -> int:
    """Writes out what a stream still holds, so that Python need not at its exit; the code to exit with, 0 for none.

    A closed pipe (`effconn … | head`) is no error; a full disk is one.
    """
    if stream is None or stream.closed:
        return 0
    try:
        stream.flush()
    except OSError as error:
        with suppress(OSError, ValueError), open(os.devnull, "wb") as nowhere:  # noqa: PTH123 - a device, no file
            os.dup2(nowhere.fileno(), stream.fileno())
        if isinstance(error, BrokenPipeError):
            return 0
        print_error(f"effconn: {WriteError('standard output', error)}")
        return FAILED
    return 0


def print_error(line: str) -> None:
    """A line on standard error, without any library that may not be there; control characters as their escapes."""
    with suppress(OSError, ValueError):  # where nobody can read it
        print(message_line(line), file=sys.stderr)
