"""What every test needs: 64-bit JAX with a compilation cache, and shape annotations that are checked."""

from __future__ import annotations

import gc
import os
import re
import tempfile
from importlib.metadata import version
from pathlib import Path

# Before NumPy and JAX are loaded: two workers have a core each, and small matrices gain nothing from threads. One cache
# of compiled code for tests and for the processes that they start, and nothing left in the user's.
_CACHE = Path(os.environ.get("EFFCONN_TEST_CACHE", Path(tempfile.gettempdir()) / "effconn-test-cache"))
_FOR_ALL = {
    "EFFCONN_CACHE": str(_CACHE),
    "JAX_COMPILATION_CACHE_DIR": str(_CACHE / "jax"),  # where effconn has it too
    "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
    "JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES": "-1",
}
os.environ.update(_FOR_ALL)
for _threads in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_threads, "1")
# Tests compile much and compute little: without XLA's optimisations all of them take a sixth less time.
os.environ.setdefault("JAX_DISABLE_MOST_OPTIMIZATIONS", "1")
# What an inversion asks of XLA (`dcm._runtime`) halves the compilation of everything else. XLA ends a process for a
# flag that it does not know, so only the release that is locked is given it.
_LOCKED = re.search(r"(?m)^jaxlib==(\S+)", (Path(__file__).parents[1] / "constraints.txt").read_text(encoding="utf-8"))
if _LOCKED and version("jaxlib") == _LOCKED[1]:
    # In one piece rather than in 32 for as many threads, code is compiled with a twentieth less work.
    _flags = "--xla_cpu_use_fusion_emitters=false --xla_cpu_parallel_codegen_split_count=1"
    os.environ["XLA_FLAGS"] = f"{os.environ.get('XLA_FLAGS', '')} {_flags}".strip()

import jax  # noqa: E402 - only once its flags are set
import pytest  # noqa: E402 - likewise
from hypothesis import settings  # noqa: E402 - likewise

jax.config.update("jax_enable_x64", True)
settings.register_profile("effconn", deadline=None, derandomize=True)  # no test is timed; every run is the same
settings.load_profile("effconn")

from jaxtyping import install_import_hook  # noqa: E402 - only once JAX is in 64-bit mode

# The equations' shapes are checked whenever a test traces them; the objects around them validate themselves.
_EQUATIONS = ["_neural", "_haemodynamics", "_linear", "_flow", "_schedule"]
_EQUATIONS += [
    "_ar_sums",
    "_ar_noise",
    "_nonlinear",
    "_inflow",
    "_inflow_sensitivity",
    "_balloon",
    "_gating",
    "_kernels",
]
with install_import_hook([f"dcm.{name}" for name in _EQUATIONS], "beartype.beartype"):
    import dcm  # noqa: F401 - its modules are checked from now on

# Begun first, so that no worker is left with a long module while the other has nothing more to do.
_LONGEST = [
    "stages/test_study_run.py",
    "synthetic/test_examples_run.py",
    "documentation/test_gallery.py",
    "dcm/test_runs.py",
    "cli/test_cli.py",
    "cli/test_cli_peb.py",
    "documentation/test_pages.py",
    "documentation/test_site.py",
    "benchmarks/test_speed.py",
    "execution/test_clusters.py",
    "peb/test_fit_visits.py",
    "report/test_pages_in_browser.py",
    "stages/test_many_models_run.py",
    "dcm/test_cohort.py",
    "peb/test_sampling.py",
    "benchmarks/test_accuracy.py",
]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Puts the longest modules first; the others stay in their order."""

    def rank(item: pytest.Item) -> int:
        module = f"{item.path.parent.name}/{item.path.name}"
        return _LONGEST.index(module) if module in _LONGEST else len(_LONGEST)

    items.sort(key=rank)


def pytest_collection_finish() -> None:
    """What is loaded by now stays: looking through it for garbage again and again took a tenth of the whole run."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)


SHARED = Path(__file__).resolve().parents[2] / "shared" / "data"


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The reference data beside the project, which it must work without."""
    if not SHARED.is_dir():
        pytest.skip(f"reference data not found at {SHARED}")
    return SHARED
