"""The group level against SPM12: `python -m benchmarks.peb --first-level DIR --reference PEB.mat --models MODELS.mat`.

Every analysis in the reference file is run again on SPM's first-level posteriors (sorted by name, with the reference's
own design, fields and components) and compared with SPM's numbers; then come timings of larger cases.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from pipeline.common import UsageError, start_jax

from ._table import table, write_json

COLUMNS = (
    *("name", "delta_f", "max_abs_delta_ep", "max_rel_delta_sd", "max_abs_delta_pp", "max_abs_delta_p"),
    *("max_rel_delta_estimate", "delta_r", "seconds", "seconds_spm"),
)


def main() -> int:
    """Compare and time; 0 where every analysis could be run, or where the reference is absent."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.peb", description=__doc__)
    parser.add_argument("--first-level", type=Path, metavar="DIR", help="DCM_*.mat files that SPM12 has estimated")
    parser.add_argument("--reference", type=Path, metavar="FILE", help="SPM12's group results")
    parser.add_argument("--models", type=Path, metavar="FILE", help="the models that were compared (GCM of structures)")
    parser.add_argument("--predicted", default="B(4,4,3)", help="parameter that the reference's leave-one-out used")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the numbers there")
    parser.add_argument("--no-timings", action="store_true", help="only compare")
    chosen = parser.parse_args()
    given = (chosen.first_level, chosen.reference)
    absent = [str(path) for path in (*given, chosen.models) if path is not None and not path.exists()]
    note = start_jax()
    if note is not None:
        print(f"note: {note}")
    content: dict[str, object] = {}
    if None in given or absent:
        print(f"comparison skipped: {', '.join(absent) or '--first-level and --reference'} not there")
    else:
        from ._peb_reference import compare_all

        try:
            analyses = compare_all(chosen.first_level, chosen.reference, chosen.models, chosen.predicted)
        except (UsageError, ValueError) as error:
            parser.error(str(error))
        print(table(analyses, COLUMNS))
        for analysis in analyses:
            for line in analysis.get("remarks", ()):
                print(f"{analysis['name']}: {line}")
        content["analyses"] = analyses
    if not chosen.no_timings:
        from ._peb_timings import timings

        content["timings"] = rows = timings()
        print(table(rows, ("case", "first_seconds", "seconds", "bound_seconds", "error", "peak_gb")))
    if chosen.json is not None:
        write_json(chosen.json, content)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
