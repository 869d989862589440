"""The SLURM example asks for the workers that it says it does."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLE = Path(__file__).parents[3] / "examples" / "slurm_cluster.py"


def test_the_example_prints_the_job_it_would_submit() -> None:
    pytest.importorskip("dask_jobqueue", reason="the slurm extra is not installed")
    done = subprocess.run([sys.executable, EXAMPLE], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert {"#SBATCH -p normal", "#SBATCH --cpus-per-task=1", "#SBATCH --mem=4G", "#SBATCH -t 04:00:00"} <= set(lines)
    assert any("dask_worker tcp://" in line and "--nthreads 1" in line for line in lines)
