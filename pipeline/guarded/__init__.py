"""Content of unknown origin, read in a child process that it alone can end."""

from ._netcdf_content import SIGNATURE, Content, content_of, parse_content, unknown
from ._plain_bytes import from_bytes, to_bytes
from ._process import GuardedError, GuardedProcess

__all__ = [
    "SIGNATURE",
    "Content",
    "GuardedError",
    "GuardedProcess",
    "content_of",
    "from_bytes",
    "parse_content",
    "to_bytes",
    "unknown",
]
