"""Every script of the gallery runs as it stands, and draws what it says."""

from __future__ import annotations

import runpy
from pathlib import Path

import matplotlib as mpl
import pytest

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
SCRIPTS = sorted(path.relative_to(EXAMPLES) for path in EXAMPLES.glob("*/*.py"))


@pytest.mark.parametrize("script", SCRIPTS, ids=str)
def test_a_script_runs(script: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    import matplotlib.pyplot as plt

    mpl.use("Agg")
    monkeypatch.chdir(tmp_path)
    plt.close("all")
    try:
        runpy.run_path(str(EXAMPLES / script))
        drawn = plt.get_fignums()
        assert bool(drawn) == ("plt.show()" in (EXAMPLES / script).read_text(encoding="utf-8"))
        for number in drawn:
            plt.figure(number).canvas.draw()
    finally:
        plt.close("all")


def test_the_gallery_has_every_kind_of_question() -> None:
    assert len(SCRIPTS) >= 12
    assert {script.parent.name for script in SCRIPTS} == {"tutorials", "first_level", "group", "prediction", "files"}
