"""The study pipeline: `python -m benchmarks.pipeline [--participants 500] [--json FILE]`.

First, how long it takes to see that a large study has not changed: headers, tables, regions, units and records of every
run and model. Then, how many runs a second are extracted by one worker and by two, as processes and on a local Dask
cluster.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

from pipeline.common import start_jax

from ._options import whole_number
from ._table import table, write_json


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.pipeline", description=__doc__)
    parser.add_argument("--participants", type=whole_number(2), default=500, metavar="N", help="of the large study")
    parser.add_argument(
        "--repeats", type=whole_number(1), default=3, metavar="N", help="of every measurement; medians are shown"
    )
    parser.add_argument("--only", choices=("plan", "throughput"), help="one of the two")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the numbers there")
    chosen = parser.parse_args()
    start_jax()
    content: dict[str, object] = {}
    with tempfile.TemporaryDirectory(prefix="effconn-") as folder:
        if chosen.only != "throughput":
            from ._pipeline_plan import time_plan

            rows, peak = time_plan(Path(folder) / "large", chosen.participants, chosen.repeats)
            content["plan"], content["plan_peak_mb"] = rows, peak
            print(table(rows, ("step", "count", "seconds")), f"\npeak memory {peak:.0f} MB\n")
        if chosen.only != "plan":
            from ._pipeline_throughput import time_extraction

            content["throughput"] = rows = time_extraction(Path(folder) / "throughput", chosen.repeats)
            speed = ("seconds_to_start", "runs_per_second", "times_one", "at_equal_share")
            print(table(rows, ("workers", "count", *speed, "cpu_seconds_per_run", "share_of_a_core")))
    if chosen.json is not None:
        write_json(chosen.json, content)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
