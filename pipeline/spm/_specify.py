"""VOI files, an SPM.mat and a model → the DCM struct that SPM's "specify" makes of them, read as any DCM file."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from dcm import SPM12_ECHO_TIME, Spec

from ..common import did_you_mean
from ..matlab import FieldProblem, StructArray, cell_row, matlab_scalar
from ._dcm_file import DcmFile, read_struct
from ._voi import DesignInputs, MissingVoiError, Voi, VoiFileError, check_together, read_session_inputs, read_voi

SAME = 1e-6  # of the confounds' largest value


def specify_dcm(
    voi_paths: str | Path | Iterable[str | Path],
    spm_mat: str | Path,
    spec: Spec,
    *,
    name: str | None = None,
    session: int = 1,
    conditions: Mapping[str, Sequence[str]] | None = None,
    delays: ArrayLike | None = None,
    echo_time: float = SPM12_ECHO_TIME,
    centre_inputs: bool = False,
) -> DcmFile:
    """One participant's DCM, specified as SPM does it from extracted regions; `write_dcm` writes it.

    Series, inputs and confounds are as SPM leaves them: neither centred nor scaled, the inputs without their 32 leading
    bins, the confounds those of the first region.

    Arguments:
        voi_paths: VOI_*.mat files; those of the model's regions (xY.name) and of the session are taken, in its order.
        spm_mat: the SPM.mat of the first-level model that the VOIs come from.
        spec: regions, inputs and connections, as `make_spec` has them.
        name: what the DCM goes by, DCM_NAME.mat; the name of the folder of `spm_mat` where None.
        session: which session of the SPM.mat, from 1.
        conditions: input of the model → conditions or parametric modulators of SPM.Sess.U that it adds up; where None,
            inputs are called as they are there.
        delays: (region,) or one number, s from the start of a scan; half a repetition time where None.
        echo_time: the scanner's, s, for the file. SPM12 computes with 0.04 s all the same.
        centre_inputs: options.centre.

    Raises `SpmFileError`, naming file, field and remedy, where files do not fit the model or each other.

    Example:
        >>> spec = make_spec(["vmPFC", "amygdala"], ["faces"], c={"faces": ["amygdala"]})
        >>> file = specify_dcm(Path("sub-01").glob("VOI_*.mat"), "sub-01/SPM.mat", spec, name="sub-01")
        >>> write_dcm("DCM_sub-01.mat", file)
    """
    path = Path(spm_mat)
    paths = [voi_paths] if isinstance(voi_paths, str | Path) else voi_paths
    vois = [read_voi(Path(voi)) for voi in paths]
    return specify_from_vois(
        vois,
        path,
        spec,
        name=name or path.resolve().parent.name,
        session=session,
        conditions=conditions,
        delays=delays,
        echo_time=echo_time,
        centre_inputs=centre_inputs,
    )


def specify_from_vois(
    vois: Sequence[Voi],
    spm_mat: Path,
    spec: Spec,
    *,
    name: str,
    session: int,
    conditions: Mapping[str, Sequence[str]] | None,
    delays: ArrayLike | None,
    echo_time: float,
    centre_inputs: bool,
) -> DcmFile:
    """`specify_dcm`, of VOIs that are read already."""
    chosen = _choose(vois, spec.regions, session, spm_mat)
    check_together(chosen)
    parts = {key: tuple((conditions or {}).get(key, (key,))) for key in spec.inputs}
    members = list(dict.fromkeys(member for own in parts.values() for member in own))
    design = read_session_inputs(spm_mat, chosen, members)
    content = _struct(chosen, spec, design, parts, _delays(delays, spec, design), echo_time, centre_inputs)
    try:
        file = read_struct(Path(f"DCM_{name}.mat"), None, "", content)
    except FieldProblem as error:
        raise VoiFileError(spm_mat, error.field, error.problem) from error
    except ValueError as error:
        raise VoiFileError(spm_mat, "", f"and its VOIs cannot be used: {error}") from error
    return replace(file, remarks=(*file.remarks, *_unlike(chosen)))


def sessions_of(vois: Sequence[Voi]) -> list[int]:
    """The sessions that regions were extracted in."""
    return sorted({voi.session for voi in vois})


def _choose(vois: Sequence[Voi], regions: Sequence[str], session: int, spm_mat: Path) -> list[Voi]:
    """The regions of a session in the order of the model."""
    if not vois:
        raise MissingVoiError(spm_mat, "", "has no VOI_*.mat with it; extract the regions in SPM")
    here = [voi for voi in vois if voi.session == session]
    if not here:
        there = ", ".join(map(str, sessions_of(vois)))
        raise MissingVoiError(spm_mat, "", f"has no VOI of session {session}; there are VOIs of session {there}")
    found = []
    for region in regions:
        own = [voi for voi in here if voi.name == region]
        if not own:
            names = list(dict.fromkeys(voi.name for voi in here))
            tip = did_you_mean(region, names, f"VOIs of session {session}")
            raise MissingVoiError(spm_mat, "", f"has no VOI called {region!r} (xY.name) in session {session}{tip}")
        if len(own) > 1:
            raise VoiFileError(
                own[1].path,
                "xY.name",
                f"is {region!r} of session {session}, as in {own[0].path.name}; give each region once",
            )
        found += own
    return found


def _delays(delays: ArrayLike | None, spec: Spec, design: DesignInputs) -> np.ndarray:
    if delays is None:
        return np.full(spec.n, design.repetition_time / 2)
    given = np.atleast_1d(np.asarray(delays, dtype=np.float64))
    if given.shape not in ((1,), (spec.n,)):
        raise ValueError(f"delays have shape {given.shape}; give one number, or one for each of {spec.n} regions")
    return np.array(np.broadcast_to(given, (spec.n,)))


def _struct(
    vois: Sequence[Voi],
    spec: Spec,
    design: DesignInputs,
    parts: Mapping[str, Sequence[str]],
    delays: np.ndarray,
    echo_time: float,
    centre_inputs: bool,
) -> dict[str, Any]:
    """DCM as SPM's "specify" leaves it, in the form of `load_mat`."""
    n, m, scans = spec.n, spec.m, vois[0].series.size
    column = {name: design.columns[:, [place]] for place, name in enumerate(design.names)}
    inputs: dict[str, Any] = {
        "dt": matlab_scalar(design.bin_width),
        "name": cell_row(spec.inputs),
        "u": np.hstack([np.sum([column[member] for member in parts[name]], axis=0) for name in spec.inputs]),
    }
    if all(len(own) == 1 for own in parts.values()):  # where each is one column of Sess.U, which
        place = dict(zip(design.names, design.places, strict=True))
        inputs["idx"] = np.array([place[parts[name][0]] for name in spec.inputs], dtype=np.float64)
    gated = bool(spec.d.any())
    switches = {"nonlinear": gated, "two_state": 0, "stochastic": 0, "centre": centre_inputs, "induced": 0}
    confounds = vois[0].confounds
    return {
        "a": spec.a.astype(np.float64),
        "b": spec.b.astype(np.float64).reshape(n, n, m),
        "c": spec.c.astype(np.float64),
        "d": spec.d.astype(np.float64) if gated else np.zeros((n, n, 0)),
        "U": inputs,
        "Y": {
            "dt": matlab_scalar(design.repetition_time),
            "X0": np.ones((scans, 1)) if confounds is None else confounds,
            "y": np.column_stack([voi.series for voi in vois]),
            "name": cell_row(spec.regions),
        },
        "xY": _struct_array(vois),
        "v": matlab_scalar(scans),
        "n": matlab_scalar(n),
        "TE": matlab_scalar(echo_time),
        "delays": delays[None, :],
        "options": {key: matlab_scalar(float(value)) for key, value in switches.items()},
    }


def _struct_array(vois: Sequence[Voi]) -> StructArray:
    """The VOIs as SPM keeps them; a field that one of them lacks is empty there."""
    fields = tuple(dict.fromkeys(field for voi in vois for field in voi.content))
    return StructArray([dict(voi.content) for voi in vois], (1, len(vois)), fields)


def _unlike(vois: Sequence[Voi]) -> Iterator[str]:
    """A line where regions were not extracted alike: with other confounds, or adjusted for another contrast."""
    first = vois[0]
    for voi in vois[1:]:
        if not _same(voi.confounds, first.confounds):
            yield (
                f"confounds (xY.X0) of {voi.path.name} are not those of {first.path.name}, which are taken for all "
                "regions, as in SPM; extract the regions from one model"
            )
    contrasts = Counter(str(np.ravel(voi.content.get("Ic", ()))) for voi in vois)
    if len(contrasts) > 1:
        yield "regions are adjusted for different contrasts (xY.Ic); extract them with one"


def _same(own: np.ndarray | None, other: np.ndarray | None) -> bool:
    if own is None or other is None:
        return own is other
    return own.shape == other.shape and bool(np.abs(own - other).max(initial=0) <= SAME * np.abs(other).max(initial=0))
