"""Numbers among a benchmark's options: ASCII digits within limits."""

from __future__ import annotations

import argparse
from collections.abc import Callable

from pipeline.common import read_number, read_whole_number


def whole_number(least: int) -> Callable[[str], int]:
    """Reads a whole number from `least` on."""

    def read(text: str) -> int:
        value = read_whole_number(text)
        if value is None or value < least:
            raise argparse.ArgumentTypeError(f"{text} is no whole number from {least} on")
        return value

    return read


def seconds(text: str) -> float:
    """Reads a positive number."""
    value = read_number(text)
    if value is None or value <= 0:
        raise argparse.ArgumentTypeError(f"{text} is no number of seconds")
    return value
