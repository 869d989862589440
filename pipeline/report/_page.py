"""All of the page: answers, the evidence for them, and how it was made."""

from __future__ import annotations

from ..common import describe_device, describe_precision, format_duration, release
from ..page import Page, Records, Section
from ._analyses import LONG, analysis_sections, drawn, illustrated, prediction_sections, statistics_sections
from ._certainty import certainty_section
from ._connectivity import connectivity_section
from ._coverage import coverage_records, coverage_section, region_records
from ._designs import designs_section
from ._fits import connectivity_records, diagnoses, fit_records, fits_section
from ._fold import fold
from ._maps import maps_section
from ._measures import measure_records, measures_section
from ._methods import methods
from ._motion import motion_records, motion_section
from ._participants import flow_records, missing_records, participants_section, people_records
from ._responses import response_records, responses_section
from ._result import Extra, StudyResult
from ._roads import roads_records, roads_section
from ._series import series_section
from ._summary import summary_answers


def study_page(result: StudyResult, extra: Extra | None = None) -> Page:
    """The report of a study; `extra` goes right after the summary."""
    found = diagnoses(result)
    every = (
        None if extra is None else _extra(extra),
        certainty_section(result),
        roads_section(result),
        *statistics_sections(result),
        *analysis_sections(result),
        *prediction_sections(result),
        participants_section(result),
        motion_section(result),
        coverage_section(result),
        designs_section(result),
        maps_section(result),
        responses_section(result),
        series_section(result, found),
        fits_section(result, found),
        connectivity_section(result),
        None if result.features is None else measures_section(result.features),
    )
    sections = tuple(section for section in every if section is not None)
    return Page(
        title=result.study.study.name,
        subtitle=_subtitle(result),
        answers=illustrated(summary_answers(result, found), sections),
        sections=sections,
        tables=(),
        facts=_facts(result),
        notices=(*(() if extra is None else extra.notices), *_notices(result)),
        files=_files(result),
        methods=methods(result),
        contents=True,
        generator=f"effconn {release()}",
    )


def study_records(result: StudyResult) -> tuple[Records, ...]:
    """Every table over the whole study, those of the group analyses not among them."""
    tables = [flow_records(result), people_records(result), missing_records(result)]
    if result.extractions:
        tables += [motion_records(result), region_records(result), coverage_records(result), response_records(result)]
    if result.main:
        tables += [fit_records(result, diagnoses(result)), connectivity_records(result)]
    if result.features is not None:
        tables.append(measure_records(result.features))
    tables.append(roads_records(result))
    return tuple(records for records in tables if records.rows)


def _extra(extra: Extra) -> Section:
    return Section(
        extra.title,
        extra.lead,
        answers=extra.answers,
        tables=tuple(records.table() for records in extra.records if len(records.rows) <= LONG),
        parts=tuple(drawn(section, "extra") for section in extra.sections),
        folded=tuple(fold(records) for records in extra.records if len(records.rows) > LONG),
        anchor="extra",
    )


def _subtitle(result: StudyResult) -> str:
    arms = result.study.participants.arms
    counts = " and ".join(f"{sum(participant.arm == arm for participant in result.people)} given {arm}" for arm in arms)
    before, after = result.sessions
    return (
        f"{len(result.people)} participants, {counts}, scanned before ({before}) and after treatment ({after}). "
        f"{len(result.extractions)} runs and {len(result.main)} inverted models went into what follows."
    )


def _notices(result: StudyResult) -> tuple[tuple[str, str], ...]:
    found = []
    if missing := len(result.inventory.absences):
        what = "1 run is" if missing == 1 else f"{missing} runs are"
        found.append((f"{what} missing or cannot be used.", "The study went on without; the list is below."))
    if result.failures:
        listed = "; ".join(f"{failure.name}: {failure.reason}" for failure in result.failures[:3])
        more = f"; and {len(result.failures) - 3} more, see below" if len(result.failures) > 3 else ""
        what = "1 piece" if len(result.failures) == 1 else f"{len(result.failures)} pieces"
        found.append((f"{what} of work failed.", f"{listed}{more}."))
    return (*found, *(("Bear in mind.", line) for line in result.inventory.remarks))


def _facts(result: StudyResult) -> tuple[tuple[str, str], ...]:
    study = result.study
    facts = [
        ("Space", study.study.space),
        ("Tasks", ", ".join(study.tasks)),
        ("Regions", ", ".join(study.regions)),
        ("Group analyses", ", ".join(study.group) or "none"),
        ("Device", f"{describe_device()}, {describe_precision()}"),
        ("Versions", ", ".join(f"{package} {version}" for package, version in result.versions.items())),
    ]
    if result.seconds:
        facts.append(("Time", "; ".join(f"{stage} {format_duration(time)}" for stage, time in result.seconds.items())))
    return tuple(facts)


def _files(result: StudyResult) -> tuple[tuple[str, str], ...]:
    files = [("tables/", "every table over the whole study as TSV"), ("report.json", "answers and tables for programs")]
    if result.deliveries:
        files.append(("group/", "each group analysis: tables, pictures, posterior"))
    if result.predictions:
        files.append(("predict/", "each prediction: tables, pictures"))
    if result.statistics is not None:
        files.append(("statistics/", "statistics of scores: tables, pictures"))
    if result.main:
        files.append(("dcm/", "the posterior of every visit and model, NetCDF"))
    return (*files, ("figures/", "the report's pictures as SVG"))
