"""README and the site's pages: every block of code runs, every command has the options it is shown with."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import command_line
import pytest
import typer
from small_study import finished_simple_study

import effconn
import features
import peb
from pipeline.cli import app
from pipeline.study import read_study
from pipeline.study._schema import check_shape

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted(DOCS.glob("*.md")), *sorted(DOCS.glob("[at]*/*.md"))]
SHELL = ("", "sh", "console")


def blocks(page: Path) -> list[tuple[str, str]]:
    """(language, text) of every fenced block of code; directives of the site, in braces, are none."""
    found = re.findall(r"^```([^\n`]*)\n(.*?)^```$", page.read_text(encoding="utf-8"), re.S | re.M)
    return [(language.strip(), text) for language, text in found if not language.strip().startswith("{")]


def commands(text: str) -> Iterator[list[str]]:
    """The arguments of every line of a shell's block that begins with effconn; NAME="…" before it is put in."""
    values: dict[str, str] = {}
    for line in text.replace("\\\n", " ").splitlines():
        if match := re.fullmatch(r'([A-Z]+)="([^"]*)".*', line):
            values[match[1]] = match[2]
        elif line.startswith("effconn "):
            put_in = re.sub(r"\$([A-Z]+)", lambda name: values.get(name[1], name[0]), line)
            yield shlex.split(put_in, comments=True)[1:]


def check_options(command: Any, arguments: list[str]) -> None:
    """Parses a command line without running it; the parser's error where a command or an option is not there."""
    context = command.context_class(command, info_name="effconn", resilient_parsing=True)
    while hasattr(command, "resolve_command"):
        _, command, arguments = command.resolve_command(context, arguments)
    command.make_context(command.name, list(arguments))


BY_THEMSELVES = ["README.md", "docs/start.md", "docs/install.md", "docs/prediction.md"]

# One process begins as a user's does and runs all of these pages. Each block has variables of its own, and each page
# begins with 32-bit numbers.
RUN_PAGES = """
import contextlib, io, json, sys, traceback

printed = {}
for page, blocks in json.load(sys.stdin).items():
    printed[page] = []
    if "jax" in sys.modules:
        sys.modules["jax"].config.update("jax_enable_x64", False)
    for code in blocks:
        error = ""
        with contextlib.redirect_stdout(io.StringIO()) as out:
            try:
                exec(compile(code, page, "exec"), {"__name__": "__main__"})
            except Exception:  # whatever a block of a page raises is what its test shows
                error = traceback.format_exc()
        printed[page].append([out.getvalue(), error])
json.dump(printed, sys.stdout)
"""


def python_of(page: str) -> list[str]:
    return [code for language, code in blocks(ROOT / page) if language == "python"]


@pytest.fixture(scope="module")
def printed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[tuple[str, str]]]:
    """Page → of each block of Python what it prints, and the error if there is one; a warning is one."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", RUN_PAGES],
        input=json.dumps({page: python_of(page) for page in BY_THEMSELVES}),
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
        cwd=tmp_path_factory.mktemp("pages"),
        env={**os.environ, "PYTHONUTF8": "1"},
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, list[tuple[str, str]]] = json.loads(done.stdout)
    return found


def run_page(page: Path, skip: str = "") -> None:
    """Runs a page's blocks from top to bottom in the current folder; Python knows what its earlier blocks made."""
    reported: dict[str, Any] = {"__name__": "__main__"}
    for language, text in blocks(page):
        if language == "python":
            exec(compile(text, str(page), "exec"), reported)
        for line in text.splitlines() if language in SHELL else ():
            if line.startswith("effconn ") and not (skip and line.startswith(skip)):
                done = command_line.effconn(*expand_patterns(shlex.split(line, comments=True)[1:]))
                assert done.returncode == 0, f"{line}: {done.stderr}"


def expand_patterns(arguments: list[str]) -> Iterator[str]:
    """Arguments as a shell hands them over: a pattern of file names becomes the files that it fits."""
    for argument in arguments:
        yield from sorted(map(str, Path().glob(argument))) if "*" in argument else [argument]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_every_command_of_a_page_is_one_that_effconn_has(page: Path) -> None:
    command = typer.main.get_command(app)
    for language, text in blocks(page):
        for arguments in commands(text) if language in SHELL else ():
            check_options(command, arguments)


def test_an_option_that_is_not_there_would_be_found() -> None:
    with pytest.raises(Exception, match="No such option"):
        check_options(typer.main.get_command(app), ["peb", "fit", "results", "--desing", "table.tsv"])


@pytest.mark.parametrize("page", BY_THEMSELVES)
def test_python_of_a_page_runs_by_itself(page: str, printed: dict[str, list[tuple[str, str]]]) -> None:
    answer = "q_squared" if page == "docs/prediction.md" else "B[amygdala<-vmPFC, faces]"
    for code, (text, error) in zip(python_of(page), printed[page], strict=True):
        assert not error, error
        assert "print(" not in code or answer in text


def test_the_tutorial_from_spm_files_runs_from_top_to_bottom(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    run_page(DOCS / "tutorials" / "from_spm_files.md")
    assert "B[amygdala<-vmPFC, faces]" in capsys.readouterr().out
    assert (tmp_path / "results" / "DCM_sub-01.mat").is_file()


def test_the_tutorial_from_images_runs_on_a_tiny_study(
    tmp_path_factory: pytest.TempPathFactory,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    # In place of the first command, which makes a larger one. All is kept but the report, which `run` has to make.
    shutil.copytree(
        finished_simple_study(tmp_path_factory), "demo", ignore=shutil.ignore_patterns("report.html", "run.json")
    )
    run_page(DOCS / "tutorials" / "from_images.md", skip="effconn demo")
    assert "B[" in capsys.readouterr().out
    assert (tmp_path / "demo" / "results" / "report.html").is_file()


def test_other_pages_have_no_code_that_nothing_runs() -> None:
    run = {*BY_THEMSELVES, "docs/tutorials/from_spm_files.md", "docs/tutorials/from_images.md"}
    for page in PAGES:
        kinds = {language for language, _ in blocks(page)}
        name = page.relative_to(ROOT).as_posix()
        assert "python" not in kinds or name in run, name
        assert kinds <= {*SHELL, "python", "toml", "tsv", "text"}, name


def test_the_study_of_the_docs_is_in_order(tmp_path: Path) -> None:
    [text, *_] = toml_blocks("study.md")
    (tmp_path / "study.toml").write_text(text, encoding="utf-8")
    assert list(read_study(tmp_path / "study.toml").dcms[""].models) == ["amygdala-driven"]


def test_other_designs_of_the_docs_are_in_order_in_the_place_of_its_parts() -> None:
    [text, *others] = toml_blocks("study.md")
    assert others
    for other in others:
        parts = tomllib.loads(other)
        rest = {name: part for name, part in tomllib.loads(text).items() if name not in ("predict", "statistics")}
        _, mistakes = check_shape({**rest, **parts})
        assert not mistakes, mistakes


def toml_blocks(page: str) -> list[str]:
    return [text for language, text in blocks(DOCS / page) if language == "toml"]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_relative_links_lead_somewhere(page: Path) -> None:
    text = re.sub(r"```.*?```|\$[^$]*\$", "", page.read_text(encoding="utf-8"), flags=re.S)  # no code, no equations
    links = re.findall(r"\]\((?!http|mailto)([^)#]+)\)", text) + re.findall(r'src="([^"]+)"', text)
    for link in links:
        target = page.parent / link
        script = ROOT / "examples" / link.partition("gallery/")[2]  # the site's build makes its page
        assert target.exists() or ("gallery/" in link and script.with_suffix(".py").exists()), link


@pytest.mark.parametrize(
    ("page", "names"),
    [
        ("index", set(effconn.__all__) - {"dcm", "peb", "features"}),
        ("group_level", set(peb.__all__)),
        ("measures", set(features.__all__)),
    ],
)
def test_the_reference_lists_every_public_name_and_no_other(page: str, names: set[str]) -> None:
    text = (DOCS / "api" / f"{page}.md").read_text(encoding="utf-8")
    assert (
        set(re.findall(r"^   ([a-zA-Z_0-9]+)$", text, re.M)) | set(re.findall(r"`([a-zA-Z_0-9]+)`[,.]", text)) == names
    )


def test_the_picture_of_the_rooms_is_that_of_the_code() -> None:
    done = subprocess.run(
        [sys.executable, str(DOCS / "draw_architecture.py"), "--check"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout


def test_the_version_is_the_same_wherever_it_stands() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
    citation = re.search(r"^version: (\S+)$", (ROOT / "CITATION.cff").read_text(encoding="utf-8"), re.M)
    assert citation is not None
    assert citation[1] == project
    assert f"## {project}" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
