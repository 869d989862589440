"""JSON of unknown origin: one error of ours for whatever is wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.common import JsonError, read_json

BAD = {
    "deep lists": (b"[" * 100_000, "nested too deeply"),
    "deep and whole": (b"[" * 500 + b"]" * 500, "nested too deeply"),
    "deep objects": (b'{"a":' * 90 + b"1" + b"}" * 90, "nested too deeply"),
    "digits": (b"[" + b"9" * 5000 + b"]", "too many digits"),
    "cut": (b'{"a": [1,', "is no JSON"),
    "empty": (b"", "is no JSON"),
    "not UTF-8": (b'{"a": "\xff"}', "not in UTF-8"),
}


@pytest.mark.parametrize(("content", "says"), BAD.values(), ids=BAD.keys())
def test_what_is_wrong_is_told(tmp_path: Path, content: bytes, says: str) -> None:
    path = tmp_path / "x.json"
    path.write_bytes(content)
    with pytest.raises(JsonError, match=says):
        read_json(path)


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(JsonError, match="cannot be opened"):
        read_json(tmp_path / "absent.json")


def test_halves_of_characters_become_ones_that_can_be_written(tmp_path: Path) -> None:
    path = tmp_path / "x.json"
    path.write_bytes(b'\xef\xbb\xbf{"a\\ud800": ["\\udc00", "\\ud83e\\udde0"]}')
    assert read_json(path) == {"a\ufffd": ["\ufffd", "🧠"]}
