"""`effconn run`: a study from images to report, stage by stage, doing only what is not done yet."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

from ..bids import Inventory
from ..common import UsageError, match_labels, sorted_names
from ..execution import UnitOutcome, lock_folder, open_workers
from ..page import check_out
from ..study import Study
from ._description import write_description
from ._doing import Doing
from ._layout import Layout
from ._options import RunOptions, Watch
from ._preflight import check_place, checked_inventory
from ._report import Made
from ._stages import Beside, Stages


@dataclass(eq=False)
class StudyRun:
    """What a run came to.

    Fields:
        inventory: what there was to work on.
        ended: every unit of the stages that were asked for.
        seconds: by stage.
        page: the report, where it was asked for.
    """

    inventory: Inventory
    ended: list[UnitOutcome] = field(default_factory=list)
    seconds: dict[str, float] = field(default_factory=dict)
    page: Path | None = None

    @property
    def failed(self) -> list[UnitOutcome]:
        """Units without a result."""
        return [one for one in self.ended if one.status == "failed"]


NOTHING = Beside()


def run_study(
    study: Study, options: RunOptions, say: Callable[[str], None], watch: Watch, beside: Beside = NOTHING
) -> StudyRun:
    """Run a study; what failed is in the result and in the report, and the study goes on without it.

    Arguments:
        say: told a line for whatever should be known.
        watch: a context manager that is told how far a piece of work is.
        beside: more for the report, such as the truth of a simulated study.

    Raises `UsageError`, before any work, where the study cannot run as configured, and `WriteError` where results
    cannot be written, as on a full disk: what is finished by then is kept.
    """
    check_place(study)
    check_out(study.study.out)
    inventory = checked_inventory(study)
    layout = Layout(study.study.out)
    names = [one.name for one in inventory.participants]
    for given, label in match_labels(options.people, names).items():
        say(f"{given} is {label}")
        options = replace(options, people=tuple(label if one == given else one for one in options.people))
    people = set(options.people)
    if unknown := people - set(names):
        raise UsageError(f"{', '.join(sorted_names(unknown))} is not among the study's participants; check the label")
    with (
        lock_folder(layout.records, options.people) as held,
        open_workers(options.jobs, options.scheduler, layout.records) as workers,
    ):
        write_description(study, layout.out)
        if not options.people:  # else others may be writing beside this run
            held.remove_unfinished_files(*layout.folders)
        doing = Doing(layout.records, options, workers, say, watch, held.check)
        stages = Stages(study, inventory, layout, doing)
        series = stages.extract()
        posteriors = stages.invert(series)
        analyses = stages.group(posteriors)
        measured = stages.measure(series, posteriors)
        made = Made(analyses, measured, stages.statistics(measured), stages.predict(measured))
        page = stages.report(series, posteriors, made, beside)
        held.check()
    return StudyRun(inventory, doing.ended, doing.seconds, page)
