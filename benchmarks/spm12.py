"""Accuracy against SPM12: `python -m benchmarks.spm12 DIR [--json FILE]`, a table and a summary over estimated DCMs."""

from __future__ import annotations

import argparse
from pathlib import Path

from pipeline.cli._compare_spm import run_compare
from pipeline.common import UsageError, start_jax

from ._options import whole_number


def main() -> int:
    """Compare every DCM_*.mat in a folder; 0 where all could be compared, or where the folder is absent."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.spm12", description=__doc__)
    parser.add_argument("folder", type=Path, metavar="DIR", help="DCM_*.mat files that SPM12 has estimated")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the numbers there")
    parser.add_argument("--derivatives", choices=("exact", "spm"), default="exact")
    parser.add_argument("--starts", type=whole_number(1), default=1)
    parser.add_argument("--seed", type=whole_number(0), default=0)
    chosen = parser.parse_args()
    if not chosen.folder.is_dir():
        print(f"skipped: {chosen.folder} is absent; give a folder of DCM_*.mat files that SPM12 has estimated")
        return 0
    note = start_jax()
    if note is not None:
        print(f"note: {note}")
    try:
        return run_compare([chosen.folder], "spm12", chosen.derivatives, chosen.starts, chosen.seed, chosen.json)
    except (UsageError, ValueError) as error:
        parser.error(str(error))


if __name__ == "__main__":
    raise SystemExit(main())
