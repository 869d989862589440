"""Pictures: the numbers drawn are the numbers given, files repeat, and text from data stays text."""

from __future__ import annotations

import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import matplotlib as mpl
import numpy as np
import pytest

from dcm import Parameters, Simulation
from pipeline._figure_style import inline_svg, plain, save_figure, signed, svg
from pipeline._figures import convergence_figure, readable, recovery_figure, series_figure, variance_figure
from pipeline._recovery import Recovery, Z
from pipeline._trial import Design, Visit, simulate_trial
from pipeline._trial_figures import circuit_figure

NAMES = ("A[vmPFC<-amygdala]", "B[vmPFC<-amygdala, faces]")


@pytest.fixture
def recovery() -> Recovery:
    rng = np.random.default_rng(0)
    planted = rng.normal(size=(40, 2))
    sd = np.full((40, 2), 0.3)
    empty: Any = SimpleNamespace()
    visits = tuple(Visit(f"sub-{i:02d}", "ketamine", 1, 0.0, empty, empty) for i in range(40))
    return Recovery(NAMES, np.arange(2), visits, planted, planted + sd * rng.normal(size=(40, 2)), sd)


@pytest.fixture
def fit() -> Any:
    """What `series_figure` and `convergence_figure` read of a posterior."""
    rng = np.random.default_rng(2)
    spec = SimpleNamespace(regions=("vmPFC", "amygdala"))
    return SimpleNamespace(
        spec=spec,
        prediction=rng.normal(size=(60, 2)),
        residual=rng.normal(size=(60, 2)),
        data_scale=0.5,
        free_energy=-100.0,
        free_energy_history=np.array([-500.0, -700.0, -120.0, -100.001]),
        iterations=4,
    )


def test_recovery_figure_tells_coverage_and_correlation(recovery: Recovery) -> None:
    figure = recovery_figure(recovery, NAMES)
    inside = np.abs(recovery.mean - recovery.planted) <= Z * recovery.sd
    assert figure.axes[0].get_title(loc="left").startswith(f"{100 * inside.mean():.0f} %")
    labels = figure.axes[0].get_legend_handles_labels()[1]
    r = np.corrcoef(recovery.planted[:, 1], recovery.mean[:, 1])[0, 1]
    assert labels[1].startswith(f"B(faces) vmPFC ← amygdala: r = {r:.2f}")


def test_convergence_figure_shows_the_best_so_far(fit: Any) -> None:
    axes = convergence_figure([fit]).axes[0]
    np.testing.assert_allclose(axes.lines[0].get_ydata(), [400, 400, 20, 0.01])
    assert axes.get_yscale() == "log"


def test_series_figure_is_in_the_data_s_own_units(fit: Any) -> None:
    trial = simulate_trial(Design(ketamine=3, midazolam=3, scans=60))
    data = trial.visits[0].simulation.data
    figure = series_figure(data, fit, trial.paradigm, ("task", "faces"), "sub-01")
    assert [axes.get_title(loc="left") for axes in figure.axes] == ["vmPFC (sub-01)", "amygdala (sub-01)"]
    predicted = figure.axes[1].lines[-1]
    np.testing.assert_allclose(predicted.get_ydata(), fit.prediction[:, 1] / 0.5)
    assert predicted.get_xdata()[0] == pytest.approx(0.75)
    assert isinstance(trial.visits[0].simulation, Simulation)
    assert isinstance(trial.visits[0].planted, Parameters)


def test_variance_figure_leaves_out_what_was_not_inverted() -> None:
    figure = variance_figure(["a", "b"], np.array([[50.0, np.nan], [60.0, 70.0]]), ("session 1", "session 2"))
    assert np.isnan(figure.axes[0].lines[-1].get_xdata()[0])
    assert figure.axes[0].get_xlim() == (0, 100)


def test_circuit_figure_writes_signs_and_units() -> None:
    matrix = np.array([[0.0, 0.55], [-0.25, 0.0]])
    figure = circuit_figure(("vmPFC", "amygdala"), matrix / 5, matrix, {"task": np.array([0.2, 0.3])}, "faces")
    texts = [text.get_text() for text in figure.axes[0].texts]
    assert {"B(faces) +0.55 Hz", "B(faces) −0.25 Hz", "A −0.05 Hz", "task: C +0.30 Hz"} <= set(texts)


def test_svg_repeats_and_reader_s_settings_are_left_alone(recovery: Recovery) -> None:
    before = dict(mpl.rcParams)
    assert svg(recovery_figure(recovery, NAMES)) == svg(recovery_figure(recovery, NAMES))
    assert dict(mpl.rcParams) == before


def test_reader_s_settings_do_not_change_the_picture(recovery: Recovery) -> None:
    first = svg(recovery_figure(recovery, NAMES))
    with mpl.rc_context({"font.size": 30, "axes.facecolor": "red"}):
        assert svg(recovery_figure(recovery, NAMES)) == first


def test_inline_svg_has_its_own_ids_follows_the_page_and_says_what_it_is(recovery: Recovery) -> None:
    text = inline_svg(recovery_figure(recovery, NAMES), "fig", 'found "&" <planted>')
    assert text.startswith("<svg role=")
    assert 'aria-label="found &#34;&amp;&#34; &lt;planted&gt;"' in text
    assert all(name.startswith("fig-") for name in re.findall(r'\bid="([^"]+)"', text))
    references = set(re.findall(r'(?:href="#|url\(#)([^")]+)', text))
    assert references <= set(re.findall(r'\bid="([^"]+)"', text))
    assert "var(--ink)" in text
    assert "#1d2733" not in text


def test_names_from_data_are_drawn_as_they_are(tmp_path: Path) -> None:
    hostile = "<script>alert(1)</script> $x_{1$ \n 名前 -->"
    figure = variance_figure([hostile], np.array([[50.0]]), ("session 1",))
    save_figure(figure, tmp_path, "variance")
    text = (tmp_path / "variance.svg").read_text(encoding="utf-8")
    assert "<script>" not in text
    assert "<script" not in inline_svg(figure, "variance", "v")
    assert (tmp_path / "variance.png").read_bytes().startswith(b"\x89PNG")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["variance.png", "variance.svg"]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("B[vmPFC<-amygdala, faces]", "B(faces) vmPFC ← amygdala"),
        ("A[amygdala<-vmPFC]", "A amygdala ← vmPFC"),
        ("C[vmPFC<-task]", "C vmPFC ← task"),
    ],
)
def test_parameter_names_read_as_words(name: str, expected: str) -> None:
    assert readable(name) == expected


@pytest.mark.parametrize(("value", "expected"), [(-0.254, "−0.25"), (0.2, "+0.20"), (-0.001, "0.00"), (10.0, "+10.00")])
def test_signed_numbers(value: float, expected: str) -> None:
    assert signed(value) == expected


def test_plain_text_has_no_mathematics_and_one_line() -> None:
    assert plain("a\nb $c$") == r"a b \$c\$"
