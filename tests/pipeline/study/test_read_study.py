"""A configuration file that is in order, and its schema for editors, which says the same as the models."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from pipeline.common import UsageError
from pipeline.study import Study, StudyError, read_study, study_schema
from pipeline.study import _study as models

Mistakes = Callable[..., tuple[str, ...]]


def test_a_configuration_becomes_a_study(study_text: str, tmp_path: Path) -> None:
    (tmp_path / "study.toml").write_text(study_text)
    study = read_study(tmp_path / "study.toml")
    assert study.participants.arms == ("ketamine", "midazolam")
    assert study.tasks["faces"].conditions["faces"] == ("fearful", "neutral")
    assert study.regions["vmPFC"].sphere is not None
    assert study.regions["vmPFC"].sphere.centre == (0.0, 42.0, -12.0)
    assert list(study.group) == ["arms", "prediction", "chance"]


def test_paths_are_relative_to_the_file(study_text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "configuration"
    folder.mkdir()
    (folder / "study.toml").write_text(study_text)
    monkeypatch.chdir(tmp_path)
    study = read_study("configuration/study.toml")
    assert study.study.bids == folder / "bids"
    assert study.study.derivatives == folder / "bids/derivatives/fmriprep"
    assert study.study.out == folder / "results"
    assert study.scores["improvement"].table == folder / "bids/phenotype/caps5.tsv"
    assert study.regions["amygdala"].mask == folder / "masks/amygdala.nii.gz"
    assert study.regions["insula"].atlas == str(folder / "atlas.nii.gz")
    assert study.participants.table is None


def test_absolute_paths_and_atlas_names_stay(study_text: str, tmp_path: Path) -> None:
    text = study_text.replace('"atlas.nii.gz"', '"harvard_oxford"').replace('bids = "bids"', 'bids = "/data/bids"')
    (tmp_path / "study.toml").write_text(text)
    study = read_study(tmp_path / "study.toml")
    assert study.regions["insula"].atlas == "harvard_oxford"
    assert study.study.bids == Path("/data/bids")


def test_a_byte_order_mark_and_windows_newlines_are_fine(study_text: str, mistakes: Mistakes) -> None:
    assert mistakes(b"\xef\xbb\xbf" + study_text.replace("\n", "\r\n").encode()) == ()


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b'[study]\nname = "\xff"', "study.toml:2: is not in UTF-8; save the file as UTF-8 text"),
        (b"\x1f\x8b\0\0", "study.toml is no configuration file, which is a short text (TOML, UTF-8)"),
        (b"#" * 2**21, "study.toml is no configuration file, which is a short text (TOML, UTF-8)"),
        (b"a = " + b"[" * 10_000, "study.toml: tables and lists are nested too deeply; a study needs five levels"),
        (
            b"a = " + b"[" * 99 + b"]" * 99,
            "study.toml: tables and lists are nested too deeply; a study needs five levels",
        ),
    ],
)
def test_what_is_no_text_is_refused(content: bytes, says: str, mistakes: Mistakes) -> None:
    assert mistakes(content) == (says,)


def test_a_number_of_thousands_of_digits_is_refused(mistakes: Mistakes) -> None:
    (line,) = mistakes("a = " + "9" * 5000)
    assert line.startswith("study.toml: a number cannot be read")


@pytest.mark.parametrize(
    ("text", "starts"),
    [
        ("[study]\nname = A trial\n", "study.toml:2: column 8: this is not TOML: Invalid value; text needs quotes"),
        ("[study\n", "study.toml:1: column 7: this is not TOML: Expected ']'"),
        ("[a]\n\n[a]\n", "study.toml:3: column 3: this is not TOML: Cannot declare ('a',) twice; this heading is"),
        ("a = 1\na = 2\n", "study.toml:2: column 6: this is not TOML: Cannot overwrite a value; this key has"),
        (
            'p = "C:\\data"\n',
            "study.toml:1: column 10: this is not TOML: Unescaped '\\' in a string; write paths with /",
        ),
        ('\n\na = ["x",', "study.toml:3: column 10: this is not TOML: Invalid value"),
    ],
)
def test_syntax_errors_have_line_column_and_remedy(text: str, starts: str, mistakes: Mistakes) -> None:
    (line,) = mistakes(text)
    assert line.startswith(starts)


def test_a_missing_file_says_how_to_start_one(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"study\.toml does not exist; effconn init BIDS writes one"):
        read_study(tmp_path / "study.toml")
    with pytest.raises(StudyError, match="is a folder; give the configuration file in it"):
        read_study(tmp_path)


def test_a_users_own_folder_may_be_meant(study_text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    text = study_text.replace('bids = "bids"', 'bids = "~/bids"').replace('"masks/', '"~nobody-of-this-name/')
    (tmp_path / "study.toml").write_text(text)
    study = read_study(tmp_path / "study.toml")
    assert study.study.bids == tmp_path / "home" / "bids"
    assert study.regions["amygdala"].mask == tmp_path / "~nobody-of-this-name" / "amygdala.nii.gz"


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
        assert all(property_.get("description") for property_ in part["properties"].values())


def test_it_requires_what_the_models_require() -> None:
    for model, part in tables():
        needed = {name for name, field in model.model_fields.items() if field.is_required()}
        assert set(part.get("required", [])) == needed


def test_names_of_ours_have_their_form_in_it() -> None:
    (pattern,) = study_schema()["properties"]["regions"]["patternProperties"]
    assert pattern == "^[A-Za-z][A-Za-z0-9_-]*$"
    assert study_schema()["properties"]["regions"]["additionalProperties"] is False


def test_a_right_configuration_fits_it(study_text: str) -> None:
    jsonschema = pytest.importorskip("jsonschema", reason="jsonschema is not installed")
    jsonschema.Draft202012Validator(study_schema()).validate(tomllib.loads(study_text))
