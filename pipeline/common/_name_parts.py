"""Where a long name may go on in the next line."""

from __future__ import annotations

import re

# After joints, and before an arrow or what is in brackets; never amid a word or a number.
_JOINT = re.compile(r"(?<=[_/|←→×])(?=[^\s_])|(?<=[,:;])(?=[^\W\d])|(?<=\w)(?=[(\[←→])")


def name_parts(name: str) -> list[str]:
    """The parts of a name, which are the name when put together: ``gppi_faces`` is ``gppi_`` and ``faces``."""
    return [part for part in _JOINT.split(name) if part]
