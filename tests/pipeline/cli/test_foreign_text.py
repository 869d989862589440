"""Text of a user's files on a terminal and in the tables that are written."""

from __future__ import annotations

import io
from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from pipeline.cli import _guard
from pipeline.common import UsageError, _console
from pipeline.measures import FeatureTable, read_features, write_features
from pipeline.measures._feature_table import FeatureColumn
from pipeline.page._records import Column, Records
from pipeline.synthetic._bids_files import write_table
from pipeline.tables import TableError, read_table

FORMULAS = ("=HYPERLINK(1)", "+cmd", "-2+3", "@SUM(A1)", "'=1", "\uff1d1", "[red]x[/red]")
ESCAPE = "\x1b[2J\u202e:smile:[bold]\\[red]"


def records_of(names: tuple[str, ...], folder: Path) -> Path:
    columns = (Column("=name", "Name"), Column("effect", "Effect", "+.2f"))
    Records("found", "", "", columns, [{"=name": name, "effect": -0.5} for name in names]).write(folder)
    return folder / "found.tsv"


def synthetic_of(names: tuple[str, ...], folder: Path) -> Path:
    write_table(folder / "made.tsv", ("=name", "effect"), [(name, -0.5) for name in names])
    return folder / "made.tsv"


@pytest.mark.parametrize("write", [records_of, synthetic_of])
def test_formulas_are_quoted_in_tables_and_read_back_as_names(write: object, tmp_path: Path) -> None:
    assert callable(write)
    path = write(FORMULAS, tmp_path)
    cells = [line.split("\t")[0] for line in path.read_text(encoding="utf-8").splitlines()]
    assert not [cell for cell in cells if cell[0] in "=+-@\uff1d"]
    table = read_table(path)
    assert table.column("=name") == FORMULAS
    assert table.column("effect") == ("-0.5",) * len(FORMULAS)


def test_a_table_of_measures_with_formulas_for_names_is_read_back(tmp_path: Path) -> None:
    columns = (FeatureColumn("=1+1", "covariate", "u", "d"), FeatureColumn("@fd", "motion", "mm", "d"))
    arms = ("-drug", "+pill")
    table = FeatureTable(
        ("=a", "=a", "-b", "-b"),
        ("@1", "@2") * 2,
        tuple(arms[i] for i in (0, 0, 1, 1)),
        "=arm",
        False,
        arms,
        ("@1", "@2"),
        columns,
        np.array([[-1.5, 2.0]] * 4),
        (),
        {},
    )
    path, _ = write_features(table, tmp_path / "features.tsv")
    assert path.read_text(encoding="utf-8").splitlines()[1] == "'=a\t'@1\t'-drug\t-1.5\t2.0"
    found = read_features(path)
    assert all(np.all(getattr(found, field.name) == getattr(table, field.name)) for field in fields(table))


@pytest.fixture
def streams(monkeypatch: pytest.MonkeyPatch) -> tuple[io.StringIO, io.StringIO]:
    """What is printed, as a terminal would be sent it."""
    found = io.StringIO(), io.StringIO()
    for name, stream in zip(("stdout", "stderr"), found, strict=True):
        monkeypatch.setattr(getattr(_console, name), "_file", stream)
    return found


def test_a_terminal_is_sent_no_control_character_and_no_markup(streams: tuple[io.StringIO, io.StringIO]) -> None:
    shown = r"\x1b[2J\u202e:smile:[bold]\[red]"
    _console.print_message(f"{ESCAPE}: said")
    _console.print_line(f"{ESCAPE}: told")
    _console.print_table((ESCAPE,), [(ESCAPE,), ("x" * 10_000,)], title=ESCAPE)
    out, err = (stream.getvalue() for stream in streams)
    assert err == f"{shown}: said\n"
    assert out.count(shown) == 4
    assert "\x1b" not in out
    assert "\u202e" not in out
    assert out.count("x") < 500


@pytest.mark.parametrize("error", [UsageError, ValueError, KeyError])
def test_an_error_is_one_short_visible_line(error: type[Exception], capsys: pytest.CaptureFixture[str]) -> None:
    def work() -> int:
        raise error(f"{ESCAPE}\nsecond line, '{'a b ' * 4000}' and {'z' * 9000}; do this")

    assert _guard.run_guarded(work, debug=False) in (1, 2)
    text = capsys.readouterr().err
    assert text.count("\n") == 1
    assert text.rstrip("\n").isprintable()
    assert len(text) < 500
    assert "do this" in text


def test_a_long_cell_does_not_flood_the_error_of_its_table(tmp_path: Path) -> None:
    path = tmp_path / "people.tsv"
    path.write_text("name\tage\n1\t3\n2\t" + "y" * 10_000 + "\n", encoding="utf-8")
    with pytest.raises(TableError) as caught:
        read_table(path).values("age", (0, 1))
    assert len(str(caught.value)) < 300
    assert str(caught.value).endswith("write n/a")


def test_progress_on_a_terminal_shows_a_name_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = io.StringIO()
    monkeypatch.setattr(_console, "stderr", Console(file=stream, force_terminal=True, color_system=None, width=120))
    with _console.progress("[red]\u202ename") as bar:
        bar(1, 2)
    assert r"[red]\u202ename" in stream.getvalue()


def test_a_long_name_leaves_the_other_columns_their_place(capsys: pytest.CaptureFixture[str]) -> None:
    _console.print_table(("participant", "result"), [("x" * 300, "converged"), ("sub-01", "converged")])
    shown = capsys.readouterr().out
    assert (shown.count("converged"), shown.count("x")) == (2, 300)
