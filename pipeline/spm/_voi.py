"""SPM's VOI files and the inputs of an SPM.mat → one run, for those who have no DCM file yet."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from dcm import SPM12_ECHO_TIME, Data

from ..common import time_problem
from ..matlab import FieldProblem, Fields, MatFileError, StructArray, describe, load_mat, shape_text
from ._dcm_file import SpmFileError
from ._dcm_model import RunData

LEADING_BINS = 32  # SPM pads U.u with bins before the first scan


class VoiFileError(SpmFileError):
    """What is wrong with one VOI_*.mat or SPM.mat; attributes as in `SpmFileError`."""


class MissingVoiError(VoiFileError):
    """A region of a model that no VOI_*.mat holds."""


@dataclass(frozen=True, eq=False)
class Voi:
    """One region of one session; `content` is the whole struct xY as `load_mat` reads it."""

    path: Path
    name: str
    session: int
    series: np.ndarray
    confounds: np.ndarray | None
    centre: np.ndarray | None
    content: Mapping[str, Any]


@dataclass(frozen=True, eq=False)
class DesignInputs:
    """The inputs of one session of an SPM.mat, without the leading bins.

    Fields:
        repetition_time, bin_width: s.
        columns: (bin, input).
        names: of conditions and parametric modulators.
        places: condition and column of each, from 1, as SPM's U.idx has them.
    """

    repetition_time: float
    bin_width: float
    columns: np.ndarray
    names: tuple[str, ...]
    places: tuple[tuple[int, int], ...]


def read_vois(
    voi_paths: str | Path | Iterable[str | Path],
    spm_mat: str | Path,
    inputs: Sequence[str] | None = None,
    *,
    label: str | None = None,
    delays: ArrayLike | None = None,
    echo_time: float = SPM12_ECHO_TIME,
) -> RunData:
    """Region series and microtime inputs as SPM's "specify DCM" gathers them; neither is centred or scaled.

    Arguments:
        voi_paths: one VOI_*.mat per region, in the order the regions are to have; all of one session.
        spm_mat: the SPM.mat of the first-level model that the VOIs come from.
        inputs: names of conditions or parametric modulators, in order; every one in the session where None.
        label: what the run goes by; the name of the folder of `spm_mat` where None.
        delays: (region,) or one number, s; half a repetition time where None.
        echo_time: echo time of the observation equation, s.

    Raises `VoiFileError`, naming file, field and remedy.

    Example:
        >>> run = read_vois(["VOI_vmPFC_1.mat", "VOI_amygdala_1.mat"], "SPM.mat", inputs=["faces"])
        >>> subject = run.specify(a=np.ones((2, 2)), c=[[1], [0]])
        >>> subject = Subject("sub-01", make_spec(run.regions, run.input_names, c={"faces": ["vmPFC"]}), run.data)
    """
    spm_path = Path(spm_mat)
    voi_paths = [voi_paths] if isinstance(voi_paths, str | Path) else voi_paths
    vois = [read_voi(Path(path)) for path in voi_paths]
    if not vois:
        raise ValueError("no VOI files were given; pass one VOI_*.mat per region")
    check_together(vois)
    design = read_session_inputs(spm_path, vois, inputs)
    centres = [voi.centre for voi in vois if voi.centre is not None]
    try:
        data = Data(
            np.column_stack([voi.series for voi in vois]),
            design.columns,
            design.bin_width,
            design.repetition_time,
            confounds=vois[0].confounds,
            delays=delays,
            echo_time=echo_time,
        )
        return RunData(
            label or spm_path.resolve().parent.name,
            tuple(voi.name for voi in vois),
            design.names,
            data,
            np.stack(centres) if len(centres) == len(vois) else None,
        )
    except ValueError as error:
        raise VoiFileError(vois[0].path, "", f"and its fellows cannot be used: {error}") from error


def read_voi(path: Path) -> Voi:
    """The region in a VOI file; raises `VoiFileError`."""
    struct = _variable(path, "xY", "is no VOI file (it holds no xY); give the VOI_*.mat that SPM extracted")
    try:
        voi = Fields(struct, "xY.")
        series = voi.matrix("u", "extract the region's eigenvariate again")
        if series.size != max(series.shape):
            raise voi.problem(
                "u", f"is {shape_text(series.shape)}, not one series; extract the region's eigenvariate again"
            )
        series = series.ravel()
        confounds = voi.matrix("X0", "extract the region again") if voi.has("X0") else None
        if confounds is not None and confounds.ndim != 2:
            raise voi.problem("X0", f"has {confounds.ndim} axes, not scans × confounds; extract the region again")
        if confounds is not None and confounds.shape[0] != series.size:
            raise voi.problem("X0", f"has {confounds.shape[0]} rows for {series.size} scans; extract the region again")
        if np.ptp(series) == 0:
            raise voi.problem("u", "is constant; check the region's mask and coverage")
        session = voi.number("Sess", "extract the region again", default=1.0)
        if session != round(session):
            raise voi.problem("Sess", f"is {session:g}, not the number of a session; extract the region again")
    except FieldProblem as error:
        raise VoiFileError(path, error.field, error.problem) from error
    centre, name = _centre(voi), _name(voi, path)
    return Voi(path, name, int(session), series, confounds, centre, struct)


def _centre(voi: Fields) -> np.ndarray | None:
    """Where the region is, None where the file does not say; no answer depends on it."""
    try:
        centre = voi.matrix("xyz", "extract the region again").ravel()
    except FieldProblem:
        return None
    return centre if centre.size == 3 else None


def _name(voi: Fields, path: Path) -> str:
    """The region's name, the file's where there is none."""
    try:
        names = voi.names("name")
    except FieldProblem:
        names = None
    return (names or [""])[0] or path.stem.removeprefix("VOI_")


def check_together(vois: Sequence[Voi]) -> None:
    """Raises `VoiFileError` where regions are of several sessions or runs, or one is there twice."""
    first = vois[0]
    for voi in vois[1:]:
        if voi.session != first.session:
            raise VoiFileError(
                voi.path,
                "xY.Sess",
                f"is {voi.session}, but {first.path.name} is of session {first.session}; give VOIs of one session",
            )
        if voi.series.size != first.series.size:
            raise VoiFileError(
                voi.path,
                "xY.u",
                f"has {voi.series.size} scans, but {first.path.name} {first.series.size}; give VOIs of one run",
            )
    holders: dict[str, Path] = {}
    for voi in vois:
        if voi.name in holders:
            other = holders[voi.name].name
            raise VoiFileError(voi.path, "xY.name", f"is '{voi.name}', as in {other}; give each region once")
        holders[voi.name] = voi.path


def read_session_inputs(path: Path, vois: Sequence[Voi], wanted: Sequence[str] | None) -> DesignInputs:
    """The wanted inputs of the VOIs' session, in their order; raises `VoiFileError` where the scans do not fit."""
    session, scans = vois[0].session, vois[0].series.size
    struct = _variable(path, "SPM", "is no SPM.mat (it holds no SPM); give the first-level SPM.mat")
    try:
        design = Fields(struct, "SPM.")
        timing = design.struct("xY", "specify the first-level model again")
        repetition_time = timing.number("RT", "set it to the repetition time in seconds")
        conditions = _conditions(design, vois, path)
        columns = _columns(conditions, wanted)
        names = list(columns) if wanted is None else list(wanted)
        unknown = [name for name in names if name not in columns]
        if unknown:
            raise FieldProblem(
                f"SPM.Sess({session}).U",
                f"has no input {', '.join(map(repr, unknown))}; choose from {', '.join(map(repr, columns))}",
            )
        if not names:
            raise FieldProblem(f"SPM.Sess({session}).U", "lends no input; name at least one")
        used = {columns[name].width for name in names}
        if len(used) > 1 or min(used) <= 0 or repetition_time <= 0:
            raise FieldProblem(
                f"SPM.Sess({session}).U.dt",
                "must be one positive bin width, and xY.RT positive; specify the model again",
            )
        width = used.pop()
        if problem := time_problem(repetition_time, "repetition time"):
            raise timing.problem("RT", problem)
        if problem := time_problem(width, "microtime bin"):
            raise FieldProblem(f"SPM.Sess({session}).U.dt", problem)
        sizes = {name: columns[name].values.size for name in names}
        if len(set(sizes.values())) > 1:
            lengths = ", ".join(f"'{name}' {size}" for name, size in sizes.items())
            raise FieldProblem(
                f"SPM.Sess({session}).U.u",
                f"differs in length between inputs (bins: {lengths}); specify the model again",
            )
        bins, there = round(scans * repetition_time / width), sizes[names[0]]
        if there != bins:
            raise FieldProblem(
                "SPM.Sess.U.u",
                f"has {there} bins of {width:g} s after the {LEADING_BINS} leading ones, but {scans} scans of "
                f"{repetition_time:g} s need {bins}; give the SPM.mat that the VOIs come from",
            )
    except FieldProblem as error:
        raise VoiFileError(path, error.field, error.problem) from error
    stacked = np.column_stack([columns[name].values for name in names])
    return DesignInputs(repetition_time, width, stacked, tuple(names), tuple(columns[name].place for name in names))


def _conditions(design: Fields, vois: Sequence[Voi], path: Path) -> list[Fields]:
    """The conditions of the session that regions were extracted in."""
    session, sessions = vois[0].session, _structs(design, "Sess")
    unsaid = next((voi for voi in vois if not Fields(voi.content).has("Sess")), None)
    if unsaid is not None and len(sessions) > 1:
        problem = f"is missing, and {path.name} has {len(sessions)} sessions; extract the region again"
        raise VoiFileError(unsaid.path, "xY.Sess", problem)
    if not 1 <= session <= len(sessions):
        raise design.problem("Sess", f"has {len(sessions)} sessions, but the VOIs are of session {session}; check both")
    return _structs(sessions[session - 1], "U")


@dataclass(frozen=True, eq=False)
class _Column:
    """An input: its values without the leading bins, the width of a bin (s), and its condition and column, from 1."""

    values: np.ndarray
    width: float
    place: tuple[int, int]


def _columns(conditions: Sequence[Fields], wanted: Sequence[str] | None) -> dict[str, _Column]:
    """Every input of a session by name, parametric modulators too; what is wrong with one that is not wanted is let be.

    Raises `FieldProblem` of one that is not wanted, too, where one that is cannot be found: it may be that one.
    """
    columns: dict[str, _Column] = {}
    faults: list[FieldProblem] = []
    for number, condition in enumerate(conditions, start=1):
        names: list[str] = []
        try:
            names = condition.names("name") or []
            found = _columns_of(condition, number, names)
            if again := next((name for name in found if name in columns), ""):
                raise condition.problem("name", f"holds '{again}' twice; give every condition a name of its own")
            columns |= found
        except FieldProblem as fault:
            if wanted is None or set(names) & set(wanted):
                raise
            faults.append(fault)
    if faults and not set(wanted or ()) <= columns.keys():
        raise faults[0]
    return columns


def _columns_of(condition: Fields, number: int, names: Sequence[str]) -> dict[str, _Column]:
    values = condition.matrix("u", "specify the first-level model again")[LEADING_BINS:]
    if values.ndim != 2:
        raise condition.problem("u", f"has {values.ndim} axes, not bins × inputs; specify the model again")
    if len(names) != values.shape[1]:
        raise condition.problem("name", f"holds {len(names)} names for {values.shape[1]} columns of u; name each")
    if again := next((name for name in names if list(names).count(name) > 1), ""):
        raise condition.problem("name", f"holds '{again}' twice; give every column a name of its own")
    width = condition.number("dt", "specify the first-level model again")
    return {name: _Column(values[:, i], width, (number, i + 1)) for i, name in enumerate(names)}


def _structs(fields: Fields, key: str) -> list[Fields]:
    value = fields.content.get(key)
    items = list(value) if isinstance(value, StructArray) else [value]
    if not items or not all(isinstance(item, dict) for item in items):
        what = "is missing" if value is None else f"is {describe(value)}, not structs"
        raise fields.problem(key, f"{what}; specify the first-level model with conditions")
    return [Fields(item, f"{fields.name(key)}({i + 1}).") for i, item in enumerate(items) if isinstance(item, dict)]


def _variable(path: Path, name: str, otherwise: str) -> dict[str, object]:
    try:
        value = load_mat(path).get(name)
    except MatFileError as error:
        raise VoiFileError(path, "", str(error)) from error
    if not isinstance(value, dict):
        raise VoiFileError(path, "", otherwise)
    return value
