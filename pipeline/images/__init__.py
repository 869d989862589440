"""Images → arrays: regions on a run's grid, design, first-level GLM, eigenvariates, microtime inputs."""

from ._check_regions import RegionExtent, check_regions, region_extents, region_remarks
from ._design import cosine_drifts
from ._draw import files_of, region_files, regions_on
from ._eigenvariate import Eigenvariate, eigenvariate
from ._error import ExtractionError, RegionError
from ._extract_run import extract_run
from ._extraction import Extraction
from ._extraction_file import FORMAT, ExtractionFileError, read_extraction, write_extraction
from ._extraction_file import FORMAT as EXTRACTION_FORMAT
from ._first_level import extract
from ._grid import Grid, grid_of, grids_of
from ._kernel import BINS, spm_kernel
from ._microtime import boxcars, sampled_bin
from ._paths import map_paths, series_path, sidecar_path
from ._run_design import RunDesign, run_design
from ._run_scale import RunScale, run_scale
from ._whiten import whitener

__all__ = [
    "BINS",
    "EXTRACTION_FORMAT",
    "FORMAT",
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
