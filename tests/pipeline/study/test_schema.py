"""The schema for editors says the same as the models."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterator
from typing import Any

import pytest
from pydantic import BaseModel

from pipeline.study import Study, study_schema
from pipeline.study import _study as models


def tables() -> Iterator[tuple[type[BaseModel], dict[str, Any]]]:
    schema = study_schema()
    yield Study, schema
    for name, part in schema["$defs"].items():
        yield getattr(models, name), part


def test_it_says_what_it_is() -> None:
    schema = study_schema()
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert schema["$id"]
    assert schema["title"] == "effconn study"
    json.dumps(schema, allow_nan=False)


def test_it_has_every_setting_with_a_description_and_no_other() -> None:
    for model, part in tables():
        assert set(part["properties"]) == set(model.model_fields)
        assert part["additionalProperties"] is False
        assert part["description"]
        assert all(one.get("description") for one in part["properties"].values())


def test_it_requires_what_the_models_require() -> None:
    for model, part in tables():
        needed = {name for name, one in model.model_fields.items() if one.is_required()}
        assert set(part.get("required", [])) == needed


def test_names_of_ours_have_their_form_in_it() -> None:
    (pattern,) = study_schema()["properties"]["regions"]["patternProperties"]
    assert pattern == "^[A-Za-z][A-Za-z0-9_-]*$"
    assert study_schema()["properties"]["regions"]["additionalProperties"] is False


def test_a_right_configuration_fits_it(study_text: str) -> None:
    jsonschema = pytest.importorskip("jsonschema", reason="jsonschema is not installed")
    jsonschema.Draft202012Validator(study_schema()).validate(tomllib.loads(study_text))
