"""Everything that can be known to be wrong before hours of work."""

from __future__ import annotations

from collections.abc import Callable

from .._runtime import UsageError
from ..bids import Inventory, check_groups, take_inventory
from ..images import check_regions, grids_of
from ..study import Study


def preflight(study: Study, on_progress: Callable[[int, int], None] | None = None) -> tuple[Inventory, list[str]]:
    """What the study has on disk, and a line for everything that it cannot go on with."""
    inventory = take_inventory(study, on_progress)
    if inventory.errors:
        return inventory, list(inventory.errors)
    return inventory, [*check_regions(study, grids_of(inventory.runs)), *check_groups(study, inventory)]


def checked_inventory(study: Study, on_progress: Callable[[int, int], None] | None = None) -> Inventory:
    """The inventory; raises `UsageError`, naming everything, where the study cannot go on."""
    inventory, errors = preflight(study, on_progress)
    if errors:
        raise UsageError("\n".join(["the study cannot run:", *errors]))
    return inventory
