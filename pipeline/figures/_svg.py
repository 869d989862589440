"""Drawings as SVG markup: text that can be searched, no style sheet, nothing that acts.

A page's Content-Security-Policy allows no `style` attributes and no style elements but the page's own, so that what
matplotlib writes as styles is turned into presentation attributes, which mean the same.
"""

from __future__ import annotations

import html
import re
from functools import cache
from xml.etree import ElementTree

from markupsafe import escape
from matplotlib.font_manager import FontProperties, findfont
from matplotlib.ft2font import FT2Font, LoadFlags

from ..common import page_text

FONTS = "DejaVu Sans, Verdana, Arial, sans-serif"  # the first comes with matplotlib and is what layouts are made for
SHORT = 4  # letters that need no width of their own

_TAG = re.compile(r"<[a-zA-Z][^<>]*>")
_STYLE = re.compile(r'\sstyle="([^"]*)"')
_FONT = re.compile(r"(.*?)([0-9.]+px)\s.*")
_TEXT = re.compile(r"<text([^<>]*)>([^<>]*)</text>")

_ELEMENTS = frozenset(  # that matplotlib draws with
    ("svg", "g", "defs", "path", "use", "rect", "clipPath", "image", "circle", "ellipse", "line", "polygon", "title")
).union(("polyline", "linearGradient", "stop", "filter", "pattern", "text", "tspan"))
_ATTRIBUTES = frozenset(
    ("id", "class", "role", "aria-label", "version", "viewBox", "preserveAspectRatio", "transform", "d", "points")
).union(
    ("x", "y", "x1", "x2", "y1", "y2", "cx", "cy", "r", "rx", "ry", "width", "height", "offset", "href", "dx", "dy"),
    ("fill", "fill-rule", "fill-opacity", "opacity", "stroke", "stroke-opacity", "stroke-width", "stroke-linecap"),
    ("stroke-linejoin", "stroke-dasharray", "stroke-dashoffset", "stroke-miterlimit", "stop-color", "stop-opacity"),
    ("clip-path", "clip-rule", "image-rendering", "font-size", "font-weight", "font-style", "font-family"),
    ("font-stretch", "font-variant", "text-anchor", "textLength", "lengthAdjust", "gradientUnits", "patternUnits"),
)


def plain_svg(document: str) -> str:
    """What matplotlib wrote, with presentation attributes for styles and texts as wide as the layout expects them."""
    head, mark, body = document.partition("<svg ")
    body = re.sub(r"<style\b.*?</style>", "", body, count=1, flags=re.DOTALL)  # *{stroke-linejoin; stroke-linecap}
    body = _TAG.sub(lambda tag: _STYLE.sub(_attributes, tag.group()).replace(' transform="rotate(-0 ', " \0"), body)
    body = re.sub(r' \0[^"]*"', "", body)
    body = page_text(_TEXT.sub(_fitted, body))
    return f'{head}{mark}stroke-linejoin="round" stroke-linecap="butt" font-family="{FONTS}" {body}'


def _attributes(style: re.Match[str]) -> str:
    """A `style` attribute as presentation attributes; the family of fonts is the drawing's."""
    found: dict[str, str] = {}
    for rule in html.unescape(style.group(1)).split(";"):
        key, _, value = (part.strip() for part in rule.partition(":"))
        if key == "font" and (short := _FONT.fullmatch(value)):  # of some versions of matplotlib
            found["font-size"] = short.group(2)
            found |= {"font-weight": "bold"} if "bold" in short.group(1) or "700" in short.group(1) else {}
        elif key in _ATTRIBUTES and key != "font-family":
            found[key] = value
    return "".join(f' {key}="{escape(value)}"' for key, value in found.items())


def _fitted(text: re.Match[str]) -> str:
    """A text with the width that the layout has for it, whatever fonts the reader has."""
    attributes, content = text.group(1), text.group(2)
    letters = html.unescape(content)
    size = re.search(r'font-size="([\d.]+)px"', attributes)
    if len(letters) <= SHORT or size is None or letters != letters.strip() or "  " in letters:
        return text.group()
    width = _width(letters, 'font-weight="' in attributes)
    if width is None:
        return text.group()
    length = f' textLength="{width * float(size.group(1)):.1f}" lengthAdjust="spacingAndGlyphs"'
    return f"<text{attributes}{length}>{content}</text>"


def _width(letters: str, bold: bool) -> float | None:
    """Of a text, in sizes of its font; None where the font lacks a letter."""
    widths = [_advance(letter, bold) for letter in letters]
    return None if None in widths else sum(width for width in widths if width is not None)


@cache
def _advance(letter: str, bold: bool) -> float | None:
    """Of a letter, in sizes of its font; None where the font lacks it."""
    font, known = _font(bold)
    if ord(letter) not in known:
        return None
    return font.load_char(ord(letter), LoadFlags.NO_SCALE).horiAdvance / font.units_per_EM


@cache
def _font(bold: bool) -> tuple[FT2Font, frozenset[int]]:
    """The font, and the letters it has."""
    properties = FontProperties(family="DejaVu Sans", weight="bold" if bold else "normal")
    font = FT2Font(findfont(properties))
    return font, frozenset(font.get_charmap())


def svg_element(document: str, name: str, label: str, variables: dict[str, str]) -> str:
    """A document of `plain_svg` as an element for a page: ids of its own, and `label` read aloud.

    Arguments:
        name: put into the markup as it is; a word of our own.
        variables: colours in the document, each with what the page has for it.
    """
    text = document[document.index("<svg") :]
    text = re.sub(r"<metadata>.*?</metadata>", "", text, flags=re.DOTALL)
    text = re.sub(r"<!--.*?-->", "", text, flags=re.DOTALL)
    text = _TAG.sub(lambda tag: _own_ids(tag.group(), name, variables), text)
    text = re.sub(r' width="[\d.]+pt" height="[\d.]+pt"| height="[\d.]+pt"| width="[\d.]+pt"', "", text, count=2)
    return text.replace("<svg ", f'<svg role="img" aria-label="{escape(page_text(label))}" ', 1)


def _own_ids(tag: str, name: str, variables: dict[str, str]) -> str:
    tag = re.sub(r'\bid="', f'id="{name}-', tag)
    tag = re.sub(r'href="#', f'href="#{name}-', tag)
    tag = re.sub(r"url\(#", f"url(#{name}-", tag)
    for colour, variable in variables.items():
        tag = tag.replace(colour, variable)
    return tag


def checked_svg(text: str) -> str:
    """The markup of `svg_element` read back from a file; raises `ValueError` where it holds what can act."""
    refused = [mark for mark in ("<!", "<?") if mark in text]
    if refused:
        raise ValueError(f"a stored picture holds {refused[0]}, which none of ours does")
    for element in ElementTree.fromstring(text).iter():
        kind = element.tag.rpartition("}")[2]
        if kind not in _ELEMENTS:
            raise ValueError(f"a stored picture holds <{kind}>, which none of ours does")
        for key, value in element.attrib.items():
            _check(key.rpartition("}")[2], value)
    return text


def _check(key: str, value: str) -> None:
    """Raises `ValueError` where an attribute is none of those that draw, or refers to anything but its own drawing."""
    if key not in _ATTRIBUTES:
        raise ValueError(f"a stored picture has {key}, which none of ours has")
    elsewhere = key == "href" and not value.startswith(("#", "data:image/png;base64,"))
    if elsewhere or (key != "aria-label" and re.search(r"url\(\s*(?!#)", value, re.IGNORECASE)):
        raise ValueError(f"a stored picture has {key} to elsewhere, which none of ours has")
