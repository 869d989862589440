"""How results of `dcm` and `peb` show themselves: pandas tables, HTML for a notebook, and one-line representations.

This is the only place of the two packages that knows pandas, which takes half a second to import: it is loaded with the
first table that somebody asks for.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import fields, is_dataclass
from html import escape
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Float

from ._normal_mixture import NormalMixture

if TYPE_CHECKING:
    from pandas import DataFrame as DataFrame
else:
    DataFrame = Any

MOST_ROWS = 12  # of a table in a notebook
_ARROW_TO_RIGHT = re.compile(r"->|→")
_CONNECTION = re.compile(r"^([^\[]*\[)(.+)<-([^,]+)(,.+)?(?=\]$)")
LONGEST_VALUE, LONGEST = 40, 280  # characters of one field, and of a representation


def data_frame(columns: Mapping[str, Any]) -> DataFrame:
    """A table of columns of one length."""
    import pandas

    return pandas.DataFrame(dict(columns))


def density_columns(density: NormalMixture, level: float) -> dict[str, Any]:
    """Mean, sd, the central interval that holds `level`, and P(> 0) of every quantity, as columns of a table."""
    interval = density.interval(level).reshape(-1, 2)
    return {
        "mean": density.mean.ravel(),
        "sd": density.sd.ravel(),
        "lower": interval[:, 0],
        "upper": interval[:, 1],
        "probability": density.above_zero.ravel(),
    }


def draw_columns(
    draws: Float[np.ndarray, "chain draw param"],
    level: float,
    r_hat: Float[np.ndarray, "param"],
    sample_size: Float[np.ndarray, "param"],
) -> dict[str, Any]:
    """The same of draws, with what tells whether the chains agree."""
    lower, upper = np.quantile(draws, [(1 - level) / 2, (1 + level) / 2], axis=(0, 1))
    return {
        "mean": draws.mean(axis=(0, 1)),
        "sd": draws.std(axis=(0, 1), ddof=1),
        "lower": lower,
        "upper": upper,
        "probability": (draws > 0).mean(axis=(0, 1)),
        "r_hat": r_hat,
        "sample_size": sample_size,
    }


def html_table(title: str, table: DataFrame) -> str:
    """A title and the first rows of a table for a notebook, everything escaped."""
    rows: str = table.head(MOST_ROWS).to_html(index=False, border=0, float_format="{:.3f}".format)
    more = f"<p>… and {len(table) - MOST_ROWS} more rows</p>" if len(table) > MOST_ROWS else ""
    return f"<div><p><b>{escape(title)}</b></p>{rows}{more}</div>"


def short_repr(shown: object) -> str:
    """A representation of a data class on one line, in which an array is its type and shape."""
    assert is_dataclass(shown)
    values = ((field.name, getattr(shown, field.name)) for field in fields(shown) if field.repr)
    text = ", ".join(f"{name}={_short(value)}" for name, value in values)
    text = text if len(text) <= LONGEST else f"{text[:LONGEST]}…"
    return f"{type(shown).__name__}({text})"


def _short(value: object) -> str:
    if isinstance(value, np.ndarray):
        return f"{value.dtype}{list(value.shape)}"
    if is_dataclass(value):
        return f"{type(value).__name__}(…)"
    if isinstance(value, list | tuple | dict) and len(repr(value)) > LONGEST_VALUE:
        return f"{type(value).__name__} of {len(value)}"
    text = repr(value)
    return text if len(text) <= LONGEST_VALUE else f"{text[:LONGEST_VALUE]}…"


def unknown_name(name: object, known: Collection[str], what: str) -> KeyError:
    """The error for a name that a result does not have; it names the nearest ones."""
    near = difflib.get_close_matches(str(name), list(known), n=3, cutoff=0.4)
    others = f"; the nearest are {', '.join(near)}" if near else f"; there are {shortened(list(known))}"
    return KeyError(f"no {what} is called {name!r}{others}")


def find_name(name: object, names: Collection[str]) -> str | None:
    """Which of `names` is meant: the same, or the only one that differs in spaces or in its arrow, whichever way."""
    if isinstance(name, str) and name in names:
        return name
    alike = [other for other in names if _bare(other) == _bare(str(name))]
    if not alike and _ARROW_TO_RIGHT.search(str(name)):
        alike = [other for other in names if _turned(_bare(other)) == _bare(str(name).replace("→", "->"))]
    return alike[0] if len(alike) == 1 else None


def _turned(name: str) -> str:
    """``B[V5<-V1,task]`` as ``B[V1->V5,task]``."""
    return _CONNECTION.sub(r"\1\3->\2\4", name)


def _bare(name: str) -> str:
    return "".join(name.split()).replace("←", "<-")


def counted(number: int, noun: str) -> str:
    """A number of things in words: ``1 region``, ``2 regions``."""
    return f"{number} {noun}{'' if number == 1 else 's'}"


def shortened(names: Sequence[str], most: int = 6) -> str:
    """Names in a line, the first of them where there are many."""
    return ", ".join([*names[:most], *(["…"] if len(names) > most else [])])
