"""The run and the model that SPM's DCM struct specifies: names, options and masks, under SPM's own field names."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Float
from numpy.typing import ArrayLike

from dcm import Data, Prior, Spec, Subject

from ..matlab import FieldProblem, Fields, shape_text

EchoTime = Literal["spm12", "scanner"]

UNSUPPORTED = {
    "two_state": "a two-state DCM; only one-state DCMs can be inverted, so specify it again with options.two_state = 0",
    "stochastic": "a stochastic DCM; set options.stochastic = 0 to invert it as a deterministic one",
    "induced": "a spectral DCM of induced responses; specify it again as a DCM of time series with options.induced = 0",
}


ITERATIONS, MOST_ITERATIONS = 128.0, 512


@dataclass(frozen=True, eq=False)
class RunData:
    """Region series and inputs of one run, with the names that numbers alone lack.

    Arguments:
        label: what this run goes by in tables and file names, such as ``sub-01_ses-1``.
        regions: name of every region, in the order of `data.bold`'s columns.
        input_names: name of every input, in the order of `data.inputs`' columns.
        data: series, inputs, confounds and timing.
        coordinates: (region, 3) centre of every region, mm, where known.

    Raises `ValueError`, naming everything that is wrong, where names repeat, are empty or do not match the data.

    Example:
        >>> run = read_vois(["VOI_vmPFC_1.mat", "VOI_amygdala_1.mat"], "SPM.mat")
        >>> posterior = invert(run.specify(a=np.ones((2, 2)), c=[[1, 0], [0, 0]]))
    """

    label: str
    regions: tuple[str, ...]
    input_names: tuple[str, ...]
    data: Data
    coordinates: Float[np.ndarray, "region 3"] | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "regions", tuple(map(str, self.regions)))
        object.__setattr__(self, "input_names", tuple(map(str, self.input_names)))
        problems = [] if self.label.strip() else ["label must not be empty"]
        for kind, names, expected in (
            ("region", self.regions, self.data.bold.shape[1]),
            ("input", self.input_names, self.data.inputs.shape[1]),
        ):
            if len(names) != expected:
                problems.append(f"{len(names)} {kind} names for {expected} {kind}s")
            if any(not name.strip() for name in names):
                problems.append(f"a {kind} name is empty")
            repeated = sorted({name for name in names if names.count(name) > 1})
            if repeated:
                problems.append(f"{kind} names must differ; more than once: {', '.join(map(repr, repeated))}")
        if self.coordinates is not None:
            coordinates = np.array(self.coordinates, dtype=np.float64)
            if coordinates.shape != (len(self.regions), 3):
                problems.append(f"coordinates have shape {coordinates.shape}, but {len(self.regions)} × 3 are needed")
            coordinates.setflags(write=False)
            object.__setattr__(self, "coordinates", coordinates)
        if problems:
            raise ValueError("; ".join(problems))

    def __repr__(self) -> str:
        n, m, scans = len(self.regions), len(self.input_names), self.data.scans
        timing = f"{scans} scans of {self.data.repetition_time:g} s"
        return f"RunData({self.label!r}: {n} region{'s' * (n > 1)}, {m} input{'s' * (m > 1)}, {timing})"

    def specify(
        self,
        a: ArrayLike,
        b: ArrayLike | None = None,
        c: ArrayLike | None = None,
        d: ArrayLike | None = None,
        *,
        prior: Prior | None = None,
        centre_inputs: bool = False,
    ) -> Subject:
        """A model of this run, ready for `dcm.invert`, under the names of its regions and inputs.

        Arguments:
            a, b, c, d: masks as in `dcm.Spec`: which connections are free, (to, from); which of them each input may
                change, (to, from, input); which regions each input drives, (to, input); which connections each region
                gates, (to, from, gate).
            prior, centre_inputs: as in `dcm.Subject`.

        Raises `ValueError` where a mask does not fit the regions and inputs.
        """
        spec = Spec(self.regions, self.input_names, a, b, c, d)
        return Subject(self.label, spec, self.data, prior, centre_inputs)


@dataclass(frozen=True)
class DcmOptions:
    """How the file wants its model inverted."""

    centre_inputs: bool
    nonlinear: bool
    max_iterations: int
    noise_mean: float
    noise_variance: float
    stated_echo_time: float | None


def check_kind(dcm: Fields) -> None:
    """Raises `FieldProblem` where this kind of DCM cannot be inverted, or where essential parts are missing."""
    options = options_of(dcm)
    for option, kind in UNSUPPORTED.items():
        if options.flag(option):
            raise options.problem(option, f"is set: {kind}")
    analysis = options.content.get("analysis")
    if isinstance(analysis, str) and analysis:
        raise options.problem("analysis", f"is '{analysis}', not a DCM of fMRI time series; specify it as one")
    if dcm.has("averaged") and dcm.flag("averaged"):
        raise dcm.problem("averaged", "is set: an average of several models, without data; give the models themselves")
    missing = [key for key in ("a", "c", "U", "Y") if key not in dcm.content]
    if missing == ["U", "Y"]:
        raise FieldProblem("U, Y", "are missing: a model structure without data; specify it on a participant's data")
    if missing:
        verb = "is" if len(missing) == 1 else "are"
        raise FieldProblem(", ".join(missing), f"{verb} missing; specify the DCM again in SPM and save all of it")


def options_of(dcm: Fields) -> Fields:
    """The options, none where the field is absent."""
    return dcm.struct("options", "save SPM's options struct") if dcm.has("options") else Fields({}, "options.")


def read_options(dcm: Fields, echo_time: EchoTime, remarks: list[str]) -> DcmOptions:
    """Options with SPM12's defaults for those that are absent; `remarks` gets what is worth knowing about them."""
    if not dcm.has("options"):
        remarks.append("options are missing; SPM12's defaults are taken, so inputs are not centred")
    options = options_of(dcm)
    iterations = options.number("maxit", "give one whole number", default=0.0) or _stored_limit(dcm, remarks)
    if not 1 <= iterations <= MOST_ITERATIONS or iterations != round(iterations):
        raise options.problem("maxit", f"is {iterations:g}; give a whole number of iterations from 1 to 512")
    variance = options.number("hC", "give one variance", default=1 / 128)
    if variance <= 0:
        raise options.problem("hC", f"is {variance:g}; give a positive prior variance of the noise, such as 1/128")
    return DcmOptions(
        centre_inputs=options.flag("centre"),
        nonlinear=options.flag("nonlinear"),
        max_iterations=int(iterations),
        noise_mean=options.number("hE", "give one log-precision", default=6.0),
        noise_variance=variance,
        stated_echo_time=_stated_echo_time(dcm, echo_time, remarks),
    )


def _stored_limit(dcm: Fields, remarks: list[str]) -> float:
    """M.Nmax, with which the model was inverted before, where that is a limit that can be used; SPM12's else."""
    model = dcm.content.get("M")
    if not isinstance(model, dict) or not Fields(model).has("Nmax"):
        return ITERATIONS
    try:
        limit = Fields(model, "M.").number("Nmax", "give one whole number")
    except FieldProblem as error:
        remarks.append(error.as_remark(f"{ITERATIONS:g} iterations are taken"))
        return ITERATIONS
    if not 1 <= limit <= MOST_ITERATIONS or limit != round(limit):
        remarks.append(f"M.Nmax is {limit:g}, which is no limit of iterations; {ITERATIONS:g} are taken")
        return ITERATIONS
    return limit


def _stated_echo_time(dcm: Fields, echo_time: EchoTime, remarks: list[str]) -> float | None:
    """TE; what cannot be read is an error only where it is to be used."""
    if not dcm.has("TE"):
        return None
    try:
        return dcm.number("TE", "give the echo time in seconds")
    except FieldProblem as error:
        if echo_time == "scanner":
            raise
        remarks.append(error.as_remark("it is not used, as SPM12 always takes 0.04 s"))
        return None


def read_spec(dcm: Fields, run: RunData, options: DcmOptions, remarks: list[str]) -> Spec:
    """Masks a, b, c, d, whatever their MATLAB class, with the trailing axes that MATLAB drops put back."""
    n, m = len(run.regions), len(run.input_names)
    if not dcm.has("b"):
        state = "empty" if "b" in dcm.content else "missing"
        remarks.append(f"b is {state}; it is taken as zeros, so no input modulates a connection")
    masks = {
        "a": read_structure_mask(dcm, "a", (n, n)),
        "b": read_structure_mask(dcm, "b", (n, n, m)),
        "c": read_structure_mask(dcm, "c", (n, m)),
        "d": read_structure_mask(dcm, "d", (n, n, n)),
    }
    inputs = run.data.inputs - run.data.inputs.mean(axis=0) if options.centre_inputs else run.data.inputs
    if not masks["c"].any():
        raise dcm.problem("c", "is all zero: no input drives a region, so nothing is predicted; set c to 1 for one")
    if not np.any(np.abs(inputs).max(axis=0) > 1e-12, where=masks["c"].any(axis=0)):
        raise FieldProblem("U.u", "is zero for every input that drives a region by c; check onsets and durations")
    if options.nonlinear and not masks["d"].any():
        raise dcm.problem("d", "has no 1 although options.nonlinear is set; set d, or options.nonlinear = 0")
    if masks["d"].any() and not options.nonlinear:
        raise dcm.problem("d", "has 1s that options.nonlinear = 0 would ignore; set that to 1, or d to zeros")
    return Spec(run.regions, run.input_names, **masks)


def read_structure_mask(dcm: Fields, key: str, shape: tuple[int, ...]) -> np.ndarray:
    """A mask of 0 and 1, of the shape that the model needs."""
    if key in ("b", "d") and not dcm.has(key):
        return np.zeros(shape, dtype=bool)  # SPM writes absent b and d as [] or n × n × 0
    needed = shape_text(shape)
    mask = dcm.matrix(key, f"give a {needed} array of 0 and 1")
    if mask.shape + (1,) * (len(shape) - mask.ndim) != shape:
        given = shape_text(mask.shape)
        raise dcm.problem(key, f"is {given}, but the regions and inputs need {needed}; correct its shape")
    if not np.isin(mask, (0, 1)).all():
        odd = mask[~np.isin(mask, (0, 1))][0]
        raise dcm.problem(key, f"holds {odd:g} where only 0 and 1 are allowed; write 1 for every free connection")
    return mask.reshape(shape) > 0
