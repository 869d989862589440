"""Images → arrays: regions on a run's grid, design, first-level GLM, eigenvariates, microtime inputs."""

from ._check_regions import RegionExtent, check_regions, region_extents, region_remarks
from ._design_matrix import RunDesign, cosine_drifts, run_design
from ._extraction import EXTRACTION_FORMAT, Extraction, ExtractionFileError, read_extraction, write_extraction
from ._first_level import extract
from ._grid import ExtractionError, Grid, RegionError, grid_of, grids_of
from ._region_masks import files_of, region_files, regions_on
from ._region_series import Eigenvariate, eigenvariate, whitener
from ._run_outputs import extract_run, map_paths, series_path, sidecar_path
from ._run_units import RunScale, run_scale
from ._task_regressors import BINS, boxcars, sampled_bin, spm_kernel

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
    "RunDesign",
    "RunScale",
    "boxcars",
    "check_regions",
    "cosine_drifts",
    "eigenvariate",
    "extract",
    "extract_run",
    "files_of",
    "grid_of",
    "grids_of",
    "map_paths",
    "read_extraction",
    "region_extents",
    "region_files",
    "region_remarks",
    "regions_on",
    "run_design",
    "run_scale",
    "sampled_bin",
    "series_path",
    "sidecar_path",
    "spm_kernel",
    "whitener",
    "write_extraction",
]
