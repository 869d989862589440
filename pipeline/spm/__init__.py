"""SPM's files in and out: DCM, PEB, BMA, VOI."""

from ._dcm_estimate import SpmEstimate
from ._dcm_file import DcmFile, DcmFileError, model_name, read_dcm, read_dcms
from ._dcm_model import read_mask
from ._dcm_run import EchoTime
from ._dcm_write import write_dcm, written_by_us
from ._density import spm_density
from ._error import SpmFileError
from ._names import canonical, spm_names, to_spm, told_apart
from ._peb_write import write_bma, write_peb
from ._results import number

__all__ = [
    "DcmFile",
    "DcmFileError",
    "EchoTime",
    "SpmEstimate",
    "SpmFileError",
    "canonical",
    "model_name",
    "number",
    "read_dcm",
    "read_dcms",
    "read_mask",
    "spm_density",
    "spm_names",
    "to_spm",
    "told_apart",
    "write_bma",
    "write_dcm",
    "write_peb",
    "written_by_us",
]
