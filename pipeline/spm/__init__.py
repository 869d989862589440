"""SPM's files in and out: DCM, PEB, BMA, VOI."""

from ._dcm_estimate import SpmEstimate, spm_density
from ._dcm_file import DcmFile, DcmFileError, SpmFileError, model_name, read_dcm, read_dcms, read_models
from ._dcm_model import EchoTime, RunData, read_structure_mask
from ._dcm_write import write_dcm, written_by_us
from ._estimated_files import PosteriorFile, read_estimated
from ._peb_group import (
    canonical_spm_name,
    distinct_names,
    names_to_spm,
    read_bma,
    read_peb,
    spm_names,
    write_bma,
    write_peb,
)
from ._peb_read import PebFileError, SpmAverage
from ._posterior_file import RDCM, PosteriorOnly
from ._specify import sessions_of, specify_dcm, specify_from_vois
from ._voi import MissingVoiError, Voi, VoiFileError, read_voi, read_vois

__all__ = [
    "RDCM",
    "DcmFile",
    "DcmFileError",
    "EchoTime",
    "MissingVoiError",
    "PebFileError",
    "PosteriorFile",
    "PosteriorOnly",
    "RunData",
    "SpmAverage",
    "SpmEstimate",
    "SpmFileError",
    "Voi",
    "VoiFileError",
    "canonical_spm_name",
    "distinct_names",
    "model_name",
    "names_to_spm",
    "read_bma",
    "read_dcm",
    "read_dcms",
    "read_estimated",
    "read_models",
    "read_peb",
    "read_structure_mask",
    "read_voi",
    "read_vois",
    "sessions_of",
    "specify_dcm",
    "specify_from_vois",
    "spm_density",
    "spm_names",
    "write_bma",
    "write_dcm",
    "write_peb",
    "written_by_us",
]
