"""Columns of a table as the formula of a design takes them."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any

from ..common import natural_key

if TYPE_CHECKING:
    from pandas import DataFrame


def formula_frame(columns: Mapping[str, Any], named: Collection[str]) -> DataFrame:
    """A data frame in which columns that are `named` hold levels in natural order, even where these are numbers.

    What a study is checked with and what its groups are fitted with are both made here, so that they are the same.
    """
    import pandas as pd  # takes half a second, which commands without a formula need not wait for

    frame = pd.DataFrame(dict(columns))
    for name in named:
        levels = sorted(set(frame[name].tolist()), key=natural_key)
        frame[name] = pd.Categorical(columns[name], categories=levels)
    return frame
