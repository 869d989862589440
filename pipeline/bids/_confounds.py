"""fMRIPrep's confounds → the columns of a study's strategy, framewise displacement, and scans to be modelled away."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from jaxtyping import Float

from ..common import list_names, read_number
from ..study import Confounds, Study
from ..tables import Table, TableError, number_cell, read_table
from ._inventory import ImageRun
from ._readable_files import DataError, head_of, read_sidecar

DISPLACEMENT = "framewise_displacement"
UNSTEADY = "non_steady_state_outlier"
_SUFFIXES = {
    "basic": ("",),
    "derivatives": ("", "_derivative1"),
    "power2": ("", "_power2"),
    "full": ("", "_derivative1", "_power2", "_derivative1_power2"),
}
MOTION = ("trans_x", "trans_y", "trans_z", "rot_x", "rot_y", "rot_z")
COMPCOR = {
    "anat_combined": (("a_comp_cor_",),),
    "anat_separated": (("a_comp_cor_", "w_comp_cor_"), ("a_comp_cor_", "c_comp_cor_")),
    "temporal": (("t_comp_cor_",),),
}

_IMAGE = "_desc-preproc_bold.nii.gz"
_OLDER = "FramewiseDisplacement"  # as fMRIPrep 1.0 and 1.1 wrote it
_NOT_A_NUMBER = re.compile(rb"[^0-9eE+.\-\t\r\n]|\t(?=[\t\r\n])")  # anything but numbers, and cells without one
_UTF16_MARKS = (b"\xff\xfe", b"\xfe\xff")  # how UTF-16 begins


def named_columns(settings: Confounds) -> Iterator[str]:
    """Columns that the strategy takes by their names."""
    for part, bases, how in (
        ("motion", MOTION, settings.motion),
        ("wm_csf", ("csf", "white_matter"), settings.wm_csf),
        ("global_signal", ("global_signal",), settings.global_signal),
    ):
        if part in settings.strategy:
            yield from (base + suffix for base in bases for suffix in _SUFFIXES[how])


def taken_columns(settings: Confounds, columns: Collection[str]) -> list[str]:
    """Those of a table's columns that the strategy is made from, in their order."""
    named = set(named_columns(settings))
    components = [prefix for prefixes in COMPCOR[settings.compcor] for prefix in prefixes]
    prefixes = ("cosine", *components) if "compcor" in settings.strategy else ()
    aroma = "ica_aroma" in settings.strategy
    return [
        column
        for column in columns
        if column in named or column.startswith(tuple(prefixes)) or (aroma and "aroma" in column)
    ]


def absent_columns(settings: Confounds, columns: Collection[str]) -> Iterator[str]:
    """What a study needs and a table lacks; of components, the first."""
    yield from (name for name in named_columns(settings) if name not in columns)
    if settings.censor_above is not None and DISPLACEMENT not in columns:
        yield DISPLACEMENT
    if "compcor" in settings.strategy:
        for prefixes in COMPCOR[settings.compcor]:
            if not any(name.startswith(prefixes) for name in columns):
                yield prefixes[0] + "00"
        if not any(name.startswith("cosine") for name in columns):
            yield "cosine00"
    if "ica_aroma" in settings.strategy and not any("aroma" in name for name in columns):
        yield "aroma_motion_01"


class ConfoundsError(DataError):
    """A table of confounds that cannot be used: file, problem and remedy in one line."""


@dataclass(frozen=True, eq=False)
class RunConfounds:
    """What is taken out of a run.

    Fields:
        names: of the columns.
        values: (scan, column) demeaned over the scans that are not dropped; finite.
        framewise_displacement: (scan,) mm; NaN in the first, and where it is not known.
        dropped: numbers of the scans at the start that are modelled away.
        censored: numbers of the scans with more motion than the study allows.
        remarks: what was inferred of the table, or is not known, a line each.
        motion: (scan, 6) three translations, mm, and three rotations, rad; None where the table lacks one of them.
    """

    names: tuple[str, ...]
    values: Float[np.ndarray, "scan column"]
    framewise_displacement: Float[np.ndarray, "scan"]
    dropped: tuple[int, ...]
    censored: tuple[int, ...]
    remarks: tuple[str, ...] = ()
    motion: Float[np.ndarray, "scan 6"] | None = None

    @property
    def spikes(self) -> tuple[int, ...]:
        """Scans that get a regressor of their own: those dropped or censored, each once."""
        return tuple(sorted({*self.dropped, *self.censored}))


def read_confounds(run: ImageRun, study: Study) -> RunConfounds:
    """The confounds of a run by the study's strategy, read by nilearn's `load_confounds`.

    No scan is dropped, so that timing stays intact: scans to be left out of the fit are named in `dropped` and
    `censored`, for a regressor each. Derivatives, which the first scan has none of, get the second scan's there.

    Raises `ConfoundsError` where the table lacks what the strategy needs, has another number of scans than the image,
    a used value is missing, or nothing would remain to be fitted.
    """
    name = run.confounds.name
    table = _table(run.confounds)
    check_rows(run.confounds, len(table.rows), run.scans)
    check_confound_columns(run.confounds, table.columns, study.confounds)
    displacement, remarks = _displacement(table, needed=study.confounds.censor_above is not None)
    dropped = _dropped(table, study, run)
    if len(dropped) == run.scans:
        raise ConfoundsError(f"{name} marks every scan as not steady; run fMRIPrep again, or set [glm] drop_scans")
    values, names = _chosen(run, study, table)
    steady = np.setdiff1d(np.arange(run.scans), dropped)
    constant = np.ptp(values, axis=0) <= 1e-12 * np.abs(values).max(axis=0, initial=0.0)  # but for rounding
    values = np.where(constant, 0.0, values - values[steady].mean(axis=0))
    limit = study.confounds.censor_above
    censored = () if limit is None else tuple(map(int, np.flatnonzero(displacement > limit)))
    confounds = RunConfounds(names, values, displacement, dropped, censored, (*table.remarks, *remarks), _motion(table))
    remaining = run.scans - len(confounds.spikes)
    if remaining <= len(names) + 1:
        raise ConfoundsError(
            f"{name}: {remaining} of {run.scans} scans are left for {len(names)} confounds; take a higher censor_above "
            "or a smaller strategy"
        )
    return confounds


def check_rows(path: Path, rows: int, scans: int) -> None:
    """Raises `ConfoundsError` where a table has other rows than the image has scans."""
    if rows != scans:
        raise ConfoundsError(f"{path.name} has {rows} rows, the image {scans} scans; they are not of one run")


def check_confound_columns(path: Path, columns: Collection[str], settings: Confounds) -> None:
    """Raises `ConfoundsError` where a table lacks what the study needs."""
    absent = [*absent_columns(settings, columns)]
    if not absent:
        return
    if _OLDER in columns:
        raise ConfoundsError(f"{path.name} is of an fMRIPrep before 1.2; run a later one")
    if absent == [DISPLACEMENT]:
        raise ConfoundsError(
            f"{path.name} has no {DISPLACEMENT}, which [confounds] censor_above needs; leave that out, or run fMRIPrep "
            "again"
        )
    raise ConfoundsError(
        f"{path.name} has no {list_names(absent)}; leave it out of [confounds] strategy, or run fMRIPrep again"
    )


def _table(path: Path) -> Table:
    head_of(path)
    try:
        return read_table(path)
    except TableError as error:
        raise ConfoundsError(str(error)) from None


def _chosen(run: ImageRun, study: Study, table: Table) -> tuple[np.ndarray, tuple[str, ...]]:
    """The columns of the strategy."""
    if not study.confounds.strategy:
        return np.zeros((run.scans, 0)), ()
    columns = {name: _values(table, name) for name in taken_columns(study.confounds, table.columns)}
    with TemporaryDirectory(prefix="effconn-") as folder:
        plain = Path(folder) / run.confounds.name
        rows = zip(*(map(number_cell, values) for values in columns.values()), strict=True)
        lines = ["\t".join(row) for row in (tuple(columns), *rows)]
        plain.write_text("\n".join(lines) + "\n", encoding="utf-8")
        described = run.confounds.with_suffix(".json")
        if "compcor" in study.confounds.strategy and described.exists():
            plain.with_suffix(".json").write_bytes(described.read_bytes())
        frame = _loaded(plain, study.confounds)
    frame = frame[[name for name in frame.columns if not name.startswith("cosine")]]
    names = tuple(map(str, frame.columns))
    values = frame.to_numpy(dtype=np.float64)
    for scan, column in np.argwhere(~np.isfinite(values)):
        raise ConfoundsError(
            f"{run.confounds.name}: {names[column]} is missing or not finite in scan {scan + 1} (line {scan + 2}); "
            "leave it out of the strategy, or run fMRIPrep again"
        )
    return values, names


def _values(table: Table, name: str) -> Float[np.ndarray, "scan"]:
    """A column's numbers, NaN where they are missing."""
    try:
        return table.numbers(name)
    except TableError as error:
        raise ConfoundsError(str(error)) from None


def _loaded(path: Path, settings: Confounds) -> Any:
    """What nilearn makes of a table that holds the strategy's columns alone."""
    from nilearn.interfaces.fmriprep import load_confounds

    # nilearn takes CompCor components only beside the cosines they were computed after. Those are left out again by the
    # caller: the study's own high-pass, which every series gets, does their work, and the same columns twice would be
    # singular.
    strategy = (*settings.strategy, *(("high_pass",) if "compcor" in settings.strategy else ()))
    try:
        frame, _ = load_confounds(
            str(path.with_name(path.name.partition("_desc-confounds_")[0] + _IMAGE)),  # nilearn finds the table by it
            strategy=strategy,
            motion=settings.motion,
            wm_csf=settings.wm_csf,
            global_signal=settings.global_signal,
            compcor=settings.compcor,
            n_compcor=settings.n_compcor,
            ica_aroma="basic",  # as columns; "full" would need images that AROMA has cleaned
            demean=False,  # done by the caller, once all values are known to be numbers
        )
    except (ValueError, KeyError, OSError, TypeError) as error:
        problem = " ".join(str(error).replace(str(path), path.name).split())
        raise ConfoundsError(f"{path.name}: {problem}") from None
    return frame


def _displacement(table: Table, *, needed: bool) -> tuple[Float[np.ndarray, "scan"], list[str]]:
    """Framewise displacement, NaN where it is not known, and a line where it should be.

    Raises `ConfoundsError` where it is needed and a scan after the first has none.
    """
    name = table.path.name
    unknown = np.full(len(table.rows), np.nan)
    if DISPLACEMENT not in table.columns:
        return unknown, [f"{name} has no {DISPLACEMENT}; motion is unknown"]
    try:
        values = _values(table, DISPLACEMENT)
    except ConfoundsError as error:
        if needed:
            raise
        return unknown, [f"{error}; motion is unknown"]
    bad = np.flatnonzero(~np.isfinite(values[1:])) + 1
    if bad.size and needed:
        line = table.lines[bad[0]]
        raise ConfoundsError(f"{name}: {DISPLACEMENT} is missing in scan {bad[0] + 1} (line {line}); correct it")
    values[0] = np.nan  # there is no scan before it; some versions write 0
    lines = [f"{name}: {DISPLACEMENT} is missing in {bad.size} scans; motion is that of the others"] if bad.size else []
    return values, lines


def _motion(table: Table) -> Float[np.ndarray, "scan 6"] | None:
    """The motion parameters; None where the table lacks one, which is an error only of a strategy that needs it."""
    try:
        return np.stack([_values(table, name) for name in MOTION], axis=1)
    except ConfoundsError:
        return None


def _dropped(table: Table, study: Study, run: ImageRun) -> tuple[int, ...]:
    wanted = study.glm.drop_scans
    if wanted != "auto":
        if not 0 <= wanted < run.scans:
            raise ConfoundsError(f"{run.label}: [glm] drop_scans is {wanted}, but the run has {run.scans} scans")
        return tuple(range(wanted))
    marked: set[int] = set()
    for column in table.columns:
        if column.startswith(UNSTEADY):
            marked |= {scan for scan, cell in enumerate(table.column(column)) if read_number(cell) == 1}
    return tuple(sorted(marked))


def check_confounds(path: Path, settings: Confounds, scans: int) -> tuple[bool, list[str]]:
    """Whether only reading a table in full tells if it can be used, as cells are missing or its form is not fMRIPrep's;
    and remarks.

    Raises `ConfoundsError` where it has other rows than the image has scans, or lacks what the strategy needs.
    """
    head_of(path)
    content = path.read_bytes().rstrip()
    if "compcor" in settings.strategy:
        read_sidecar(path.with_suffix(".json"))  # tells which component is of which mask
    header_end = content.find(b"\n")
    header = content[: max(header_end, 0)].decode("utf-8-sig", errors="replace").rstrip("\r").split("\t")
    if content.startswith(_UTF16_MARKS) or len(header) == 1 or b"," in content:
        return True, []
    check_rows(path, content.count(b"\n"), scans)
    check_confound_columns(path, header, settings)
    second = max(content.find(b"\n", header_end + 1), 0)  # the end of the first scan's row, which lacks derivatives
    unsure = _NOT_A_NUMBER.search(content, second) is not None
    if DISPLACEMENT not in header:
        return unsure, [*_too_few_components(header, settings), f"{path.name} has no {DISPLACEMENT}; motion is unknown"]
    return unsure, [*_too_few_components(header, settings)]


def _too_few_components(header: list[str], settings: Confounds) -> Iterator[str]:
    """That there are fewer components than are asked for; fMRIPrep keeps as many as explain half of the variance."""
    if "compcor" in settings.strategy:
        for prefixes in COMPCOR[settings.compcor]:
            count = sum(name.startswith(prefixes) for name in header)
            if count < settings.n_compcor:
                yield f"there are {count} components {prefixes[0]}*, fewer than n_compcor = {settings.n_compcor}"
