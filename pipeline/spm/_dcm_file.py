"""SPM's DCM files → participants: data, model and, where SPM has inverted it, its estimate."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar, Protocol, TypeVar, get_args

import numpy as np
from jaxtyping import Float

from dcm import Compat, Data, Posterior, Settings, Spec, Subject, prior

from ..common import file_name_text, list_names, shorten
from ..matlab import FieldProblem, Fields, MatFileError, Opaque, StructArray, describe, load_mat, opaque_fields
from ._dcm_estimate import SpmEstimate, estimate_posterior, read_estimate
from ._dcm_model import DcmOptions, EchoTime, check_kind, read_options, read_spec
from ._dcm_run import read_run

LONGEST_MESSAGE = 600  # characters of a message; a name may have thousands
SCALED_RANGE = 4.0  # to which SPM scales series of a larger range
LONGEST_MODE = 300  # letters; anything else is not effconn's

OTHER_FILES = {
    "SPM": "is an SPM.mat (a first-level GLM), not a DCM; give the DCM_*.mat specified from it",
    "xY": "is a VOI file (one region's series), not a DCM; give the DCM_*.mat specified from it",
    "PEB": "holds a group result (PEB), not a DCM; give the DCM_*.mat or GCM_*.mat it was made from",
    "BMA": "holds a model average (BMA), not a DCM; give the DCM_*.mat or GCM_*.mat it was made from",
    "BMS": "holds a model comparison (BMS), not a DCM; give the DCM_*.mat files it was made from",
    "matlabbatch": "is an SPM batch, not a DCM; give the DCM_*.mat it makes",
}


class _NamedFile(Protocol):
    """What has a name, and the path that tells it from others of that name."""

    __dataclass_fields__: ClassVar[dict[str, Any]]

    @property
    def path(self) -> Path: ...

    @property
    def name(self) -> str: ...


_Named = TypeVar("_Named", bound=_NamedFile)


class SpmFileError(ValueError):
    """File, field, problem and remedy in one line.

    Attributes:
        path: the file.
        field: SPM's name of the field, such as ``Y.y``; empty where the file as a whole is wrong.
        index: position in a GCM cell array, column-major and from 0; None where the file is no such array.
        cell: that position as people count it, row and column from 1, where the array has several columns; else empty.
    """

    def __init__(self, path: Path, field: str, problem: str, index: int | None = None, cell: str = "") -> None:
        place = path.name + (f"[{cell}]" if cell else "" if index is None else f"[{index + 1}]")
        super().__init__(shorten(" ".join(f"{place}: {field} {problem}".split()), LONGEST_MESSAGE))
        self.path = path
        self.field = field
        self.index = index
        self.cell = cell

    def __reduce__(self) -> tuple[object, ...]:
        return _unpickled, (type(self), self.path, self.field, self.index, self.cell, str(self))


def _unpickled(
    kind: type[SpmFileError], path: Path, field: str, index: int | None, cell: str, message: str
) -> SpmFileError:
    """Unpickles an error, so that a worker process can hand one back."""
    error = kind(path, field, "", index, cell)
    error.args = (message,)
    return error


class DcmFileError(SpmFileError):
    """What is wrong with one DCM file, or one model in it; attributes as in `SpmFileError`."""


@dataclass(frozen=True, eq=False)
class DcmFile:
    """One model of one participant, as an SPM file holds it.

    Fields:
        path: the file.
        index: position in a GCM cell array, column-major and from 0; None where the file holds one model.
        name: what it goes by: the file's stem without a leading ``DCM_``, and in a GCM ``[k]`` (from 1), or
            ``[row,column]`` where it has several columns: in SPM rows are participants and columns models.
        spec: regions, inputs and masks.
        data: series, inputs and confounds as the file holds them; centred and scaled where SPM has inverted it.
        centre_inputs: options.centre; False where absent, as in SPM12.
        nonlinear: options.nonlinear, gating by regions (d).
        max_iterations: options.maxit, else M.Nmax, else 128.
        noise_mean, noise_variance: prior of the noise log-precisions, options.hE and options.hC, else 6 and 1/128.
        coordinates: (region, 3) centre of every region, mm, where known.
        stated_echo_time: TE, s; `data.echo_time` is what the observation equation uses.
        estimate: SPM's posterior; None where the model is not inverted.
        content: the whole struct as `load_mat` reads it, so that a writer keeps fields unknown here.
        remarks: what was assumed or left out in reading, a line each; nothing that an answer would not survive.
        cell: its place in a GCM as the name has it, "" where the file holds one model.
    """

    path: Path
    index: int | None
    name: str
    spec: Spec
    data: Data
    coordinates: Float[np.ndarray, "region 3"] | None
    centre_inputs: bool
    nonlinear: bool
    max_iterations: int
    noise_mean: float
    noise_variance: float
    stated_echo_time: float | None
    estimate: SpmEstimate | None
    content: Mapping[str, Any]
    remarks: tuple[str, ...] = ()
    cell: str = ""

    @property
    def subject(self) -> Subject:
        """What `dcm.invert` takes, in the default mode; see `to_subject`."""
        return self.to_subject()

    def to_subject(self, compat: Compat = "none") -> Subject:
        """Model, data and prior as ``effconn invert --compat …`` takes them from the file.

        In SPM's modes the file's options hold (centre, hE and hC). In mode 'none' series are as they were measured
        (`as_measured`), and inputs are not centred unless they already are in the file.

        Arguments:
            compat: the mode, the same as that of the settings with which it is to be inverted.

        Example:
            >>> invert(read_dcm("DCM_sub-01.mat").subject)
            >>> invert(read_dcm("DCM_sub-01.mat").to_subject("spm12"), Settings("spm12"))
        """
        if compat == "none":
            return Subject(self.name, self.spec, self.as_measured().data, None, self.has_centred_inputs)
        noise = {"noise_mean": self.noise_mean, "noise_variance": self.noise_variance}
        density = prior(self.spec, Settings(compat).priors, **noise)
        return Subject(self.name, self.spec, self.data, density, self.centre_inputs)

    @property
    def posterior(self) -> Posterior | None:
        """SPM's estimate as `dcm.Posterior`, under the prior in the file or else SPM12's; None where there is none.

        SPM stores neither how the noise's precision varies nor the effects of confounds: the one is approximated by
        the scans' number and hC, the others are zeros. Status is CONVERGED and iterations are 0.

        Raises `DcmFileError` where mean and covariance are not those of the prior's free parameters, or where effconn
        made the estimate in a mode of its own: `open_dataset` reads the NetCDF file beside it.
        """
        if self.estimate is None:
            return None
        if self.mode not in ("", "spm12", "spm25"):
            problem = f"is of effconn, in mode {self.mode}; open the NetCDF result, which save_result writes"
            raise DcmFileError(self.path, "Ep", problem, self.index, self.cell)
        noise = (self.noise_mean, self.noise_variance)
        try:
            return estimate_posterior(self.estimate, self.spec, self.data, noise, self.centre_inputs)
        except FieldProblem as error:
            raise DcmFileError(self.path, error.field, error.problem, self.index, self.cell) from error

    @property
    def has_centred_inputs(self) -> bool:
        """Whether inputs have lost their zero, as in SPM's estimates, where all that vary have mean 0."""
        varying = self.data.inputs[:, np.ptp(self.data.inputs, axis=0) > 0]
        means = np.abs(varying.mean(axis=0))
        return bool(varying.size) and bool((means < 1e-9 * np.abs(varying).max(axis=0)).all())

    def as_measured(self) -> DcmFile:
        """The file with its series as they were measured.

        SPM leaves series scaled in the files that it has estimated, with the factor beside them (Y.scale). Parameters
        keep their units only where series keep theirs.
        """
        series = self.content.get("Y")
        scale = series.get("scale") if isinstance(series, dict) else None
        if not (
            isinstance(scale, np.ndarray) and scale.size == 1 and scale.dtype.kind == "f" and 0 < scale.flat[0] < 1
        ):
            return self
        factor = float(scale.flat[0])
        if abs(np.ptp(self.data.bold) - SCALED_RANGE) > 1e-6 * SCALED_RANGE:  # not by this factor, then
            return self
        data = replace(self.data, bold=self.data.bold / factor)
        content = {**self.content, "Y": {**self.content["Y"], "scale": np.array([[1.0]])}}
        return replace(self, data=data, content=content)

    @property
    def mode(self) -> str:
        """The mode in which effconn made the estimate, in words; empty where SPM did, or there is none."""
        made = self.content.get("effconn")
        mode = made.get("mode") if isinstance(made, Mapping) else None
        known = isinstance(mode, str) and len(mode) <= LONGEST_MODE and mode.split(",")[0] in get_args(Compat)
        return str(mode) if known else ""

    def __repr__(self) -> str:
        n, m = self.spec.n, self.spec.m
        parts = [f"{n} region{'s' * (n > 1)}", f"{m} input{'s' * (m > 1)}", f"{self.data.scans} scans"]
        if self.estimate is not None:
            parts.append(f"estimated (F = {self.estimate.free_energy:.2f})")
        return f"DcmFile({self.name!r}: {', '.join(parts)})"


def read_dcm(path: str | Path, echo_time: EchoTime = "spm12", *, estimates: bool = True) -> DcmFile:
    """The one model in an SPM file: its data, its structure and, where SPM has inverted it, SPM's estimate.

    Arguments:
        path: a MATLAB file with a struct ``DCM``, specified or estimated, or one DCM struct under another name.
        echo_time: ``"spm12"`` for the 0.04 s that SPM12's observation equation always uses, ``"scanner"`` for the
            file's TE.
        estimates: False to take no estimate from the file, so that a damaged one is in nobody's way.

    Raises `DcmFileError`, naming file, field and remedy, where the file cannot be read or holds several models.

    Example:
        >>> file = read_dcm("DCM_sub-01.mat")
        >>> posterior = invert(file.subject)
        >>> file.posterior  # SPM's own, None where SPM has not inverted it
    """
    entries = read_models(path, echo_time, estimates=estimates)
    if len(entries) > 1:
        raise DcmFileError(Path(path), "GCM", f"holds {len(entries)} models; read them with read_dcms")
    entry = entries[0]
    if isinstance(entry, DcmFileError):
        raise entry
    return entry


def read_models(
    path: str | Path, echo_time: EchoTime = "spm12", *, estimates: bool = True
) -> list[DcmFile | DcmFileError]:
    """Every model in a file, in order; what cannot be read takes its place as a `DcmFileError`, and is not raised.

    Arguments:
        path: a file as `read_dcm` takes it, or one with a cell array ``GCM`` of such structs.
        echo_time, estimates: as in `read_dcm`.
    """
    if echo_time not in ("spm12", "scanner"):
        raise ValueError(f"echo_time must be 'spm12' or 'scanner', not {echo_time!r}")
    path = Path(path)
    try:
        entries = list(dcm_entries(path, load_mat(path)))
    except MatFileError as error:
        return [DcmFileError(path, "", str(error))]
    except DcmFileError as error:
        return [error]
    return [read_entry(path, index, cell, value, echo_time, estimates) for index, cell, value in entries]


def read_dcms(
    paths: str | Path | Iterable[str | Path], echo_time: EchoTime = "spm12", *, estimates: bool = True
) -> tuple[list[DcmFile], list[DcmFileError]]:
    """Every model of every file in the order given, and every error; no file holds up the others.

    Models of the same name from different folders get the folder's name in front. A file given twice
    is read once and reported.

    Arguments:
        paths: DCM_*.mat files, or GCM_*.mat files with a cell array of models; one or several.
        echo_time, estimates: as in `read_dcm`.

    Example:
        >>> files, errors = read_dcms(sorted(Path("study").glob("DCM_*.mat")))
        >>> results = invert_cohort([file.subject for file in files])
    """
    paths = [paths] if isinstance(paths, str | Path) else paths
    files: list[DcmFile] = []
    errors: list[DcmFileError] = []
    seen: set[Path] = set()
    for path in map(Path, paths):
        if path.resolve() in seen:
            errors.append(DcmFileError(path, "", "was given twice; it is read once"))
            continue
        seen.add(path.resolve())
        for entry in read_models(path, echo_time, estimates=estimates):
            if isinstance(entry, DcmFile):
                files.append(entry)
            else:
                errors.append(entry)
    return with_distinct_names(files), errors


def dcm_entries(path: Path, variables: Mapping[str, Any]) -> Iterator[tuple[int | None, str, Any]]:
    """Every model in the file, with its index and its cell where it is one of several."""
    found = [name for name in ("DCM", "GCM") if name in variables]
    if not found:
        found = [name for name, value in variables.items() if looks_like_dcm(value)]
        if len(found) > 1:
            raise DcmFileError(path, ", ".join(found), "could each be the DCM; save one of them as DCM")
    if not found:
        for name, what in OTHER_FILES.items():
            if name in variables:
                raise DcmFileError(path, "", what)
        held = list_names(variables, "nothing")
        raise DcmFileError(path, "", f"holds no DCM or GCM (it holds {held}); save the struct as DCM")
    if len(found) > 1:
        raise DcmFileError(path, "DCM, GCM", "are both there; save one of them to a file of its own")
    value = variables[found[0]]
    if isinstance(value, StructArray):
        models = list(value)
    elif isinstance(value, np.ndarray) and value.dtype == object:
        models = list(value.ravel(order="F"))
    else:
        yield None, "", value
        return
    if not models:
        raise DcmFileError(path, found[0], "is empty; save at least one model in it")
    rows = value.shape[0] if value.shape else 1
    matrix = len(models) > rows and not (isinstance(value, StructArray) and rows == 1)  # GCM(k) = … makes one row
    for index, model in enumerate(models):
        yield index, f"{index % rows + 1},{index // rows + 1}" if matrix else f"{index + 1}", model


def looks_like_dcm(value: Any) -> bool:
    """Whether a struct has a DCM's marks: masks, or series and inputs."""
    return isinstance(value, Mapping) and ({"a", "c"} <= value.keys() or {"Y", "U"} <= value.keys())


def read_entry(
    path: Path, index: int | None, cell: str, value: Any, echo_time: EchoTime, estimates: bool
) -> DcmFile | DcmFileError:
    """One DCM struct of a file, or what is wrong with it."""
    try:
        return read_struct(path, index, cell, value, echo_time, estimates)
    except FieldProblem as error:
        return DcmFileError(path, error.field, error.problem, index, cell)
    except ValueError as error:
        return DcmFileError(path, "", f"cannot be used: {error}", index, cell)


def read_struct(
    path: Path, index: int | None, cell: str, value: Any, echo_time: EchoTime = "spm12", estimates: bool = True
) -> DcmFile:
    """A DCM struct in the form of `load_mat` → what it specifies; raises `FieldProblem`."""
    if isinstance(value, str):
        raise FieldProblem("DCM" if index is None else "GCM", f"holds the file name '{value}'; give that file itself")
    if not isinstance(value, Mapping):
        kind = value.kind if isinstance(value, Opaque) else describe(value)
        raise FieldProblem("DCM" if index is None else "GCM", f"holds {kind}, not a DCM struct; save the struct")
    dcm = Fields(value)
    check_kind(dcm)
    remarks = _unread(value)
    options: DcmOptions = read_options(dcm, echo_time, remarks)
    name = model_name(path, cell)
    run = read_run(dcm, name, echo_time, options.stated_echo_time, remarks)
    spec = read_spec(dcm, run, options, remarks)
    return DcmFile(
        path=path,
        index=index,
        name=name,
        spec=spec,
        data=run.data,
        coordinates=run.coordinates,
        estimate=read_estimate(dcm, spec.layout, run.data.scans) if estimates else None,
        content=value,
        remarks=tuple(remarks),
        cell=cell,
        **vars(options),
    )


def _unread(content: Mapping[str, Any]) -> list[str]:
    """A remark on the fields that could not be read, which a file written from this one will lack."""
    found = opaque_fields(content, "DCM")
    if not found:
        return []
    place, kind = next(iter(found.items()))
    others = f" and {len(found) - 1} more" if len(found) > 1 else ""
    return [f"{place} ({kind.rstrip(',')}){others} cannot be read; left out of what is written"]


def model_name(path: Path, cell: str = "") -> str:
    """What a model goes by: the file's stem without a leading ``DCM_``, and ``[k]`` or ``[row,column]`` in a GCM."""
    stem = file_name_text(path.stem)
    stem = stem[4:] if stem.upper().startswith("DCM_") and len(stem) > 4 else stem
    return f"{stem}[{cell}]" if cell else stem


def with_distinct_names(files: list[_Named]) -> list[_Named]:
    """The files with names that differ: as many folder names in front as that takes."""
    names = [file.name for file in files]
    parents = [list(reversed(file.path.resolve().parent.parts)) for file in files]
    for depth in range(max(map(len, parents), default=0)):
        counts = Counter(names)
        if max(counts.values(), default=0) < 2:
            break
        for i, name in enumerate(list(names)):
            if counts[name] > 1 and depth < len(parents[i]) - 1:
                names[i] = f"{parents[i][depth]}_{name}"
    for name, count in Counter(names).items():  # only the file's suffix differs, say .mat and .MAT
        if count > 1:
            for rank, i in enumerate([i for i, other in enumerate(names) if other == name], start=1):
                names[i] = f"{name}~{rank}"
    return [file if file.name == name else replace(file, name=name) for file, name in zip(files, names, strict=True)]
