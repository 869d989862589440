"""One look for every picture: sizes, colours that colour-blind readers can tell apart, and files that repeat."""

from __future__ import annotations

import io
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from ..common import page_text, write_bytes, write_text
from ._svg import plain_svg, svg_element

WIDTH = 5.0  # inches; one column of the page on a desk, and still readable when a phone scales it to 4
PIXELS_PER_INCH = 200  # of the PNG files

# Okabe and Ito's palette; each colour is met by a marker or a line style of its own.
# The four greys follow the page's theme where a figure is put into a page; paper is off-white to be told from white.
INK, MUTED, LINE, PAPER = "#1d2733", "#5b6775", "#d5dbe1", "#fffffe"
VERMILION, BLUE, GREEN, PURPLE, SKY, ORANGE = "#d55e00", "#2a7ab8", "#009e73", "#b5579a", "#56b4e9", "#e69f00"
ARM_COLOUR = {"ketamine": VERMILION, "midazolam": BLUE}
ARM_MARKER = {"ketamine": "o", "midazolam": "s"}

_VARIABLES = {INK: "var(--ink)", MUTED: "var(--muted)", LINE: "var(--line)", PAPER: "var(--paper)"}

_STYLE: dict[str, Any] = {
    "axes.edgecolor": LINE,
    "axes.facecolor": PAPER,
    "axes.labelcolor": INK,
    "axes.labelsize": 9.5,
    "axes.linewidth": 0.8,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlecolor": INK,
    "axes.titlelocation": "left",
    "axes.titlesize": 10.5,
    "axes.titleweight": "bold",
    "figure.facecolor": PAPER,
    "font.family": "DejaVu Sans",  # comes with matplotlib, so the same everywhere
    "font.size": 9.5,
    "grid.color": LINE,
    "grid.linewidth": 0.6,
    "legend.fontsize": 9,
    "legend.frameon": False,
    "legend.labelcolor": INK,
    "savefig.facecolor": "auto",
    "svg.fonttype": "none",
    "svg.hashsalt": "effconn",
    "text.color": INK,
    "xtick.color": MUTED,
    "xtick.labelsize": 9,
    "ytick.color": MUTED,
    "ytick.labelsize": 9,
}


@contextmanager
def style() -> Iterator[None]:
    """The house style for what is drawn inside; the reader's own matplotlib settings stay out of it."""
    with mpl.rc_context(), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing")  # a name in a script that the font lacks
        mpl.rcdefaults()
        mpl.rcParams["backend"] = "agg"
        mpl.rcParams.update(_STYLE)  # type: ignore[arg-type]  # its keys are literals to matplotlib's types
        yield


def new_figure(height: float, layout: Literal["constrained"] | None = "constrained") -> Figure:
    """An empty figure of a given height, inches, outside pyplot; call it within `style()`."""
    figure = Figure(figsize=(WIDTH, height), layout=layout)
    FigureCanvasAgg(figure)
    return figure


def plain(text: str) -> str:
    """Text from data, so that matplotlib does not take a dollar sign for mathematics nor a line break for a line."""
    return page_text(" ".join(text.split())).replace("$", r"\$")


def signed(value: float, digits: int = 2) -> str:
    """A number with its sign, a true minus; none where it rounds to zero."""
    text = f"{value:+.{digits}f}".replace("-", "−")
    return text if text.strip("+−0.") else text[1:]


def beside(axes: Axes, row: float, text: str, colour: str = INK, weight: str = "normal") -> None:
    """A text right of the axes, at the height of a row."""
    axes.annotate(
        text,
        (1, row),
        (5, 0),
        xycoords=("axes fraction", "data"),
        textcoords="offset points",
        va="center",
        fontsize=8.5,
        color=colour,
        fontweight=weight,
        annotation_clip=False,
    )


def zero_line(axes: Axes) -> None:
    """A quiet line at y = 0."""
    axes.axhline(0, color=MUTED, linewidth=0.8, zorder=1)


def svg(figure: Figure) -> str:
    """The figure as an SVG document with texts as texts, the same bytes for the same figure."""
    buffer = io.StringIO()
    with style():
        figure.savefig(buffer, format="svg", metadata={"Date": None})
    return plain_svg(buffer.getvalue())


def themed_svg(document: str, name: str, label: str) -> str:
    """A document of `svg` as an element for a page: ids of its own, colours that follow the page, `label` read aloud.

    `name` is put into the markup as it is, and must be a word of our own.
    """
    return svg_element(document, name, label, _VARIABLES)


def save_figure(figure: Figure, folder: Path, name: str) -> None:
    """NAME.svg and NAME.png in `folder`, each renamed into place when complete."""
    write_text(folder / f"{name}.svg", svg(figure))
    image = io.BytesIO()
    with style():
        figure.savefig(image, format="png", dpi=PIXELS_PER_INCH)
    write_bytes(folder / f"{name}.png", image.getbuffer())
