"""Settings as a recipe has them: a file by its name alone, as its content is an input and its folder may move."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import BaseModel

from ..study import Region, is_atlas_file


def recipe_of(part: BaseModel) -> Any:
    """A part of the configuration as JSON can hold it, without folders."""
    return _plain(part)


def _plain(value: Any) -> Any:
    if isinstance(value, Region) and value.atlas is not None and is_atlas_file(value.atlas):
        value = value.model_copy(update={"atlas": Path(value.atlas).name})
    if isinstance(value, BaseModel):
        return {name: _plain(getattr(value, name)) for name in type(value).model_fields}
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, tuple | list):
        return [_plain(item) for item in value]
    return value.name if isinstance(value, Path) else value
