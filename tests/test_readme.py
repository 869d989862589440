"""The README's example and the gallery run as they stand."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from pipeline.study import read_study

ROOT = Path(__file__).resolve().parents[1]
EXAMPLES = sorted((ROOT / "examples").glob("*.py"))


def run(code: str) -> str:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
        env={**os.environ, "PYTHONUTF8": "1"},
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_readme_example_recovers_its_connections() -> None:
    [code] = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(encoding="utf-8"), re.S)
    printed = run(code)
    assert "A[amygdala<-vmPFC]" in printed
    assert "converged" in printed


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_every_example_runs(path: Path) -> None:
    assert run(path.read_text(encoding="utf-8"))


def test_the_study_of_the_docs_is_in_order(tmp_path: Path) -> None:
    [text] = re.findall(r"```toml\n(.*?)```", (ROOT / "docs" / "study.md").read_text(encoding="utf-8"), re.S)
    (tmp_path / "study.toml").write_text(text, encoding="utf-8")
    assert list(read_study(tmp_path / "study.toml").dcm.models) == ["amygdala-driven"]


@pytest.mark.parametrize("page", ["README.md", "docs/spm12.md", "docs/study.md", "docs/clusters.md"])
def test_relative_links_lead_somewhere(page: str) -> None:
    path = ROOT / page
    text = path.read_text(encoding="utf-8")
    assert "@@" not in text
    links = re.findall(r"\]\((?!http)([^)#]+)\)", text) + re.findall(r'src="([^"]+)"', text)
    assert all((path.parent / link).exists() for link in links)
