"""What the first level takes out of one run: region series for the DCM, and everything the report shows of it.

On disk it is one NetCDF file with named dimensions and units, exact to the last bit.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from jaxtyping import Float, Int

from dcm import Data

from ..bids import visit_label
from ..results import ResultFileError, build_result, read_content, write_dataset
from ._region_series import whitener

EXTRACTION_FORMAT = "effconn extraction 4"
_ARRAYS: dict[str, tuple[tuple[str, ...], str, str]] = {  # dimensions, unit, and what it is
    "series": (("scan", "region"), "percent of the run's mean", "first eigenvariate, whitened and adjusted"),
    "means": (("scan", "region"), "percent of the run's mean", "mean over the voxels, neither whitened nor adjusted"),
    "explained": (("region",), "1", "share of the voxels' variance in the eigenvariate"),
    "voxels": (("region",), "1", "voxels used"),
    "sizes": (("region",), "1", "voxels of the region on the run's grid"),
    "coverage": (("region",), "1", "share of the region inside the brain mask"),
    "centres": (("region", "axis"), "mm", "centre of the voxels used"),
    "confounds": (("scan", "confound"), "1", "confounds X0, whitened"),
    "inputs": (("bin", "input"), "1", "experimental inputs"),
    "conditions": (("bin", "condition"), "1", "conditions and modulators before convolution"),
    "design": (("scan", "column"), "1", "design matrix before whitening"),
    "responses": (("contrast", "region"), "percent of the run's mean", "mean effect over the region's voxels"),
    "distances": (("distance", "region"), "1 per voxel", "crossnobis distance between patterns"),
    "framewise_displacement": (("scan",), "mm", "framewise displacement, the first not known"),
    "censored": (("censored_scan",), "1", "scans with a regressor of their own, from 0"),
}
_NAMES = {
    "region": "regions",
    "confound": "confound_names",
    "input": "input_names",
    "column": "design_names",
    "contrast": "contrasts",
    "condition": "condition_names",
    "distance": "distance_names",
    "note": "notes",
}
_WHOLE = ("voxels", "sizes", "censored")
_NUMBERS = ("bin_width", "repetition_time", "delays", "autocorrelation")
_TEXTS = ("participant", "session", "task", "label")


@dataclass(frozen=True, eq=False)
class Extraction:
    """One run after its first level.

    Fields:
        participant, session, task, label: as in `bids.Run`.
        regions: names, in the order of the study.
        series: (scan, region) first eigenvariate of the adjusted voxels, in the units of the image over its mean × 100.
        means: (scan, region) mean of the region's voxels, percent of the run's mean, neither whitened nor adjusted.
        explained: (region,) share of the voxels' variance that the eigenvariate holds, 0 … 1.
        voxels: (region,) number of voxels used.
        sizes: (region,) number of voxels that the region has on the run's grid.
        sources: (region,) what each region was drawn from, in which unit and above which value, in words.
        coverage: (region,) share of the region that lies inside the run's brain mask.
        centres: (region, 3) centre of the voxels used, mm.
        confounds: (scan, confound) X0: constant, nuisance and drift columns, whitened as the series.
        confound_names: of its columns.
        inputs: (bin, input) experimental inputs of the DCM; no columns where the task has none.
        input_names: of its columns.
        conditions: (bin, condition) every condition and modulator of the task before convolution, from the first scan
            on.
        condition_names: of its columns, which are the first of the design's.
        bin_width, repetition_time: s.
        echo_time: s; None where not known.
        delays: s into each scan at which it was sampled.
        design: (scan, column) design matrix before whitening.
        design_names: of its columns.
        contrasts: names.
        responses: (contrast, region) mean of the contrast's effect in each region, percent signal change.
        distances: (distance, region) crossnobis distance between patterns of two conditions; NaN where there is none.
        distance_names: of its rows.
        framewise_displacement: (scan,) mm; NaN in the first.
        censored: numbers of the scans that have a regressor of their own.
        autocorrelation: AR(1) coefficient that the voxels were whitened by; 0 where they were not.
        notes: a line for whatever should be known of the run.
    """

    participant: str
    session: str | None
    task: str
    label: str
    regions: tuple[str, ...]
    series: Float[np.ndarray, "scan region"]
    means: Float[np.ndarray, "scan region"]
    explained: Float[np.ndarray, "region"]
    voxels: Int[np.ndarray, "region"]
    sizes: Int[np.ndarray, "region"]
    sources: tuple[str, ...]
    coverage: Float[np.ndarray, "region"]
    centres: Float[np.ndarray, "region 3"]
    confounds: Float[np.ndarray, "scan confound"]
    confound_names: tuple[str, ...]
    inputs: Float[np.ndarray, "bin input"]
    input_names: tuple[str, ...]
    conditions: Float[np.ndarray, "bin condition"]
    condition_names: tuple[str, ...]
    bin_width: float
    repetition_time: float
    echo_time: float | None
    delays: float
    design: Float[np.ndarray, "scan column"]
    design_names: tuple[str, ...]
    contrasts: tuple[str, ...]
    responses: Float[np.ndarray, "contrast region"]
    distances: Float[np.ndarray, "distance region"]
    distance_names: tuple[str, ...]
    framewise_displacement: Float[np.ndarray, "scan"]
    censored: Int[np.ndarray, "censored"]
    autocorrelation: float
    notes: tuple[str, ...]

    @property
    def ranges(self) -> Float[np.ndarray, "region 2"]:
        """Least and greatest value of each region's series, percent of the run's mean."""
        return np.stack([self.series.min(axis=0), self.series.max(axis=0)], axis=-1)

    @property
    def visit(self) -> str:
        """Such as ``sub-01_ses-1``, or ``sub-01`` where there are no sessions."""
        return visit_label(self.participant, self.session)

    def dcm_data(
        self,
        regions: tuple[str, ...],
        echo_time: float,
        *,
        inputs: tuple[str, ...] | None = None,
        whitened: bool = False,
    ) -> Data:
        """Series of some regions and the inputs, as a DCM takes them.

        Arguments:
            echo_time: s.
            inputs: of the model, in its order; None for all.
            whitened: leave series and confounds whitened, as SPM does, whose DCMs take noise for independent. W acts on
                the signal too, and the prediction is not multiplied by it: where ρ is 0.3, signals slower than the
                noise lose a quarter of their size, and driving inputs (C) with them. So a DCM that knows of serial
                correlations takes W⁻¹ of both, what was measured.
        """
        places = [self.regions.index(name) for name in regions]
        series, confounds = self.series[:, places], self.confounds
        if self.autocorrelation and not whitened:
            whiten = whitener(self.autocorrelation, len(series))
            series, confounds = np.linalg.solve(whiten, series), np.linalg.solve(whiten, confounds)
        columns = [self.input_names.index(name) for name in (self.input_names if inputs is None else inputs)]
        return Data(
            series, self.inputs[:, columns], self.bin_width, self.repetition_time, confounds, self.delays, echo_time
        )


class ExtractionFileError(ResultFileError):
    """An extraction that cannot be read: path, problem and remedy in one line."""

    remedy = "delete it and extract again"


def write_extraction(path: Path, extraction: Extraction) -> None:
    """Writes an extraction, whole or not at all; the same extraction gives the same bytes."""
    write_dataset(path, _dataset(extraction))


def read_extraction(path: str | Path) -> Extraction:
    """The extraction in a file, equal bit for bit to the one written.

    Raises `ExtractionFileError` where the file is absent, damaged or something else.
    """
    path = Path(path)
    values, attributes = read_content(path, EXTRACTION_FORMAT, ExtractionFileError)
    return build_result(path, lambda: _extraction(values, attributes), ExtractionFileError)


def _extraction(values: Mapping[str, np.ndarray], attributes: Mapping[str, Any]) -> Extraction:
    fields: dict[str, Any] = {key: values[key] for key in _ARRAYS}
    fields |= {field: tuple(map(str, values[key])) if key in values else () for key, field in _NAMES.items()}
    fields |= {key: str(attributes[key]) for key in _TEXTS}
    fields["session"] = fields["session"] or None
    fields |= {key: float(attributes[key]) for key in _NUMBERS}
    fields["sources"] = tuple(map(str, json.loads(str(attributes["sources"]))))
    echo_time = float(attributes["echo_time"])
    return Extraction(**fields, echo_time=echo_time if echo_time > 0 else None)


def _dataset(extraction: Extraction) -> xr.Dataset:
    variables = {
        key: (dimensions, _array(extraction, key), {"units": unit, "long_name": what})
        for key, (dimensions, unit, what) in _ARRAYS.items()
    }
    names = {key: np.array(getattr(extraction, field), dtype=object) for key, field in _NAMES.items()}
    coordinates = {key: (key, labels) for key, labels in names.items() if labels.size}
    attributes: dict[str, str | float] = {"format": EXTRACTION_FORMAT}
    attributes |= {key: str(getattr(extraction, key) or "") for key in _TEXTS}
    attributes |= {key: float(getattr(extraction, key)) for key in _NUMBERS}
    attributes["sources"] = json.dumps(extraction.sources, ensure_ascii=False)
    attributes["echo_time"] = -1.0 if extraction.echo_time is None else float(extraction.echo_time)
    return xr.Dataset(variables, coordinates, attributes)


def _array(extraction: Extraction, key: str) -> np.ndarray:
    return np.asarray(getattr(extraction, key), dtype=np.int64 if key in _WHOLE else np.float64)
