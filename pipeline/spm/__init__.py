"""SPM's files in and out: DCM, PEB, BMA, VOI."""

from ._dcm_estimate import SpmEstimate, spm_density
from ._dcm_file import DcmFile, DcmFileError, SpmFileError, model_name, read_dcm, read_dcms, read_models
from ._dcm_model import read_mask
from ._dcm_run import EchoTime
from ._dcm_write import write_dcm, written_by_us
from ._names import canonical, spm_names, to_spm, told_apart
from ._peb_average import SpmAverage
from ._peb_file import PebFileError, read_bma, read_peb
from ._peb_write import write_bma, write_peb
from ._voi import VoiFileError, read_vois

__all__ = [
    "DcmFile",
    "DcmFileError",
    "EchoTime",
    "PebFileError",
    "SpmAverage",
    "SpmEstimate",
    "SpmFileError",
    "VoiFileError",
    "canonical",
    "model_name",
    "read_bma",
    "read_dcm",
    "read_dcms",
    "read_mask",
    "read_models",
    "read_peb",
    "read_vois",
    "spm_density",
    "spm_names",
    "to_spm",
    "told_apart",
    "write_bma",
    "write_dcm",
    "write_peb",
    "written_by_us",
]
