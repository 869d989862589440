"""A picture of connectivity as a directed graph: regions are circles, connections arrows, self-connections loops."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.colors import to_hex, to_rgb
from matplotlib.lines import Line2D
from matplotlib.patches import Circle, FancyArrowPatch
from matplotlib.path import Path
from numpy.typing import ArrayLike

from dcm import Posterior, Spec
from peb import MEAN, GroupPosterior

from ..results import Connection, per_covariate
from ..tables import numbers_text
from ._effect_panels import shorten_name, wrap_text
from ._matrices import BETWEEN, SELF, chosen_matrix
from ._parameter_values import ParameterValues, parameter_values
from ._style import INK, MUTED, PAPER, add_key, check_class, given_or_new_axes, inches, style

BEND = 0.16  # of an arrow's length, so that both directions of a pair lie apart
FADED = 0.3  # of its colour, where the interval includes zero
THINNEST, WIDEST = 0.8, 4.5  # points
NUMBERED = 14  # arrows, up to which each says its value
SIGN = ("-|>", "-[,widthB=0.4,lengthB=0.0")  # heads: an arrow above zero, a bar below, as circuits are drawn


def plot_graph(
    result: Posterior | GroupPosterior,
    ax: Axes | None = None,
    *,
    matrix: str | None = None,
    covariate: str = MEAN,
    covariate_unit: str = "",
    spec: Spec | None = None,
    coordinates: Mapping[str, ArrayLike] | None = None,
    numbers: bool | None = None,
    legend: bool = True,
) -> Axes:
    """Connectivity as a directed graph: colour and head are the sign, width the size, faded what may be zero.

    An arrow ends in a head where its value is above zero (more excitation), in a bar where it is below (more
    inhibition). It is faded where the 90 % interval includes zero. Loops are self-connections, a log scale on the
    self-inhibition of ½ Hz: above zero is more self-inhibition, in hues of its own. Connections that the model lacks,
    or that are switched off, are not drawn.

    Arguments:
        result: one participant's posterior, or a group's.
        ax: where to draw; a new figure where None.
        matrix: ``A`` for average connectivity, ``B[faces]`` for what the input faces adds; the first that there
            is where None.
        covariate: of a group, whose effects.
        covariate_unit: what it is counted in, such as ``point``.
        spec: a group's model, for the order of its regions and for names with brackets or commas in them.
        coordinates: region → (x, y), in any unit, such as millimetres of an axial view; on a circle, clockwise from
            the top, where None.
        numbers: whether arrows say their values; up to 14 arrows where None.
        legend: whether to draw the key.

    Raises `ValueError` where the result has no such matrix, or a region has no coordinates.
    """
    check_class(result, Posterior, GroupPosterior)
    values = parameter_values(result, covariate, spec)
    drawn = _matrix_entries(values, matrix)
    places = _places(values.regions, coordinates)
    radius = _radius(places)
    modulator = values.parameters[drawn[0]].modulator if drawn else ""
    title = f"B: added by {shorten_name(modulator, 20)}" if modulator else "A: average"
    reach = (3.1 if any(_is_loop(values.parameters[i]) for i in drawn) else 1.3) * radius
    low, high = places.min(axis=0) - reach, places.max(axis=0) + reach
    with style():
        axes = given_or_new_axes(ax, 5.2)
        axes.set(xlim=(low[0], high[0]), ylim=(low[1], high[1]), aspect="equal")
        axes.set_axis_off()
        size = float(np.clip((np.array(inches(axes)) / (high - low)).min() / 1.15, 0.4, 1.2))  # of texts and lines
        edges = _edges(values, drawn)
        for edge in edges:
            _draw_edge(axes, edge, places, radius, size)
            if len(drawn) <= NUMBERED if numbers is None else numbers:
                _draw_number(axes, edge, places, radius, size)
        _draw_nodes(axes, values.regions, places, radius, size)
        unit = per_covariate("Hz", covariate, covariate_unit)
        what = title if covariate == MEAN else f"{title}, effect of {covariate}"
        axes.set_title(wrap_text(f"{what}, {unit}", 44, 3, balanced=True))
        if legend:
            add_key(axes, _key(edges), given=ax is not None, below=4)
    return axes


@dataclass(frozen=True)
class _Edge:
    """An arrow between regions, or the loop of one.

    Fields:
        name: of the parameter.
        source, to: places of the regions.
        value: posterior mean.
        text: the value with the digits that count.
        share: its size, of the largest of its kind.
        sure: whether the interval excludes zero.
    """

    name: str
    source: int
    to: int
    value: float
    text: str
    share: float
    sure: bool

    @property
    def is_loop(self) -> bool:
        """Whether it is a self-connection."""
        return self.source == self.to

    @property
    def colour(self) -> str:
        """The hue of its sign, paler where it may be zero."""
        return _faded((SELF if self.is_loop else BETWEEN)[int(self.value < 0)], self.sure)

    @property
    def width(self) -> float:
        """Of its line, points."""
        return THINNEST + (WIDEST - THINNEST) * self.share


def _is_loop(parameter: Connection) -> bool:
    return parameter.source == parameter.to


def _faded(colour: str, sure: bool) -> str:
    """A colour, or what remains of it over the paper: opaque, so that the ends of an arrow do not show through."""
    strength = 1.0 if sure else FADED
    red, green, blue = strength * np.array(to_rgb(colour)) + (1 - strength) * np.array(to_rgb(PAPER))
    return to_hex((red, green, blue))


def _matrix_entries(values: ParameterValues, matrix: str | None) -> list[int]:
    """Places of the parameters of one matrix that are not switched off."""
    own: dict[str, list[int]] = {}
    for i, parameter in enumerate(values.parameters):
        if parameter.field in ("A", "B"):
            name = f"B[{parameter.modulator}]" if parameter.modulator else "A"
            own.setdefault(name, []).append(i)
    return [i for i in own[chosen_matrix(list(own), matrix)] if values.sd[i] > 0]


def _places(regions: tuple[str, ...], coordinates: Mapping[str, ArrayLike] | None) -> Float[np.ndarray, "region 2"]:
    """Centres of the regions, the graph's extent about 2."""
    if coordinates is None:
        angle = np.pi / 2 - 2 * np.pi * np.arange(len(regions)) / len(regions)
        return np.stack([np.cos(angle), np.sin(angle)], axis=1)
    if missing := [name for name in regions if name not in coordinates]:
        raise ValueError(f"coordinates lack {', '.join(missing)}; give (x, y) of every region")
    places = np.array([np.ravel(np.asarray(coordinates[name], dtype=np.float64)) for name in regions])
    if places.shape != (len(regions), 2) or not np.isfinite(places).all():
        raise ValueError("coordinates must be two finite numbers, (x, y), for every region: choose two of three axes")
    middle = (places.min(axis=0) + places.max(axis=0)) / 2
    return (places - middle) / (np.ptp(places, axis=0).max() / 2 or 1.0)


def _radius(places: np.ndarray) -> float:
    """Of a region's circle: a third of the way to the nearest other, and no more than looks well."""
    apart = np.linalg.norm(places[:, None] - places[None], axis=-1)
    nearest = apart[apart > 0].min(initial=np.inf)
    return float(np.clip(nearest / 3, 0.06, 0.27))


def _edges(values: ParameterValues, drawn: list[int]) -> list[_Edge]:
    """Arrows and loops, the smallest first, so that large ones lie on top."""
    sizes = {loop: [abs(values.mean[i]) for i in drawn if _is_loop(values.parameters[i]) == loop] for loop in (0, 1)}
    largest = {loop: float(max(own, default=0.0)) or 1.0 for loop, own in sizes.items()}
    edges = []
    for i in drawn:
        parameter, value = values.parameters[i], float(values.mean[i])
        most = largest[_is_loop(parameter)]
        source, to = values.regions.index(parameter.source), values.regions.index(parameter.to)
        text = numbers_text([value], most)[0]
        edges.append(_Edge(parameter.name, source, to, value, text, abs(value) / most, bool(values.excludes_zero[i])))
    return sorted(edges, key=lambda edge: (edge.sure, edge.share))


def _draw_edge(axes: Axes, edge: _Edge, places: np.ndarray, radius: float, size: float) -> None:
    path, _ = _path(edge, places, radius)
    axes.add_patch(
        FancyArrowPatch(
            path=path,
            arrowstyle=SIGN[int(edge.value < 0)],
            mutation_scale=size * (8 + 1.8 * edge.width),
            linewidth=size * edge.width,
            color=edge.colour,
            capstyle="butt",
            joinstyle="miter",
            shrinkA=0,
            shrinkB=0,
            zorder=2,
            label=edge.name,
        )
    )


def _draw_number(axes: Axes, edge: _Edge, places: np.ndarray, radius: float, size: float) -> None:
    _, (x, y) = _path(edge, places, radius)
    axes.text(
        x,
        y,
        edge.text,
        ha="center",
        va="center",
        fontsize=max(5.0, 8.5 * size),
        color=INK if edge.sure else MUTED,
        fontweight="bold" if edge.sure else "normal",
        bbox={"boxstyle": "round,pad=0.12", "facecolor": PAPER, "edgecolor": "none", "alpha": 0.8},
        zorder=5,
    )


def _path(edge: _Edge, places: np.ndarray, radius: float) -> tuple[Path, np.ndarray]:
    """The line, and where its number goes."""
    if edge.is_loop:
        return _loop(places[edge.source], places.mean(axis=0), radius)
    return _arc(places[edge.source], places[edge.to], radius)


def _arc(source: np.ndarray, to: np.ndarray, radius: float) -> tuple[Path, np.ndarray]:
    """A bent line from rim to rim; its number a third along, so that those of pairs and of crossings are apart."""
    across = to - source
    bent = (source + to) / 2 + BEND * np.array([across[1], -across[0]])
    start, end = source + _towards(source, bent, 1.06 * radius), to + _towards(to, bent, 1.16 * radius)
    along = 0.36
    label = (1 - along) ** 2 * start + 2 * along * (1 - along) * bent + along**2 * end
    return Path([start, bent, end], [Path.MOVETO, Path.CURVE3, Path.CURVE3]), label


def _loop(centre: np.ndarray, middle: np.ndarray, radius: float) -> tuple[Path, np.ndarray]:
    """A loop on the side of a circle that faces away from the graph's middle."""
    away = _towards(middle, centre, 1.0)
    angle = np.arctan2(away[1], away[0]) if away.any() else np.pi / 2

    def at(offset: float, distance: float) -> np.ndarray:
        return np.asarray(centre + distance * radius * np.array([np.cos(angle + offset), np.sin(angle + offset)]))

    corners = [at(0.5, 1.0), at(0.62, 2.6), at(-0.62, 2.6), at(-0.5, 1.16)]
    return Path(corners, [Path.MOVETO, Path.CURVE4, Path.CURVE4, Path.CURVE4]), at(0.0, 2.45)


def _towards(start: np.ndarray, end: np.ndarray, length: float) -> np.ndarray:
    across = end - start
    distance = float(np.linalg.norm(across))
    return np.asarray(across * (length / distance if distance > 1e-9 else 0.0))


def _draw_nodes(axes: Axes, regions: tuple[str, ...], places: np.ndarray, radius: float, size: float) -> None:
    letters = 10 if radius > 0.2 else 9
    for name, (x, y) in zip(regions, places, strict=True):
        axes.add_patch(Circle((x, y), radius, facecolor=PAPER, edgecolor=INK, linewidth=1.1 * size, zorder=4))
        words = " ".join(shorten_name(word, letters) for word in name.split())
        text = wrap_text(words, letters, 2, balanced=True)
        longest = max(len(line) for line in text.split("\n"))
        room = size * radius * 250 / (longest + 0.5)  # points; letters are about two thirds as wide as high
        axes.text(
            x,
            y,
            text,
            ha="center",
            va="center",
            fontsize=float(np.clip(room, 4.5, 10 * size)),
            color=INK,
            fontweight="bold",
            zorder=6,
        )


def _key(edges: Sequence[_Edge]) -> list[Line2D]:
    """Of what is there."""
    key = []
    for loop, colours, labels in (
        (False, BETWEEN, ("arrow: + more excitation", "bar: − more inhibition")),
        (True, SELF, ("loop: + more self-inhibition", "loop: − less self-inhibition")),
    ):
        for below, (colour, label) in enumerate(zip(colours, labels, strict=True)):
            if any(edge.is_loop == loop and (edge.value < 0) == below for edge in edges):
                key.append(Line2D([], [], color=colour, linewidth=3, label=label))
    if not all(edge.sure for edge in edges):
        key.append(Line2D([], [], color=_faded(INK, sure=False), linewidth=3, label="faded: 90 % interval includes 0"))
    return key
