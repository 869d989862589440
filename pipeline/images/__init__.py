"""Images → arrays: regions on a run's grid, design, first-level GLM, eigenvariates, microtime inputs."""

from ._check_regions import RegionExtent, check_regions, region_extents, region_remarks
from ._design_matrix import cosine_drifts
from ._extraction import EXTRACTION_FORMAT, Extraction, ExtractionFileError, read_extraction, write_extraction
from ._first_level import fit_contrasts
from ._grid import ExtractionError, Grid, RegionError, grid_of, run_grids
from ._region_masks import region_files, region_source_files
from ._region_series import Eigenvariate, eigenvariate, remove_explained, whitener
from ._run_model import model_run, run_design
from ._run_outputs import extract_to_files, map_paths, series_path, sidecar_path
from ._run_scale import measure_run_scale
from ._task_regressors import (
    BINS,
    boxcars,
    convolve_and_sample,
    sampled_bin,
    spm_kernel,
)

__all__ = [
    "BINS",
    "EXTRACTION_FORMAT",
    "Eigenvariate",
    "Extraction",
    "ExtractionError",
    "ExtractionFileError",
    "Grid",
    "RegionError",
    "RegionExtent",
    "boxcars",
    "check_regions",
    "convolve_and_sample",
    "cosine_drifts",
    "eigenvariate",
    "extract_to_files",
    "fit_contrasts",
    "grid_of",
    "map_paths",
    "measure_run_scale",
    "model_run",
    "read_extraction",
    "region_extents",
    "region_files",
    "region_remarks",
    "region_source_files",
    "remove_explained",
    "run_design",
    "run_grids",
    "sampled_bin",
    "series_path",
    "sidecar_path",
    "spm_kernel",
    "whitener",
    "write_extraction",
]
