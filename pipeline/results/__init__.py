"""Results on disk and in memory: NetCDF, xarray, ArviZ, and the names of their parameters."""

from ._arviz import to_arviz
from ._connection_names import HERTZ, INPUT_UNIT, LOG_SCALE, Connection, Kind, connections, per_covariate
from ._dataset import LEVEL, Z, posterior_dataset, to_posterior, units
from ._given_posteriors import (
    POSTERIOR_TABLE,
    GivenEstimate,
    read_posterior_arrays,
    read_posterior_table,
    save_estimates,
)
from ._group_dataset import group_dataset
from ._netcdf_file import ResultFileError, build_result, open_dataset, read_content, write_dataset
from ._reduced_models_file import read_reduced_models, reduced_models_path, write_reduced_models
from ._result_files import (
    GROUP_KIND,
    REDUCED_KIND,
    GroupFileError,
    open_result,
    read_group,
    read_posterior,
    save_result,
    to_dataset,
    write_group,
)

__all__ = [
    "GROUP_KIND",
    "HERTZ",
    "INPUT_UNIT",
    "LEVEL",
    "LOG_SCALE",
    "POSTERIOR_TABLE",
    "REDUCED_KIND",
    "Connection",
    "GivenEstimate",
    "GroupFileError",
    "Kind",
    "ResultFileError",
    "Z",
    "build_result",
    "connections",
    "group_dataset",
    "open_dataset",
    "open_result",
    "per_covariate",
    "posterior_dataset",
    "read_content",
    "read_group",
    "read_posterior",
    "read_posterior_arrays",
    "read_posterior_table",
    "read_reduced_models",
    "reduced_models_path",
    "save_estimates",
    "save_result",
    "to_arviz",
    "to_dataset",
    "to_posterior",
    "units",
    "write_dataset",
    "write_group",
    "write_reduced_models",
]
