"""Are results the same as before?  ``python -m benchmarks.same_results record DIR``, ``… compare BEFORE AFTER``

``record`` runs a fixed list of commands through the console script, of this checkout or with ``--effconn`` of another,
and keeps everything they write and print: `effconn demo --seed 0`, inversions, comparisons with SPM12, every group
analysis in the default mode and SPM12's, predictions, calibration, studies. It takes about eight minutes on two idle
cores; what needs data that is not there is left out, and said. ``compare`` holds two such recordings side by side:

- tables and JSON: every name, text and digit; NetCDF and MATLAB files: every value to the last bit;
- pages, texts and what was printed: every number in its order, whatever the words and the markup;
- pictures: the same bytes, or other words and the same numbers; images: the same bytes.

Files are *identical*; *masked* where only durations, times of day, versions, digests, places or markup differ;
*reworded* where headings, sentences of four words or more and lines that came in between are others, with the same
numbers in all that was there before; and *differing*. Names, columns, keys and shorter texts that were changed on
purpose are listed in ``renamed.tsv`` (old, new, why), by whole words; an empty old name was added, an empty new one
dropped. Exits with 1 where a file differs.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from ._result_commands import RECORD, record
from ._result_comparison import Change, FileComparison, compare_folders, counts_by_kind, read_renames
from ._table import table, write_json

SHARED = Path(__file__).resolve().parents[2] / "shared" / "data"
RENAMED = Path(__file__).with_name("renamed.tsv")
COLUMNS = ("kind", "files", "identical", "masked", "reworded", "differing")
SHOWN = 40  # files that differ, and changes of words, that are printed; JSON has all
PLACES = 3  # of each file
WIDTH, CONTEXT = 120, 40  # characters of a text, and of these what is the same before the first difference


def main(arguments: Sequence[str] | None = None) -> int:
    """Record or compare; 1 where results differ."""
    options = _options(arguments)
    if options.action == "record":
        content = record(options.folder, options.shared, options.effconn.absolute(), options.only)
        seconds = sum(done["seconds"] for done in content["commands"].values())
        print(f"{len(content['commands'])} commands, {len(content['left_out'])} left out, {seconds:.0f} s")
        return 0
    found, apart, unused = compare(options.before, options.after, options.renamed)
    _print(found, apart, unused)
    if options.json is not None:
        files = [asdict(file) for file in found if file.outcome not in ("identical", "masked")]
        content = {"kinds": counts_by_kind(found), "files": files, "not_compared": apart, "unused_renames": unused}
        write_json(options.json, content)
    return 1 if any(file.outcome == "differing" for file in found) else 0


def compare(before: Path, after: Path, renamed: Path) -> tuple[list[FileComparison], list[str], list[str]]:
    """Every file of the commands that both recordings have, the commands of one alone, and renames that nothing has."""
    records = [_read_record(folder) for folder in (before, after)]
    renames = read_renames(renamed)
    places = tuple([content["folder"], content["shared"]] for content in records)
    found = []
    for name in records[0]["commands"]:
        if name in records[1]["commands"]:
            for file in compare_folders(before / name, after / name, renames, (places[0], places[1])):
                file.path = f"{name}/{file.path}"
                found.append(file)
    return found, sorted(set(records[0]["commands"]) ^ set(records[1]["commands"])), renames.unused


def _print(found: Sequence[FileComparison], apart: Sequence[str], unused: Sequence[str]) -> None:
    rows = counts_by_kind(found)
    rows.append({"kind": "all", **{name: sum(int(row[name]) for row in rows) for name in COLUMNS[1:]}})
    print(table(rows, COLUMNS))
    if apart:
        print(f"\nnot compared, as one recording lacks them: {', '.join(apart)}")
    if unused:
        print(f"\nrenamed, but met nowhere: {', '.join(unused)}")
    differing = [file for file in found if file.outcome == "differing"]
    for file in differing[:SHOWN]:
        print(f"\n{file.path} differs in {len(file.differing)} places")
        for change in file.differing[:PLACES]:
            print(f"  {change.place}: {_arrow(change)}")
    if len(differing) > SHOWN:
        print(f"\n… and {len(differing) - SHOWN} more files that differ")
    words = Counter((change.before, change.after) for file in found for change in file.reworded)
    if words:
        print(f"\nother words with the same numbers: {len(words)}")
    for (old, new), times in words.most_common(SHOWN):
        print(f"  {times} × {_arrow(Change('', old, new))}")


def _arrow(change: Change) -> str:
    """Both texts; of long ones what lies about the first difference."""
    pairs = enumerate(zip(change.before, change.after, strict=False))
    same = next((i for i, (old, new) in pairs if old != new), 0)
    begin = max(0, same - CONTEXT) if max(len(change.before), len(change.after)) > WIDTH else 0
    before, after = (
        f"{'…' if begin else ''}{text[begin : begin + WIDTH]}{'…' if len(text) > begin + WIDTH else ''}"
        for text in (change.before, change.after)
    )
    return f"{before!r} → {after!r}"


def _read_record(folder: Path) -> dict[str, Any]:
    if not (folder / RECORD).is_file():
        sys.exit(f"{folder} holds no recording; make one with python -m benchmarks.same_results record {folder}")
    content: dict[str, Any] = json.loads((folder / RECORD).read_text(encoding="utf-8"))
    return content


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.same_results", description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    actions = parser.add_subparsers(dest="action", required=True)
    recording = actions.add_parser("record", help="run the commands and keep everything they write")
    recording.add_argument("folder", type=Path, metavar="DIR")
    recording.add_argument("--shared", type=Path, default=SHARED, help="folder of the shared data")
    recording.add_argument(
        "--effconn", type=Path, default=Path(sys.executable).with_name("effconn"), metavar="EXECUTABLE"
    )
    recording.add_argument("--only", nargs="+", default=["*"], metavar="NAME", help="commands, such as 'peb-*'")
    comparing = actions.add_parser("compare", help="hold two recordings side by side")
    comparing.add_argument("before", type=Path, metavar="BEFORE")
    comparing.add_argument("after", type=Path, metavar="AFTER")
    comparing.add_argument("--renamed", type=Path, default=RENAMED, metavar="FILE")
    comparing.add_argument("--json", type=Path, metavar="FILE")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    raise SystemExit(main())
