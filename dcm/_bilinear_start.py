"""Where the full equations begin: at the optimum of the bilinear ones, which cost half as much or less and are near.

Every start is first inverted with the bilinear equations. Starts that reach the same optimum go on as one. A start
that failed there goes no further, unless all of a participant's did. Where the full equations fail at the optimum of
the bilinear ones, they begin at the start itself.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace

import numpy as np

from ._batch import Batch, make_batch
from ._laplace import has_result
from ._scheduler import InversionResult, Task
from ._subject import Shared, prepare

SAME_F, SAME_PLACE = 0.2, 0.5  # nats and posterior standard deviations within which two optima are the same


def starts_bilinear(batch: Batch) -> bool:
    """Whether a batch is to be inverted with the bilinear equations first; they leave gating out."""
    settings = batch.settings
    return settings.integrator == "nonlinear" and not settings.as_spm and not batch.model.targets


def bilinear_batch(batch: Batch) -> Batch:
    """The same participants, for the bilinear equations."""
    settings, shared = replace(batch.settings, integrator="bilinear"), Shared()
    prepared = tuple(prepare(run.subject, settings, shared) for run in batch.prepared)
    return make_batch(prepared, batch.members, settings)


@dataclass(frozen=True, eq=False)
class BilinearStart:
    """What the bilinear equations found.

    Fields:
        batch: the participants with these optima as their starts, for the full equations.
        tasks: the starts to go on with.
        found: how every start of every member ended.
        same_as: the task that a start goes on with as one, where it has none of its own.
    """

    batch: Batch
    tasks: tuple[Task, ...]
    found: Mapping[Task, InversionResult]
    same_as: Mapping[Task, Task]

    def complete(self, member: int, ended: Mapping[int, InversionResult]) -> dict[int, InversionResult]:
        """How all starts of a member ended, given those that went on."""
        every = dict(ended)
        for k in range(self.batch.settings.starts):
            if k not in every:
                other = self.same_as.get((member, k))
                every[k] = self.found[member, k] if other is None else every[other[1]]
        return every


def begin_at_optima(
    bilinear: Batch, batch: Batch, found: Mapping[Task, InversionResult], members: Collection[int]
) -> BilinearStart:
    """Take the optima of the `bilinear` batch as the starts of the full one."""
    tasks: list[Task] = []
    same_as: dict[Task, Task] = {}
    prepared = list(batch.prepared)
    for member in members:
        own = [found[member, k] for k in range(batch.settings.starts)]
        reached = [bool(has_result(result.status)) and bool(np.isfinite(result.settled_free_energy)) for result in own]
        if not any(reached):
            tasks += [(member, k) for k in range(len(own))]
            continue
        columns, prior = bilinear.free_columns(member), prepared[member].prior
        starts = np.tile(prior.mean, (len(own), 1))
        starts[:, prior.free] += np.stack([result.best.theta[columns] for result in own])
        prepared[member] = replace(prepared[member], starts=np.where(np.array(reached)[:, None], starts, prior.mean))
        kept: list[int] = []
        for k in np.flatnonzero(reached):
            twin = next((j for j in kept if _same_optimum(own[j], own[k])), None)
            if twin is None:
                kept.append(int(k))
            else:
                same_as[member, int(k)] = (member, twin)
        tasks += [(member, k) for k in kept]
    return BilinearStart(replace(batch, prepared=tuple(prepared)), tuple(tasks), found, same_as)


def _same_optimum(result: InversionResult, other: InversionResult) -> bool:
    apart = np.abs(result.best.theta - other.best.theta) / np.sqrt(np.diag(result.covariance))
    return bool(abs(result.settled_free_energy - other.settled_free_energy) <= SAME_F and apart.max() <= SAME_PLACE)
