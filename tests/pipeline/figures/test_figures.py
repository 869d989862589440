"""Pictures: the numbers drawn are the numbers given, files repeat, and text from data stays text."""

from __future__ import annotations

import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.figure import Figure

from dcm import Data
from pipeline.figures._inversions import series_figure, variance_figure
from pipeline.figures._style import literal_text, save_figure, signed_number, svg, themed_svg
from pipeline.figures._svg import checked_svg


@pytest.fixture
def figure() -> Figure:
    return variance_figure(["a", "b"], np.array([[50.0, np.nan], [60.0, 70.0]]), ("session 1", "session 2"))


@pytest.fixture
def fit() -> Any:
    """What `series_figure` reads of a posterior."""
    rng = np.random.default_rng(2)
    spec = SimpleNamespace(regions=("vmPFC", "amygdala"))
    return SimpleNamespace(
        spec=spec,
        prediction=rng.normal(size=(60, 2)),
        residual=rng.normal(size=(60, 2)),
        data_scale=0.5,
    )


def test_series_figure_is_in_the_data_s_own_units(fit: Any) -> None:
    rng = np.random.default_rng(3)
    paradigm = (np.arange(960)[:, None] // np.array([160, 320]) % 2).astype(np.float64)
    data = Data(rng.normal(size=(60, 2)), paradigm, bin_width=1.5 / 16, repetition_time=1.5)
    figure = series_figure(data, fit, paradigm, ("task", "faces"), "sub-01")
    assert [axes.get_title(loc="left") for axes in figure.axes] == ["vmPFC (sub-01)", "amygdala (sub-01)"]
    predicted = figure.axes[1].lines[-1]
    np.testing.assert_allclose(predicted.get_ydata(), fit.prediction[:, 1] / 0.5)
    assert predicted.get_xdata()[0] == pytest.approx(0.75)


def test_variance_figure_leaves_out_what_was_not_inverted(figure: Figure) -> None:
    assert np.isnan(figure.axes[0].lines[-1].get_xdata()[0])
    assert figure.axes[0].get_xlim() == (0, 100)


def test_svg_repeats_and_reader_s_settings_are_left_alone(figure: Figure) -> None:
    before = dict(mpl.rcParams)
    assert svg(figure) == svg(figure)
    assert dict(mpl.rcParams) == before


def test_reader_s_settings_do_not_change_the_picture(figure: Figure) -> None:
    first = svg(figure)
    with mpl.rc_context({"font.size": 30, "axes.facecolor": "red"}):
        again = variance_figure(["a", "b"], np.array([[50.0, np.nan], [60.0, 70.0]]), ("session 1", "session 2"))
        assert svg(again) == first


def test_a_themed_svg_has_its_own_ids_follows_the_page_and_says_what_it_is(figure: Figure) -> None:
    text = themed_svg(svg(figure), "fig", 'found "&" <planted>')
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
    assert "<script" not in themed_svg(svg(figure), "variance", "v")
    assert (tmp_path / "variance.png").read_bytes().startswith(b"\x89PNG")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["variance.png", "variance.svg"]


@pytest.mark.parametrize(("value", "expected"), [(-0.254, "−0.25"), (0.2, "+0.20"), (-0.001, "0.00"), (10.0, "+10.00")])
def test_signed_numbers(value: float, expected: str) -> None:
    assert signed_number(value) == expected


def test_plain_text_has_no_mathematics_and_one_line() -> None:
    assert literal_text("a\nb $c$") == r"a b \$c\$"


def test_a_stored_drawing_is_taken_as_it_was_drawn(figure: Figure) -> None:
    text = themed_svg(svg(figure), "fig", "label")
    assert checked_svg(text) == text


@pytest.mark.parametrize(
    "planted",
    [
        "<script>alert(1)</script>",
        '<g onload="alert(1)"/>',
        '<use href="https://example.org/x#y"/>',
        "<foreignObject/>",
        "<?x ><script>alert(1)</script>?>",
        "<!--><script>alert(1)</script>-->",
        "<style>@import url(http://example.org)</style>",
        '<g style="fill:url(http://example.org)"/>',
    ],
)
def test_a_stored_drawing_that_can_act_is_refused(figure: Figure, planted: str) -> None:
    text = themed_svg(svg(figure), "fig", "label").replace("</svg>", f"{planted}</svg>")
    with pytest.raises(ValueError, match="none of ours"):
        checked_svg(text)
