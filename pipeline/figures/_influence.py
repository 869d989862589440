"""Who pulls a group's effects, and how much: one row for each connection, one point for each participant."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float
from matplotlib.figure import Figure

from dcm import Spec
from peb import HEEDED

from ..results import connections
from ._panels import shortened, wrapped
from ._style import BLUE, INK, MUTED, VERMILION, new_figure, plain, style

NAMED = 4  # participants at most, in one row


def influence_figure(
    participants: Sequence[str],
    parameters: Sequence[str],
    influence: Float[np.ndarray, "subject param"],
    *,
    spec: Spec | None = None,
) -> Figure:
    """How much each participant counts for each connection; those below a half are named.

    Arguments:
        participants: N names.
        parameters: q names.
        influence: (N, q), 1 for a regular participant, near 0 for one whom the group does not heed.
        spec: the model, for names with odd letters.
    """
    words = [one.words for one in connections(parameters, spec)]
    with style():
        figure = new_figure(1.1 + 0.42 * len(words))
        axes = figure.subplots()
        axes.axvline(HEEDED, color=MUTED, linewidth=0.9, linestyle=(0, (4, 3)), zorder=1)
        for row, own in enumerate(np.asarray(influence).T):
            low = np.flatnonzero(own < HEEDED)
            axes.plot(own, np.full(own.size, row), "|", color=BLUE, markersize=11, alpha=0.6)
            axes.plot(own[low], np.full(low.size, row), "o", color=VERMILION, markersize=5, zorder=3)
            named = sorted(low.tolist(), key=lambda i: own[i])
            if named:
                text = ", ".join(plain(shortened(participants[i], 18)) for i in named[:NAMED])
                more = f" and {len(named) - NAMED} more" if len(named) > NAMED else ""
                axes.text(float(own[named].max()) + 0.03, row - 0.16, text + more, fontsize=7.5, color=INK, va="bottom")
        axes.set(xlim=(-0.03, 1.06), ylim=(len(words) - 0.5, -0.7), xlabel="Influence")
        axes.set_yticks(range(len(words)), [wrapped(one, 34, 2) for one in words], fontsize=8)
        axes.tick_params(axis="y", length=0, labelcolor=INK)
    return figure
