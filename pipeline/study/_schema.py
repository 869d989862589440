"""The configuration's JSON schema, by which editors complete keys, show what they mean and mark mistakes."""

from __future__ import annotations

from typing import Any

from ._study import Study

DIALECT = "https://json-schema.org/draft/2020-12/schema"
SCHEMA_FILE = "study.schema.json"


def study_schema() -> dict[str, Any]:
    """The schema of a study's TOML file, in JSON Schema's draft 2020-12."""
    made = _closed(Study.model_json_schema())
    head = {"$schema": DIALECT, "$id": f"urn:effconn:{SCHEMA_FILE}", "title": "effconn study"}
    return {**head, **{key: value for key, value in made.items() if key != "title"}}


def _closed(part: Any) -> Any:
    """The same, where tables whose keys must have a form refuse others, as the models do."""
    if isinstance(part, list):
        return [_closed(item) for item in part]
    if not isinstance(part, dict):
        return part
    closing = {"additionalProperties": False} if "patternProperties" in part else {}
    return {**closing, **{key: _closed(item) for key, item in part.items()}}
