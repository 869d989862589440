"""How every command runs: set up, work, and turn whatever goes wrong into one line and an exit code."""

from __future__ import annotations

import sys
from collections.abc import Callable

from ._runtime import UsageError, check_packages, start_jax
from .common import message_line

FAILED, USAGE, INTERRUPTED = 1, 2, 130


def guarded(work: Callable[[], int], debug: bool) -> int:
    """Set up, work, and turn every error into one line and an exit code."""
    try:
        check_packages()
        note = start_jax()
        if note is not None:
            complain(f"note: {note}")
        return work()
    except KeyboardInterrupt:
        complain("effconn: interrupted; what was finished is written, and the same command goes on from there")
        return INTERRUPTED
    except UsageError as error:
        if debug:
            raise
        complain(f"effconn: {error}")
        return USAGE
    except Exception as error:  # whatever it is, a user gets one line; --debug shows the rest
        if debug:
            raise
        reason = " ".join(str(error).split()) or type(error).__name__
        complain(f"effconn: {reason} (run again with --debug for the whole traceback)")
        return FAILED


def complain(line: str) -> None:
    """A line on standard error, without any library that may not be there; control characters as their escapes."""
    print(message_line(line), file=sys.stderr)
