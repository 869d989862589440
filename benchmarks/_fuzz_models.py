"""What the fuzzer's good files hold: a small DCM, its estimate, a group, a run and a study."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from ._fuzz_texts import STUDY

SHAPE = (5, 6, 4)  # voxels
AFFINE = np.array([[3.0, 0, 0, -6], [0, 3, 0, -9], [0, 0, 3, -6], [0, 0, 0, 1]])
SCANS, BINS = 40, 16


def cells(*items: Any) -> np.ndarray:
    """A 1 × n cell array."""
    array = np.empty((1, len(items)), dtype=object)
    for place, item in enumerate(items):
        array[0, place] = item
    return array


def dcm_struct() -> dict[str, Any]:
    """A DCM of two regions, two inputs and 40 scans as SPM saves it."""
    rng = np.random.default_rng(0)
    blocks = (np.arange(SCANS * BINS)[:, None] // np.array([160, 80])) % 2
    return {
        "a": np.ones((2, 2)),
        "b": np.stack([np.zeros((2, 2)), np.eye(2)], axis=2),
        "c": np.array([[1.0, 0.0], [1.0, 0.0]]),
        "d": np.zeros((2, 2, 0)),
        "U": {"dt": 2 / BINS, "name": cells("task", "faces"), "u": _sparse(blocks.astype(float))},
        "Y": {
            "dt": 2.0,
            "X0": np.column_stack([np.ones(SCANS), np.linspace(-1, 1, SCANS)]),
            "y": rng.normal(size=(SCANS, 2)),
            "name": cells("vmPFC", "amygdala"),
        },
        "v": float(SCANS),
        "n": 2.0,
        "TE": 0.03,
        "delays": np.array([[1.0, 1.0]]),
        "options": {key: float(key == "centre") for key in ("nonlinear", "two_state", "stochastic", "centre")},
    }


def estimated_struct() -> dict[str, Any]:
    """The same with SPM's results."""
    tree: dict[str, Any] = {
        "A": np.full((2, 2), 0.1),
        "B": np.full((2, 2, 2), 0.2),
        "C": np.full((2, 2), 0.3),
        "D": np.zeros((2, 2, 0)),
        "transit": np.full((2, 1), 0.01),
        "decay": 0.02,
        "epsilon": 0.03,
    }
    free = np.array([1, 1, 1, 1, 0, 0, 0, 0, 1, 0, 0, 1, 1, 1, 0, 0, 1, 1, 1, 1], dtype=float)
    return dcm_struct() | {
        "Ep": tree,
        "Cp": _sparse(np.diag(free * np.arange(1, 21) / 100)),
        "F": -123.5,
        "Ce": np.array([[0.1], [0.2]]),
        "y": np.zeros((SCANS, 2)),
        "R": np.ones((SCANS, 2)),
        "M": {"pE": {key: np.zeros_like(value) for key, value in tree.items()}, "pC": np.diag(free) / 64},
    }


def full_struct() -> dict[str, Any]:
    """The same with what SPM keeps beside: regions, a struct array; components of the noise, sparse and in cells."""
    found = estimated_struct()
    regions = np.empty((1, 2), dtype=[("name", object), ("xyz", object)])
    regions[0, 0], regions[0, 1] = ("left", np.ones((3, 1))), ("right", np.zeros((3, 1)))
    precision = _sparse(np.diag(np.arange(1.0, 81.0)))
    found["M"] |= {"f": "spm_fx_fmri", "flag": np.array([[True]])}
    return found | {"xY": regions, "Y": found["Y"] | {"Q": cells(precision, precision)}}


def voi_struct() -> dict[str, Any]:
    """The series of a region as SPM extracts it."""
    series = np.random.default_rng(4).normal(size=(SCANS, 1))
    return {"u": series, "X0": np.ones((SCANS, 1)), "name": "vmPFC", "Sess": 1.0, "xyz": np.ones((3, 1))}


def spm_struct() -> dict[str, Any]:
    """What a first-level model says of its inputs: two conditions, 32 leading bins."""
    conditions = np.empty((1, 2), dtype=[("name", object), ("u", object), ("dt", object)])
    for place, name in enumerate(("task", "faces")):
        boxes = np.zeros((SCANS * BINS + 32, 1))
        boxes[40 + 50 * place :: 200] = 1
        conditions[0, place] = (cells(name), _sparse(boxes), 2 / BINS)
    return {"xY": {"RT": 2.0}, "Sess": {"U": conditions}}


def _sparse(matrix: np.ndarray) -> Any:
    from scipy.sparse import csc_array

    return csc_array(matrix)


def posterior() -> Any:
    """A posterior that nothing was inverted for."""
    from dcm import Posterior, Settings, Spec, Status, prior

    rng = np.random.default_rng(3)
    spec = Spec(("vmPFC", "amygdala"), ("task", "faces"), np.ones((2, 2)), c=np.eye(2), d=np.zeros((2, 2, 2)))
    base = prior(spec, "spm12")
    count = base.free.size
    half = rng.normal(size=(count, count))
    return Posterior(
        spec=spec,
        prior=base,
        mean=rng.normal(size=base.mean.size),
        covariance=half @ half.T / count / 64,
        free=base.free,
        noise_mean=rng.normal(size=2),
        noise_covariance=np.diag(rng.random(2)),
        autocorrelation=rng.random(2),
        autocorrelation_sd=rng.random(2),
        confound_effects=rng.normal(size=(3, 2)),
        prediction=rng.normal(size=(20, 2)),
        residual=rng.normal(size=(20, 2)),
        free_energy=-100.0,
        settled_free_energy=-101.0,
        status=Status.MAX_ITERATIONS,
        iterations=5,
        free_energy_history=-rng.random(5),
        data_scale=0.37,
        start=0,
        start_free_energies=np.array([-3.0, -2.0]),
        settings=Settings("spm12", starts=3, seed=4),
    )


def group() -> Any:
    """A group posterior of two parameters, two covariates and four participants."""
    from peb import Design, Estimate, Gaussian, GroupPosterior, GroupStatus

    rng = np.random.default_rng(7)
    names = ("A[amygdala<-vmPFC]", "B[amygdala<-vmPFC, faces]")
    labels = tuple(f"sub-{i}" for i in range(4))

    def density(size: int) -> Any:
        half = rng.normal(size=(size, size + 2))
        return Gaussian(rng.normal(size=size), half @ half.T)

    half = rng.normal(size=(1, 2, 4))
    return GroupPosterior(
        name="group",
        parameters=names,
        fields=("A", "B"),
        first_level=names,
        design=Design(labels, ("mean", "age"), np.column_stack([np.ones(4), [-1.5, -0.5, 0.25, 1.75]]), {"age": 40.1}),
        within=np.eye(2),
        prior=density(4),
        posterior=density(4),
        components=half @ half.transpose(0, 2, 1),
        component_names=("all",),
        noise_prior=density(1),
        noise=density(1),
        between=density(2).covariance,
        free_energy=-12.0,
        participants=tuple(
            Estimate(participant, names, ("A", "B"), density(2), density(2), -1.0) for participant in labels
        ),
        status=GroupStatus.CONVERGED,
        iterations=17,
        compat="none",
    )


def extraction() -> Any:
    """A run after its first level, of two regions and 20 scans."""
    from pipeline.images import Extraction

    rng = np.random.default_rng(5)
    scans, regions = 20, 2
    series = rng.normal(size=(scans, regions))
    return Extraction(
        participant="sub-01",
        session="ses-1",
        task="faces",
        label="sub-01_ses-1_task-faces",
        regions=("vmPFC", "amygdala"),
        series=series,
        means=series + 1,
        explained=np.full(regions, 0.8),
        voxels=np.full(regions, 30),
        sizes=np.full(regions, 33),
        sources=("a sphere", "a sphere"),
        coverage=np.ones(regions),
        centres=rng.normal(size=(regions, 3)),
        confounds=rng.normal(size=(scans, 2)),
        confound_names=("constant", "motion"),
        inputs=rng.random((scans * BINS, 1)),
        input_names=("faces",),
        conditions=rng.random((scans * BINS, 1)),
        condition_names=("faces",),
        bin_width=2.0 / BINS,
        repetition_time=2.0,
        echo_time=0.03,
        delays=1.0,
        design=rng.normal(size=(scans, 2)),
        design_names=("faces", "constant"),
        contrasts=("faces",),
        responses=rng.normal(size=(1, regions)),
        distances=rng.normal(size=(1, regions)),
        distance_names=("categories",),
        framewise_displacement=np.concatenate([[np.nan], rng.random(scans - 1)]),
        censored=np.array([3]),
        autocorrelation=0.2,
        notes=("a note",),
    )


def features(folder: Path) -> tuple[bytes, bytes]:
    """The table of measures and its sidecar."""
    from pipeline.measures import FeatureColumn, FeatureTable, Measure, write_features

    measure = Measure("response_faces_vmPFC", "response", "faces", "percent", "A response.", "vmPFC", "", "faces")
    columns = (
        FeatureColumn(measure.name, "measure", "percent", "A response.", measure),
        FeatureColumn("motion_faces", "motion", "mm", "Mean displacement."),
        FeatureColumn("caps", "outcome", "points", "A score."),
    )
    values = np.arange(12.0).reshape(4, 3)
    values[1, 0] = np.nan
    table = FeatureTable(
        ("sub-01", "sub-01", "sub-02", "sub-02"),
        ("ses-1", "ses-2") * 2,
        ("drug", "drug", "placebo", "placebo"),
        "arm",
        True,
        ("drug", "placebo"),
        ("ses-1", "ses-2"),
        columns,
        values,
        ("a remark",),
        {"Made": "by the fuzzer"},
    )
    table_path, sidecar = write_features(table, folder / "features.tsv")
    return table_path.read_bytes(), sidecar.read_bytes()


def confounds() -> str:
    """fMRIPrep's table of 20 scans."""
    motion = [f"{kind}_{axis}" for kind in ("trans", "rot") for axis in "xyz"]
    rng = np.random.default_rng(2)
    lines = ["\t".join([*motion, "framewise_displacement", "non_steady_state_outlier00"])]
    for scan in range(20):
        displacement = "n/a" if scan == 0 else f"{rng.random():.4f}"
        lines.append("\t".join([*(f"{value:.6f}" for value in rng.normal(size=6)), displacement, str(int(scan == 0))]))
    return "\n".join(lines) + "\n"


def run_of(table: Path) -> Any:
    """A run whose confounds lie in a table, beside an image that is named but not read."""
    from pipeline.bids import ImageRun

    head = table.name.removesuffix("_desc-confounds_timeseries.tsv")
    bold = table.with_name(f"{head}_space-MNI152NLin2009cAsym_desc-preproc_bold.nii.gz")
    return ImageRun(
        participant="sub-01",
        session="ses-1",
        task="faces",
        run=None,
        bold=bold,
        brain_mask=bold,
        confounds=table,
        events=None,
        sidecars=(),
        repetition_time=2.0,
        echo_time=None,
        reference=0.5,
        scans=20,
        shape=SHAPE,
        affine=tuple(map(tuple, AFFINE.tolist())),
    )


def study() -> Any:
    """The study of `STUDY`, checked."""
    import tomllib

    from pipeline.study import Study

    content: Mapping[str, Any] = tomllib.loads(STUDY)
    return Study.model_validate(content)


def nifti(values: np.ndarray, slope: float = 1.0) -> bytes:
    """A NIfTI-1 image in mm and s."""
    import nibabel

    make: Any = nibabel.Nifti1Image  # nibabel's constructors have no types
    image = make(values, AFFINE)
    image.header.set_xyzt_units("mm", "sec")
    if values.ndim == 4:
        image.header.set_zooms((3.0, 3.0, 3.0, 2.0))
    content = bytearray(image.to_bytes())
    content[112:116] = np.float32(slope).tobytes()  # scl_slope, which nibabel sets by itself
    return bytes(content)
