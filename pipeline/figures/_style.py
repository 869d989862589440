"""One look for every picture: sizes, colours that colour-blind readers can tell apart, and files that repeat."""

from __future__ import annotations

import io
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

import matplotlib as mpl
import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.backend_bases import RendererBase
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.transforms import ScaledTranslation
from numpy.typing import ArrayLike, NDArray

from ..common import page_text, write_bytes, write_text
from ._svg import plain_svg, svg_element

AxesArray = NDArray[np.object_]  # of matplotlib's Axes

WIDTH = 5.0  # inches; one column of the page on a desk, and still readable when a phone scales it to 4
PIXELS_PER_INCH = 200  # of the PNG files

# Okabe and Ito's palette; each colour is met by a marker or a line style of its own.
# The four greys follow the page's theme where a figure is put into a page; paper is off-white to differ from white.
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
        mpl.rcParams.update(_STYLE)  # type: ignore[arg-type]  # its keys are literals to matplotlib's types
        yield


def new_figure(height: float, layout: Literal["constrained"] | None = "constrained") -> Figure:
    """An empty figure of a given height, inches, outside pyplot; call it within `style()`."""
    figure = _FigureDrawnOnce(figsize=(WIDTH, height), layout=layout)
    FigureCanvasAgg(figure)
    return figure


class _FigureDrawnOnce(Figure):
    """A figure that is drawn once when it is saved: matplotlib draws it to nowhere first, for the layout's sake.

    After that, `FigureCanvasBase.print_figure` takes the layout engine away and draws, so that what is skipped here is
    never what is saved.
    """

    def draw(self, renderer: RendererBase) -> None:
        layout = self.get_layout_engine()
        if isinstance(layout, ConstrainedLayoutEngine) and self.axes and self.canvas.is_saving():
            layout.execute(self)
        else:
            super().draw(renderer)


def given_or_new_axes(ax: Axes | None, height: float) -> Axes:
    """The axes to draw on: those given, or those of a new pyplot figure of a given height, inches; within `style()`."""
    if ax is None:
        return pyplot_figure(height).subplots()
    return _checked_axes(ax)


def _checked_axes(ax: object) -> Axes:
    """The axes without their upper and right edges; raises `TypeError` where they are no plane axes."""
    if not isinstance(ax, Axes) or ax.name != "rectilinear":
        kind = f"{ax.name} axes" if isinstance(ax, Axes) else f"a {type(ax).__name__}"
        raise TypeError(f"ax is a picture's axes, as of plt.subplots()[1], not {kind}")
    ax.spines[["top", "right"]].set_visible(False)
    return ax


def given_or_new_array(ax: ArrayLike | None, count: int, height: float, *, sharex: bool = False) -> AxesArray:
    """As `given_or_new_axes`, for panels one below the other.

    Raises `ValueError` where another number of axes is given.
    """
    if ax is None:
        return np.asarray(pyplot_figure(height).subplots(count, 1, squeeze=False, sharex=sharex)[:, 0])
    given = np.ravel(np.asarray(ax, dtype=object))
    if given.size != count:
        raise ValueError(
            f"this picture has {count} panels, and needs as many axes, not {given.size}: plt.subplots({count})[1]"
        )
    for axes in given:
        _checked_axes(axes)
    return given


def check_class(given: object, *classes: type) -> None:
    """Raises `TypeError` where what is to be drawn is of another class than the picture is made for."""
    if not isinstance(given, classes):
        several = "; draw them one by one" if isinstance(given, list | tuple) else ""
        wanted = " or ".join(f"{'an' if kind.__name__[0] in 'AEIO' else 'a'} {kind.__name__}" for kind in classes)
        raise TypeError(f"this picture is of {wanted}, not of a {type(given).__name__}{several}")


def pyplot_figure(height: float) -> Figure:
    """An empty figure that notebooks and `plt.show()` know of; call it within `style()`."""
    from matplotlib import pyplot  # only where somebody looks at the screen: it chooses a way to show figures

    return pyplot.figure(figsize=(WIDTH, height), layout="constrained")


def figure_of(axes: Axes) -> Figure:
    """The figure that axes belong to."""
    figure = axes.get_figure(root=True)
    assert figure is not None, "axes that are drawn on belong to a figure"
    return figure


def inches(axes: Axes) -> tuple[float, float]:
    """Width and height of axes as they lie before a layout moves them."""
    box, size = axes.get_position(), figure_of(axes).get_size_inches()
    return float(box.width * size[0]), float(box.height * size[1])


def add_key(axes: Axes, handles: Sequence[Artist], *, given: bool, columns: int = 2, below: float = 42) -> None:
    """The key of a picture: at the foot of a figure that is ours, so many points below axes that were given."""
    if not given:
        figure_of(axes).legend(handles=handles, loc="outside lower left", ncols=columns, columnspacing=1.2)
        return
    axes.legend(
        handles=handles,
        loc="upper left",
        bbox_to_anchor=(0, 0),
        bbox_transform=axes.transAxes + ScaledTranslation(0, -below / 72, figure_of(axes).dpi_scale_trans),
        ncols=columns if inches(axes)[0] > 3.6 else 1,
        columnspacing=1.2,
        borderaxespad=0.2,
        fontsize=8,
    )


def literal_text(text: str) -> str:
    """Text from data, so that matplotlib does not take a dollar sign for mathematics nor a line break for a line."""
    return page_text(" ".join(text.split())).replace("$", r"\$")


def signed_number(value: float, digits: int = 2) -> str:
    """A number with its sign, a true minus; none where it rounds to zero."""
    text = f"{value:+.{digits}f}".replace("-", "−")
    return text if text.strip("+−0.") else text[1:]


def finite_arrays(*arrays: ArrayLike) -> list[np.ndarray]:
    """Arrays of finite numbers; raises `ValueError` where one is not."""
    values = [np.asarray(array, dtype=np.float64) for array in arrays]
    if not all(np.isfinite(value).all() for value in values):
        raise ValueError("a number to be drawn is NaN or infinite")
    return values


def label_right(axes: Axes, row: float, text: str, colour: str = INK, weight: str = "normal") -> None:
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


def save_figure(figure: Figure, folder: Path, name: str, document: str | None = None) -> None:
    """NAME.svg and NAME.png in `folder`, each renamed into place when complete.

    `document` is what `svg` made of the figure earlier, where it did: drawing takes a tenth of a second.
    """
    write_text(folder / f"{name}.svg", svg(figure) if document is None else document)
    image = io.BytesIO()
    with style():
        figure.savefig(image, format="png", dpi=PIXELS_PER_INCH)
    write_bytes(folder / f"{name}.png", image.getbuffer())
