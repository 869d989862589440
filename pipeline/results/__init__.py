"""Results on disk and in memory: NetCDF, xarray, ArviZ, and the names of their parameters."""

from ._connection_names import HERTZ, INPUT_UNIT, LOG_SCALE, Connection, Kind, connections, per_covariate
from ._dataset import to_dataset, units
from ._group_store import KIND, write_group
from ._interval import LEVEL, Z
from ._run_data import RunData
from ._store import ResultFileError, made_from, read_content, read_result, write_result

__all__ = [
    "HERTZ",
    "INPUT_UNIT",
    "KIND",
    "LEVEL",
    "LOG_SCALE",
    "Connection",
    "Kind",
    "ResultFileError",
    "RunData",
    "Z",
    "connections",
    "made_from",
    "per_covariate",
    "read_content",
    "read_result",
    "to_dataset",
    "units",
    "write_group",
    "write_result",
]
