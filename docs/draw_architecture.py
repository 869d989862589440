"""Draws `docs/architecture.svg` from the code, every room, what it is for and what it uses, and lists every file.

python docs/draw_architecture.py           # draws it again
python docs/draw_architecture.py --check   # exits 1 where picture or list are not those of the code

Rows are the layers of `pyproject.toml`, which the import linter holds; what a room is for is the first sentence of its
package; an arrow is an import that no chain of other arrows implies.
"""

from __future__ import annotations

import ast
import sys
import tomllib
from collections.abc import Iterable, Sequence
from html import escape
from pathlib import Path
from textwrap import wrap

ROOT = Path(__file__).resolve().parents[1]
PICTURE, PAGE = ROOT / "docs" / "architecture.svg", ROOT / "docs" / "architecture.md"
MARK = "<!-- files: drawn by docs/draw_architecture.py -->"
WIDTH, BOX, LINE, GAP, MARGIN = 1080, 310, 15, 44, 24
LETTERS = 43  # that a line of a box holds

STYLE = """
  text { font: 12px system-ui, sans-serif; fill: #1f2933 }
  .name { font-weight: 600; font-size: 14px }
  rect { fill: #f4f7fa; stroke: #7b8794; rx: 6 }
  .engine rect { fill: #e3f0ea; stroke: #3f7d62 }
  path { fill: none; stroke: #9aa5b1; stroke-width: 1.2 }
"""


def layers() -> list[list[str]]:
    """Rooms by layer, top to bottom, as the import linter has them."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    contracts = settings["tool"]["importlinter"]["contracts"]
    packages = next(contract["layers"] for contract in contracts if "effconn" in contract.get("layers", ()))
    rooms = next(contract["layers"] for contract in contracts if contract.get("containers") == ["pipeline"])
    rows: list[list[str]] = []
    for layer in packages:
        if layer == "pipeline":
            rows += [[f"pipeline.{room.strip()}" for room in row.split("|")] for row in rooms]
        else:
            rows.append([package.strip() for package in layer.split("|")])
    return rows


def imported(room: str, rooms: Iterable[str]) -> set[str]:
    """Rooms that the files of a room import, wherever in the file."""
    found = set()
    for path in (ROOT / room.replace(".", "/")).rglob("*.py*"):
        if path.suffix not in (".py", ".pyi"):
            continue
        package = path.relative_to(ROOT).parent.parts
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom):
                base = package[: len(package) - node.level + 1] if node.level else ()
                found.add(".".join([*base, *filter(None, [node.module])]))
            elif isinstance(node, ast.Import):
                found |= {alias.name for alias in node.names}
    return {below for below in rooms if below != room and any(f"{name}.".startswith(f"{below}.") for name in found)}


def shortest(uses: dict[str, set[str]]) -> dict[str, set[str]]:
    """The arrows that no chain of other arrows implies (transitive reduction)."""

    def reached(start: str) -> set[str]:
        below: set[str] = set()
        for room in uses[start]:
            below |= {room} | reached(room)
        return below

    return {
        room: {target for target in used if not any(target in reached(other) for other in used - {target})}
        for room, used in uses.items()
    }


def purpose(room: str) -> str:
    """The first sentence of a package's docstring."""
    code = (ROOT / room.replace(".", "/") / "__init__.py").read_text(encoding="utf-8")
    sentences = " ".join((ast.get_docstring(ast.parse(code)) or "").split()).replace("`", "")
    return sentences.split(". ")[0].rstrip(".")


def draw() -> str:
    """The picture as SVG; the same code gives the same bytes."""
    rows = layers()
    rooms = [room for row in rows for room in row]
    arrows = shortest({room: imported(room, rooms) for room in rooms})
    words = {room: wrap(purpose(room), LETTERS) for room in rooms}
    corner: dict[str, tuple[float, float]] = {}
    size: dict[str, float] = {}
    top = float(MARGIN)
    for row in rows:
        height = 30 + LINE * max(len(words[room]) for room in row)
        step = (WIDTH - 2 * MARGIN) / len(row)
        for place, room in enumerate(row):
            corner[room] = (MARGIN + step * (place + 0.5) - BOX / 2, top)
            size[room] = height
        top += height + GAP
    lines = [_arrow(corner[room], size[room], corner[used]) for room in rooms for used in sorted(arrows[room])]
    boxes = [_box(room, corner[room], size[room], words[room]) for room in rooms]
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {top - GAP + MARGIN:.0f}" role="img" '
            'aria-label="The rooms of effconn, top to bottom: each uses only what is below it">',
            f"<style>{STYLE}</style>",
            '<defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto">'
            '<path d="M0 0 L8 4 L0 8" /></marker></defs>',
            *lines,
            *boxes,
            "</svg>\n",
        ]
    )


def _arrow(start: tuple[float, float], height: float, end: tuple[float, float]) -> str:
    x, y = start[0] + BOX / 2, start[1] + height
    to_x, to_y = end[0] + BOX / 2, end[1]
    bend = GAP * 0.7
    return (
        f'<path d="M{x:.0f} {y:.0f} C{x:.0f} {y + bend:.0f} {to_x:.0f} {to_y - bend:.0f} {to_x:.0f} {to_y:.0f}" '
        'marker-end="url(#tip)" />'
    )


def _box(room: str, corner: tuple[float, float], height: float, words: Sequence[str]) -> str:
    x, y = corner
    kind = "" if room.startswith("pipeline") else ' class="engine"'
    text = "".join(
        f'<text x="{x + 10:.0f}" y="{y + 36 + LINE * place:.0f}">{escape(line)}</text>'
        for place, line in enumerate(words)
    )
    return (
        f'<g{kind}><rect x="{x:.0f}" y="{y:.0f}" width="{BOX}" height="{height:.0f}" />'
        f'<text class="name" x="{x + 10:.0f}" y="{y + 19:.0f}">{room.replace(".", "/")}/</text>{text}</g>'
    )


def list_files() -> str:
    """Every module of the engines and the shell with the first line of its docstring, by room, as Markdown."""
    lines = []
    for room in (room for row in layers() for room in row):
        folder = ROOT / room.replace(".", "/")
        lines.append(f"\n**`{room.replace('.', '/')}/`**: {purpose(room)}.\n")
        lines += [f"- `{path.name}`: {_first_comment(path)}" for path in sorted(folder.glob("*.pyi"))]
        for path in sorted(folder.glob("*.py")):
            if path.name not in ("__init__.py", "__main__.py"):
                doc = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
                lines.append(f"- `{path.name}`: {doc.partition(chr(10))[0].rstrip('.:')}")
    return "\n".join(lines) + "\n"


def _first_comment(path: Path) -> str:
    """The first sentence of the comment that a file begins with."""
    return path.read_text(encoding="utf-8").partition("\n")[0].lstrip("# ").rstrip(".").replace("`", "")


def page() -> str:
    """The page with its list of files made anew."""
    written = PAGE.read_text(encoding="utf-8")
    return written.partition(MARK)[0] + MARK + "\n" + list_files()


def main(arguments: Sequence[str]) -> int:
    """Draws picture and list, or says whether they are those of the code."""
    drawn = {PICTURE: draw(), PAGE: page()}
    if "--check" in arguments:
        stale = [path.name for path, text in drawn.items() if path.read_text(encoding="utf-8") != text]
        print(f"{' and '.join(stale)}: stale; run python docs/draw_architecture.py" if stale else "as the code is")
        return 1 if stale else 0
    for path, text in drawn.items():
        path.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
