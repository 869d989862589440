"""A short run of the fuzzer: whatever damage does to a file, it is read or refused in one line of the project's own."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from benchmarks import fuzz
from benchmarks._fuzz_seeds import FORMATS
from benchmarks._fuzz_worker import Fuzzer, FuzzOutcome, judge
from pipeline.results import ResultFileError

EACH = 30  # inputs of every format


@pytest.fixture(scope="module")
def fuzzer(tmp_path_factory: pytest.TempPathFactory) -> Fuzzer:
    made = Fuzzer(tmp_path_factory.mktemp("fuzz"), FORMATS, seed=11)
    made.check_seeds()
    return made


@pytest.mark.parametrize("form", FORMATS)
def test_damaged_files_are_read_or_refused_in_one_line(fuzzer: Fuzzer, form: str) -> None:
    outcomes = [fuzzer.try_input(form, index) for index in range(EACH)]
    assert [(outcome.index, outcome.how, outcome.detail) for outcome in outcomes if outcome.how not in fuzz.GOOD] == []
    assert sum(outcome.how == "own error" for outcome in outcomes) >= EACH // 4


@pytest.mark.parametrize("form", FORMATS)
def test_an_input_is_the_same_every_time(fuzzer: Fuzzer, form: str, tmp_path: Path) -> None:
    again = Fuzzer(tmp_path, (form,), seed=11)
    assert [fuzzer.make(form, i)[1] for i in range(5)] == [again.make(form, i)[1] for i in range(5)]


def raised(error: Exception) -> Exception:
    try:
        raise error
    except Exception as caught:  # of any kind: it is the one that was given
        return caught


def test_errors_are_told_apart() -> None:
    assert judge(raised(ResultFileError(Path("x.nc"), "is damaged")))[0] == "own error"
    assert judge(raised(KeyError("x")))[0] == "foreign"
    assert judge(raised(ValueError("of a library")))[0] == "foreign"


def test_what_ends_a_worker_is_told_of_its_input(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A fault is an exit code, a row and a line."""
    outcomes = [FuzzOutcome("json", 0, "x.json", "fine"), FuzzOutcome("json", 1, "x.json", "signal", "exit code -11")]
    monkeypatch.setattr(fuzz, "run_inputs", lambda *_: outcomes)
    file = tmp_path / "fuzz.json"
    assert fuzz.main(["--inputs", "2", "--only", "json", "--json", str(file)]) == 1
    assert "1 × signal: json input 1 (x.json)" in capsys.readouterr().out
    row: dict[str, Any] = json.loads(file.read_text())["formats"][0]
    assert (row["inputs"], row["fine"], row["signal"]) == (2, 1, 1)


def test_formats_that_are_none_are_refused() -> None:
    with pytest.raises(SystemExit):
        fuzz.main(["--only", "pdf"])
