"""Everything that can be known to be wrong before hours of work."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from ..bids import Inventory, check_groups, check_predictions, check_statistics, collect_inventory, group_remarks
from ..common import UsageError
from ..images import check_regions, region_remarks, run_grids
from ..study import Study
from ._predict import check_formulas


def preflight(study: Study, on_progress: Callable[[int, int], None] | None = None) -> tuple[Inventory, list[str]]:
    """What the study has on disk, and a line for everything that it cannot go on with."""
    inventory = collect_inventory(study, on_progress)
    if inventory.errors:
        return inventory, list(inventory.errors)
    grids = run_grids(inventory.runs)
    errors = [
        *check_regions(study, grids),
        *check_groups(study, inventory),
        *check_predictions(study, inventory),
        *check_formulas(study),
        *check_statistics(study, inventory),
    ]
    unknown = [] if errors else group_remarks(study, inventory)
    remarks = (*inventory.remarks, *region_remarks(study, grids), *unknown)
    return replace(inventory, remarks=remarks), errors


def check_place(study: Study) -> None:
    """Raises `UsageError` where results would go among the data."""
    out, place = study.study.out.resolve(), study.study
    for what, folder in (
        ("the BIDS dataset", place.bids.resolve()),
        ("fMRIPrep's output", place.derivatives.resolve()),
    ):
        within = out.relative_to(folder).parts if out.is_relative_to(folder) else None
        if within is not None and (not within or within[0].startswith("sub-")):
            raise UsageError(
                f"--out {out} is where {what} lies; give a folder of its own, such as {folder.parent / 'results'}"
            )


def checked_inventory(study: Study, on_progress: Callable[[int, int], None] | None = None) -> Inventory:
    """The inventory; raises `UsageError`, naming everything, where the study cannot go on."""
    inventory, errors = preflight(study, on_progress)
    if errors:
        raise UsageError("\n".join(["the study cannot run:", *errors]))
    return inventory
