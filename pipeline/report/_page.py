"""The whole report: answers, the evidence for them, how it was made; and its files on disk."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from dcm import Diagnostics

from ..common import describe_device, describe_precision, format_duration, release, write_json, write_text
from ..page import Page, Picture, Records, Section, pictures, write_page
from ..study import MAIN
from ._analysis_sections import (
    ANALYSIS_ANCHORS,
    LONGEST_OPEN_TABLE,
    analysis_sections,
    illustrate_first_answer,
    prediction_sections,
    statistics_sections,
    summary_answers,
    with_picture_names,
)
from ._contrasts import maps_section, response_records, responses_section
from ._coverage import coverage_records, coverage_section, region_records
from ._effect_sizes import causal_and_predictive_records, causal_and_predictive_section, effect_sizes_section
from ._first_level_sections import designs_section
from ._inversion_sections import (
    connectivity_records,
    connectivity_section,
    diagnose_visits,
    explained_variance_section,
    fit_records,
    series_section,
)
from ._measures import measure_records, measures_section
from ._measures_by_level import level_records
from ._methods import methods
from ._motion import motion_records, motion_section
from ._participants_section import flow_records, left_out_records, participant_records, participants_section
from ._series_sections import region_series_section, series_region_records
from ._study_result import ExtraSection, StudyResult
from ._study_words import number_word, plural


def study_page(result: StudyResult, extra: ExtraSection | None = None) -> Page:
    """The report of a study; `extra` goes right after the summary."""
    views = [(view, diagnose_visits(view)) for view in result.of_each_dcm]
    fits_of_dcms = {view.dcm_name: fits for view, fits in views}
    every = (
        None if extra is None else _extra_section(extra),
        effect_sizes_section(result),
        causal_and_predictive_section(result),
        *statistics_sections(result),
        *analysis_sections(result),
        *prediction_sections(result),
        participants_section(result),
        motion_section(result),
        coverage_section(result) if result.study.series is None else region_series_section(result),
        designs_section(result),
        maps_section(result),
        responses_section(result),
        *(section for view, fits in views for section in _model_sections(view, fits)),
        None
        if result.features is None
        else measures_section(result.features, predicts=bool(result.study.predict), by_level=level_records(result)),
    )
    sections = tuple(section for section in every if section is not None)
    return Page(
        title=result.study.study.name,
        subtitle=_subtitle(result),
        answers=illustrate_first_answer(summary_answers(result, fits_of_dcms), sections),
        sections=sections,
        tables=(),
        facts=_facts(result),
        notices=(*(() if extra is None else extra.notices), *_notices(result)),
        files=_files(result),
        methods=methods(result),
        contents=True,
        glossary=True,
        generator=f"effconn {release()}",
    )


def _model_sections(result: StudyResult, fits: Mapping[str, Diagnostics]) -> tuple[Section | None, ...]:
    """Of one DCM."""
    return series_section(result, fits), explained_variance_section(result, fits), connectivity_section(result)


def study_records(result: StudyResult) -> tuple[Records, ...]:
    """Every table over the whole study, those of the group analyses not among them."""
    tables = [flow_records(result), participant_records(result), left_out_records(result)]
    if result.extractions:
        images = result.study.series is None
        tables += [region_records(result), coverage_records(result)] if images else [series_region_records(result)]
        tables += [motion_records(result), response_records(result)]
    for view in result.of_each_dcm:
        if view.main_posteriors:
            tables += [fit_records(view, diagnose_visits(view)), connectivity_records(view)]
    if result.features is not None:
        tables += [measure_records(result.features), *level_records(result).values()]
    tables.append(causal_and_predictive_records(result))
    return tuple(records for records in tables if records.rows)


def _extra_section(extra: ExtraSection) -> Section:
    return Section(
        extra.title,
        extra.lead,
        answers=extra.answers,
        tables=tuple(records.table() for records in extra.records if len(records.rows) <= LONGEST_OPEN_TABLE),
        parts=tuple(with_picture_names(section, "extra") for section in extra.sections),
        folded=tuple(records.collapsible() for records in extra.records if len(records.rows) > LONGEST_OPEN_TABLE),
        anchor="extra",
    )


def _subtitle(result: StudyResult) -> str:
    words = result.words
    counts = words.counted([len(result.members(group)) for group in words.groups])
    said = f"{plural(len(result.participants), 'participant')}{f', {counts}' if counts else ''}"
    if words.is_treated:
        before, after = words.sessions
        said += f", scanned before ({before}) and after treatment ({after})"
    elif len(words.sessions) > 1:
        said += f", in {number_word(len(words.sessions))} sessions ({', '.join(words.sessions)})"
    used = plural(len(result.extractions), "run was used", "runs were used")
    if not result.study.dcms:
        return f"{said}. {used}."
    models = sum(len(visits.get(MAIN, {})) for visits in result.inverted.values())
    return f"{said}. {used} and {plural(models, 'model')} inverted."


def _notices(result: StudyResult) -> tuple[tuple[str, str], ...]:
    found = []
    if missing := len(result.inventory.absences):
        what = "1 run is" if missing == 1 else f"{missing} runs are"
        found.append(
            (f"{what} missing or cannot be used.", "The study was analysed without them; they are listed below.")
        )
    if result.failures:
        listed = "; ".join(f"{failure.name}: {failure.reason}" for failure in result.failures[:3])
        more = f"; and {len(result.failures) - 3} more, see below" if len(result.failures) > 3 else ""
        what = "1 step" if len(result.failures) == 1 else f"{len(result.failures)} steps"
        found.append((f"{what} failed.", f"{listed}{more}."))
    return (*found, *(("Note.", line) for line in result.inventory.remarks))


def _facts(result: StudyResult) -> tuple[tuple[str, str], ...]:
    study = result.study
    facts = [
        *([("Space", study.study.space)] if study.study.derivatives is not None else []),
        ("Tasks", ", ".join(study.tasks)),
        ("Regions", ", ".join(study.region_names)),
        ("Group analyses", ", ".join(study.group) or "none"),
        ("Device", f"{describe_device()}, {describe_precision()}"),
        ("Versions", ", ".join(f"{package} {version}" for package, version in result.versions.items())),
    ]
    if result.seconds:
        facts.append(("Time", "; ".join(f"{stage} {format_duration(time)}" for stage, time in result.seconds.items())))
    return tuple(facts)


def _files(result: StudyResult) -> tuple[tuple[str, str], ...]:
    files = [("tables/", "every table over the whole study as TSV"), ("report.json", "answers and tables for programs")]
    if result.analyses:
        files.append(("group/", "each group analysis: tables, pictures, posterior"))
    if result.predictions:
        files.append(("predict/", "each prediction: tables, pictures"))
    if result.statistics is not None:
        files.append(("statistics/", "statistics of scores: tables, pictures"))
    if any(result.inverted.values()):
        files.append(("dcm/", "the posterior of every visit and model, NetCDF"))
    return (*files, ("figures/", "the report's pictures as SVG"))


def write_report(result: StudyResult, path: Path, extra: ExtraSection | None = None) -> list[Path]:
    """Write the page and, in its folder, tables/*.tsv, figures/*.svg and a JSON file; returns every file written.

    Arguments:
        result: the study.
        path: of the page, such as ``OUT/report.html``.
        extra: what goes right after the summary.
    """
    page = study_page(result, extra)
    written = [_write_picture(picture, path.parent / "figures") for picture in _own_pictures(page)]
    tables = [*study_records(result), *(() if extra is None else extra.records)]
    for records in tables:
        records.write(path.parent / "tables")
        written.append(path.parent / "tables" / f"{records.name}.tsv")
    content: dict[str, Any] = {
        "effconn": release(),
        "study": page.title,
        "answers": [
            {
                "question": answer.question,
                "verdict": answer.verdict,
                "answer": answer.headline,
                "analysis": answer.source,
            }
            for answer in (*page.answers, *(() if extra is None else extra.answers))
        ],
        "methods": list(page.methods),
        **{records.name: records.plain() for records in tables},
    }
    write_json(path.with_suffix(".json"), content)
    return [*written, path.with_suffix(".json"), write_page(page, path)]


def _own_pictures(page: Page) -> list[Picture]:
    """Pictures drawn for this page; those of analyses, predictions and statistics lie with them."""
    own: list[Section] = [section for section in page.sections if section.anchor.split("-")[0] not in ANALYSIS_ANCHORS]
    return pictures(own)


def _write_picture(picture: Picture, folder: Path) -> Path:
    path = folder / f"{picture.name}.svg"
    write_text(path, picture.document)
    return path
