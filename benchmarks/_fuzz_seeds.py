"""Good files of every format that effconn reads, made here, and what reads each of them."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from . import _fuzz_models as models
from . import _fuzz_texts as texts

FORMATS = ("mat", "netcdf", "nifti", "tsv", "json", "toml")


class Refused(Exception):
    """A line that a reader of many files gives of one."""


@dataclass(frozen=True)
class Seed:
    """A good file and its reader.

    Fields:
        format: one of `FORMATS`.
        name: of the file.
        content: its bytes.
        read: reads it, as a command would, in the folder where it and its companions lie.
        beside: other files that belong to it, by name.
    """

    format: str
    name: str
    content: bytes
    read: Callable[[Path], Any]
    beside: dict[str, bytes] = field(default_factory=dict)


def make_seeds(folder: Path, formats: tuple[str, ...] = FORMATS) -> list[Seed]:
    """Seeds of some formats; `folder` is for what has to be written to be read back."""
    makers = {"mat": _mat, "netcdf": _netcdf, "nifti": _nifti, "tsv": _tsv, "json": _json, "toml": _toml}
    folder.mkdir(parents=True, exist_ok=True)
    return [seed for name in formats for seed in makers[name](folder)]


def _refuse(lines: Sequence[str]) -> None:
    if lines:
        raise Refused(lines[0])


def _written(folder: Path, name: str, write: Callable[[Path], Any]) -> bytes:
    path = folder / name
    write(path)
    return path.read_bytes()


def _mat(folder: Path) -> list[Seed]:
    import scipy.io

    from pipeline.group._design_table import read_design
    from pipeline.group._estimates import read_estimates
    from pipeline.group._model_space import read_model_space
    from pipeline.inversion import read_inputs
    from pipeline.spm import read_vois, write_peb
    from pipeline.spm._peb_read import read_group_results

    from ._mat73_file import mat73

    def dcm(path: Path) -> None:
        found, lines = read_inputs([path])
        _refuse(lines)
        if any(result.estimate is not None for result in found):
            _refuse(read_estimates([path])[1])

    plain, estimated = models.dcm_struct(), models.estimated_struct()
    space = models.cells(*({key: plain[key] for key in "abcd"} | {"name": f"m{i}"} for i in range(2)))
    design = {"X": np.column_stack([np.ones(4), [1.0, -1, 1, -1]]), "labels": models.cells("mean", "arm")}

    def save(variables: dict[str, Any], compress: bool) -> Callable[[Path], None]:
        return lambda path: scipy.io.savemat(path, variables, do_compression=compress, long_field_names=True)

    def written(name: str, variables: dict[str, Any], compress: bool = True) -> bytes:
        content = _written(folder, name, save(variables, compress))
        return b"MATLAB 5.0 MAT-file, made for the fuzzer".ljust(116) + content[116:]  # without the time

    def voi(path: Path) -> None:
        read_vois([path], path.with_name("SPM.mat"))

    def spm(path: Path) -> None:
        read_vois([path.with_name("VOI_x_1.mat")], path)

    region, first_level = written("j.mat", {"xY": models.voi_struct()}), written("k.mat", {"SPM": models.spm_struct()})
    two = models.cells(estimated | {"name": "sub-01"}, estimated | {"name": "sub-02"})
    return [
        Seed("mat", "DCM_plain.mat", written("a.mat", {"DCM": plain}, compress=False), dcm),
        Seed("mat", "DCM_sub-01.mat", written("b.mat", {"DCM": estimated}), dcm),
        Seed("mat", "DCM_flat.mat", written("c.mat", {"DCM": estimated}, compress=False), dcm),
        Seed("mat", "DCM_v73.mat", mat73({"DCM": models.full_struct()}), dcm),
        Seed("mat", "GCM_two.mat", written("e.mat", {"GCM": two}), dcm),
        Seed("mat", "space.mat", written("f.mat", {"GCM": space}), read_model_space),
        Seed(
            "mat",
            "X4.mat",
            _written(folder, "i.mat", lambda path: scipy.io.savemat(path, {"X": design["X"]}, format="4")),
            lambda path: read_design(path, ["a", "b", "c", "d"], by_order=True),
        ),
        Seed(
            "mat",
            "X.mat",
            written("g.mat", design, compress=False),
            lambda path: read_design(path, ["a", "b", "c", "d"], by_order=True),
        ),
        Seed("mat", "VOI_x_1.mat", region, voi, {"SPM.mat": first_level}),
        Seed("mat", "SPM.mat", first_level, spm, {"VOI_x_1.mat": region}),
        Seed(
            "mat",
            "PEB_x.mat",
            _written(folder, "h.mat", lambda path: write_peb(path, models.group())),
            read_group_results,
        ),
    ]


def _netcdf(folder: Path) -> list[Seed]:
    from pipeline.group._estimates import read_estimates
    from pipeline.images import read_extraction, write_extraction
    from pipeline.results import open_dataset, posterior_dataset, read_group, write_dataset, write_group

    from ._fuzz_hdf5 import unsealed

    def result(path: Path) -> None:
        _, lines = read_estimates([path])
        _refuse(lines)

    dataset = posterior_dataset(models.posterior(), name="sub-01", attrs={"effconn": "0"})
    one = _written(folder, "a.nc", lambda path: write_dataset(path, dataset))
    group = _written(folder, "b.nc", lambda path: write_group(path, models.group(), attrs={}))
    contents: dict[str, tuple[bytes, Callable[[Path], Any]]] = {
        "sub-01.nc": (one, result),
        "sub-02.nc": (one, open_dataset),
        "group.nc": (group, read_group),
        "group-2.nc": (group, open_dataset),
        "series.nc": (
            _written(folder, "c.nc", lambda path: write_extraction(path, models.extraction())),
            read_extraction,
        ),
    }
    sealed = [Seed("netcdf", name, content, read) for name, (content, read) in contents.items()]
    older = [Seed("netcdf", f"older-{name}", unsealed(content), read) for name, (content, read) in contents.items()]
    return [*sealed, *older]


def _nifti(folder: Path) -> list[Seed]:
    from pipeline.bids._readable_files import check_filled, read_header
    from pipeline.images._atlas import Atlas, mask_of_labels
    from pipeline.images._grid import Grid, grid_of, open_image, read_volumes
    from pipeline.images._voxels import read_mask, read_voxels

    rng = np.random.default_rng(0)
    grid = Grid(models.SHAPE, tuple(map(tuple, models.AFFINE.tolist())))
    inside = np.ones(models.SHAPE, dtype=bool)

    def bold(path: Path) -> None:
        header = read_header(path)
        if len(header.shape) == 4 and header.shape[:3] == models.SHAPE:
            read_voxels(path, inside, "sub-01")

    def mask(path: Path) -> None:
        header = read_header(path)
        check_filled(path, header)
        read_mask(path, grid, "sub-01")

    def unchecked(path: Path) -> None:
        """As files that no header was read of before: masks, atlases and maps that a study names."""
        image = open_image(path, "mask")
        grid_of(image)
        read_volumes(image, f"mask {path}")

    def atlas(path: Path) -> None:
        mask_of_labels(Atlas(path, None), [1, 2], None, grid)

    series = 1000 + rng.normal(size=(*models.SHAPE, 6))
    labels = rng.integers(0, 3, size=models.SHAPE)
    flat = models.nifti(series.astype(np.float32))
    scaled = models.nifti((series * 8).astype(np.int16), slope=0.125)
    brain, regions = models.nifti((labels > 0).astype(np.uint8)), models.nifti(labels.astype(np.int16))
    packed = {name: gzip.compress(content, mtime=0) for name, content in (("brain", brain), ("scaled", scaled))}
    return [
        Seed("nifti", "bold.nii", flat, bold),
        Seed("nifti", "bold.nii.gz", packed["scaled"], bold),
        Seed("nifti", "mask.nii", brain, mask),
        Seed("nifti", "mask.nii.gz", packed["brain"], mask),
        Seed("nifti", "atlas.nii", regions, atlas),
        Seed("nifti", "map.nii", scaled, unchecked),
        Seed("nifti", "map.nii.gz", packed["scaled"], unchecked),
    ]


def _tsv(folder: Path) -> list[Seed]:
    from pipeline.bids import read_confounds, read_events
    from pipeline.group._design_table import match_design, read_design
    from pipeline.group._model_space import read_model_space
    from pipeline.images._atlas import read_labels
    from pipeline.measures._table_files import read_features
    from pipeline.predict import PredictOptions, read_model_data
    from pipeline.tables import read_table

    names = ["sub-01", "sub-02", "sub-03", "sub-04"]

    def events(path: Path) -> None:
        found = read_events(path)
        found.of_trial_types(found.trial_types)

    def design(path: Path) -> None:
        match_design(path, names)
        read_design(path, names)

    def confounds(path: Path) -> None:
        run, study = models.run_of(path), models.study()
        read_confounds(run, study)

    def people(path: Path) -> None:
        read_model_data(PredictOptions(path, "score", formula="age + m1"))

    features, beside = models.features(folder)
    return [
        Seed("tsv", "events.tsv", texts.EVENTS.encode(), events),
        Seed("tsv", "sub-01_task-faces_desc-confounds_timeseries.tsv", models.confounds().encode(), confounds),
        Seed("tsv", "participants.tsv", texts.PARTICIPANTS.encode(), design),
        Seed("tsv", "people.csv", texts.PEOPLE.replace("\t", ",").encode(), people),
        Seed("tsv", "german.csv", texts.PEOPLE.replace(".", ",").replace("\t", ";").encode(), read_table),
        Seed("tsv", "features.tsv", features, read_features, {"features.json": beside}),
        Seed("tsv", "labels.tsv", b"index\tname\n1\tvmPFC\n2\tamygdala\n", read_labels),
        Seed("tsv", "models.tsv", texts.SPACE.encode(), read_model_space),
    ]


def _json(folder: Path) -> list[Seed]:
    from pipeline.bids._timing import TimingNeeds, read_timing
    from pipeline.execution._unit import Unit
    from pipeline.execution._unit_records import RECORD_FORMAT, read_record
    from pipeline.measures._table_files import read_features
    from pipeline.page._stored_report import read_report
    from pipeline.predict._sidecar import read_table_sidecar
    from pipeline.statistics._measure_changes import _sidecar
    from pipeline.tables import read_table

    features, beside = models.features(folder)
    table = texts.PEOPLE.encode()
    roles = {"score": {"Role": "outcome", "Units": "points"}, "m1": {"Role": "measure"}, "arm": {"Levels": ["a", "b"]}}
    stamp = {"size": 1, "changed": 2, "sha256": "0" * 64}
    record = {"form": RECORD_FORMAT, "recipe": "0" * 64, "inputs": [stamp], "outputs": {"x.nc": stamp}}
    unit = Unit("extract", "unit", {}, (), None)

    def read_unit(path: Path) -> None:
        place = path.parent / "extract" / "unit.json"
        place.parent.mkdir(exist_ok=True)
        place.write_bytes(path.read_bytes())
        read_record(path.parent, unit)

    return [
        Seed("json", "delivery.json", _text(texts.DELIVERY), lambda path: _shown(read_report(path.parent))),
        Seed(
            "json",
            "bold.json",
            _text(texts.TIMING),
            lambda path: read_timing([path], [], 2.0, TimingNeeds("faces", echo_time=True)),
        ),
        Seed(
            "json",
            "people.json",
            _text(roles),
            lambda path: read_table_sidecar(read_table(path.with_suffix(".tsv"))),
            {"people.tsv": table},
        ),
        Seed(
            "json",
            "features.json",
            beside,
            lambda path: read_features(path.with_suffix(".tsv")),
            {"features.tsv": features},
        ),
        Seed("json", "measures.json", beside, lambda path: _sidecar(path.with_suffix(".tsv"))),
        Seed("json", "unit.json", _text(record), read_unit),
    ]


def _shown(report: Any) -> None:
    """As a report shows a stored analysis."""
    report.draw()
    for records in report.records:
        for row in records.rows:
            [column.text(row[column.key]) for column in records.columns]


def _text(content: Any) -> bytes:
    return json.dumps(content, indent=1).encode()


def _toml(folder: Path) -> list[Seed]:
    from pipeline.study import read_study

    return [Seed("toml", "study.toml", texts.STUDY.encode(), read_study)]
