"""Directed brain connectivity from fMRI, and what treatment did to it: DCM, PEB, and a predictive model beside them.

>>> import effconn
>>> effconn.start_jax()
>>> subject = effconn.subject_from_series(series, events, 2.0, b={"faces": ["V5 <- V1"]}, c={"faces": ["V1"]})
>>> posterior = effconn.invert(subject)
>>> posterior.summary()
>>> estimates = effconn.peb.from_dcm({"sub-01": posterior, ...}, ["B"])
>>> group = effconn.peb.fit(estimates, effconn.peb.Design.from_frame(table))

SPM's files are read by `read_dcm` and `read_peb`, results kept by `save_result` and `open_result`, drawn by the
functions whose names begin with ``plot_``, and given to ArviZ by `to_arviz`. ``dir(effconn)`` lists every name.

`__init__.pyi` beside this file is the list, and the only one: each of its lines says where a name lives, so that
``effconn.invert`` is ``dcm.invert`` and no name has a second identity. Importing `effconn` loads nothing else.
"""

from __future__ import annotations

import ast
import difflib
from functools import cache
from importlib import import_module, metadata
from pathlib import Path
from typing import Any


@cache
def _homes() -> dict[str, tuple[str, str | None]]:
    """Public name → (module, name there); None for a module itself."""
    listing = ast.parse(Path(__file__).with_suffix(".pyi").read_text(encoding="utf-8"))
    homes: dict[str, tuple[str, str | None]] = {}
    for line in listing.body:
        if isinstance(line, ast.ImportFrom) and line.module != "__future__":
            homes |= {alias.asname or alias.name: (str(line.module), alias.name) for alias in line.names}
        elif isinstance(line, ast.Import):
            homes |= {alias.asname or alias.name: (alias.name, None) for alias in line.names}
    return homes


__all__ = sorted(_homes())


def __getattr__(name: str) -> Any:
    if name == "__version__":
        return metadata.version("effconn")
    try:
        module, attribute = _homes()[name]
    except KeyError:
        near = difflib.get_close_matches(name, __all__, n=1)
        meant = f"; did you mean {near[0]!r}?" if near else ""
        raise AttributeError(f"module 'effconn' has no public name {name!r}{meant} (dir(effconn) lists them)") from None
    found = import_module(module)
    value = found if attribute is None else getattr(found, attribute)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
