"""Content of unknown origin, read in a child process that it alone can end."""

from ._netcdf_content import SIGNATURE, NetcdfContent, content_from_reply, netcdf_request, parse_netcdf
from ._plain_bytes import from_bytes, to_bytes
from ._process import GuardedError, GuardedProcess

__all__ = [
    "SIGNATURE",
    "GuardedError",
    "GuardedProcess",
    "NetcdfContent",
    "content_from_reply",
    "from_bytes",
    "netcdf_request",
    "parse_netcdf",
    "to_bytes",
]
