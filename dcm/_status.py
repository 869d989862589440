"""How an inversion ended. A code's value is the message a person reads, and it names the knob to turn."""

from __future__ import annotations

from enum import Enum


class Status(Enum):
    """The outcome of one inversion."""

    CONVERGED = "converged"
    MAX_ITERATIONS = "max_iterations"
    NOT_FINITE = (
        "failed: the prediction stayed non-finite or its Jacobian beyond e^32 after four smaller steps; "
        "check the inputs' and the series' scale, or start elsewhere (starts > 1)"
    )
    BAD_START = (
        "failed: the prediction at the starting point is not finite, or its rates are too fast for the run's steps; "
        "check the inputs' scale and the prior means"
    )

    @property
    def failed(self) -> bool:
        """Whether there is no posterior to speak of."""
        return self.value.startswith("failed")


class InversionError(RuntimeError):
    """One inversion failed where a single one was asked for; the message is its `Status`."""
