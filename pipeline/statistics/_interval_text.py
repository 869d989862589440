"""How numbers stand in sentences: with a true minus, as many digits as their spread allows, and their interval."""

from __future__ import annotations

from ..tables import numbers_text, p_words


def with_interval(value: float, low: float, high: float, unit: str = "", level: float | None = None) -> str:
    """Such as ``−9.2 points (−15.1 to −3.3)``; with the level, ``−9.2 points (95 % interval −15.1 to −3.3)``."""
    said, least, most = numbers_text([value, low, high], (high - low) / 4)
    tail = f" {unit}" if unit else ""
    return f"{said}{tail} ({_interval_label(level)}{least} to {most})"


def t_test_text(t: float, df: int, p: float) -> str:
    """Such as ``t(19) = −3.24, p = 0.0043``."""
    return f"t({df}) = {t:.2f}, {p_words(p)}".replace("-", "−")


def percent(level: float) -> str:
    """Such as ``95 %``."""
    return f"{100 * level:g} %"


def _interval_label(level: float | None) -> str:
    return "" if level is None else f"{percent(level)} interval "
