"""What the command line sets up before anything else: one installation, 64 bit, a cache of compiled code."""

from __future__ import annotations

import gc
import importlib.util
import os
import sys
import time
from pathlib import Path
from typing import Any

from ._console import UsageError
from ._provenance import describe_precision, release
from ._text import shorten

CORES_VARIABLE = "EFFCONN_CORES"  # environment variable: how many cores inversions use
PACKAGES = ("dcm", "peb", "features", "pipeline")


def collect_garbage_rarely() -> None:
    """For a process that is all ours: looking through what JAX and others load again and again takes a tenth of it."""
    gc.set_threshold(50_000, 10, 10)


def check_packages() -> None:
    """Raises `UsageError`, naming the file, where another package of the same name shadows one of effconn's."""
    home = Path(__file__).resolve().parents[2]
    for name in PACKAGES:
        spec = importlib.util.find_spec(name)
        if spec is None:
            raise UsageError(f"effconn's package '{name}' is missing beside {home / 'pipeline'}; install effconn again")
        places = [spec.origin] if spec.origin else list(spec.submodule_search_locations or [])
        found = Path(places[0]).resolve()
        if found.parent not in (home / name, home):
            raise UsageError(
                f"{found} shadows effconn's own package '{name}' in {home}; "
                "rename it, or start elsewhere and with PYTHONPATH unset"
            )


def cache_folder() -> Path:
    """Where compiled code is kept: EFFCONN_CACHE, or effconn/jax in the platform's cache folder."""
    if chosen := os.environ.get("EFFCONN_CACHE"):
        return Path(chosen).expanduser() / "jax"
    if sys.platform == "win32":
        base = Path(os.environ.get("LOCALAPPDATA", "~/AppData/Local"))
    elif sys.platform == "darwin":
        base = Path("~/Library/Caches")
    else:
        base = Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache")
    return base.expanduser() / "effconn" / "jax"


def count_cores() -> int:
    """Cores that inversions use: as EFFCONN_CORES says, or all that this process may.

    Raises `UsageError` where it says no number.
    """
    said = os.environ.get(CORES_VARIABLE, "").strip()
    if not said:
        affinity = getattr(os, "sched_getaffinity", None)  # absent on macOS
        return len(affinity(0)) if affinity else os.cpu_count() or 1
    if not (said.isascii() and said.isdigit() and int(said) > 0):
        raise UsageError(
            f"{CORES_VARIABLE} must be a number of cores, 1 or more, not {shorten(said)!r}; or leave it unset"
        )
    return int(said)


def start_jax() -> str | None:
    """Make JAX ready: 64-bit numbers, and a cache of compiled code on disk. Call it once, before anything else.

    Free energies of −5,000 nats need differences of 0.1, which JAX's default of 32 bits cannot give. The first
    inversion of a model's size compiles it for some seconds; the cache keeps that for the next session.

    Returns None, or a sentence where the cache cannot be used (the rest works all the same).
    """
    # JAX calls SciPy's OpenBLAS for small factorisations from threads of its own; OpenBLAS's threads only get in their
    # way (a third of the time at 8 regions). It reads this once, when it is loaded.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    import jax

    config: Any = jax.config
    config.update("jax_enable_x64", True)
    folder = cache_folder()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        writable = os.access(folder, os.W_OK)
    except OSError:
        writable = False
    if not writable:
        return f"compiled code is not kept, as {folder} is not writable; set EFFCONN_CACHE to a folder that is"
    config.update("jax_compilation_cache_dir", str(folder))
    config.update("jax_persistent_cache_min_compile_time_secs", 0.0)
    config.update("jax_persistent_cache_min_entry_size_bytes", -1)
    return None


class CompileClock:
    """Wall time during which JAX traced, compiled or read compiled code, in whichever threads."""

    def __init__(self) -> None:
        import jax

        self._spans: list[tuple[float, float]] = []
        jax.monitoring.register_event_duration_secs_listener(self._heard)

    def _heard(self, event: str, duration_secs: float, **_: str | int) -> None:
        if event.startswith("/jax/core/compile/"):
            now = time.perf_counter()
            self._spans.append((now - duration_secs, now))

    def seconds(self, since: float) -> float:
        """Length of the union of all spans after `since` (on `time.perf_counter`)."""
        total, end = 0.0, since
        for start, stop in sorted(self._spans):
            total += max(0.0, stop - max(start, end))
            end = max(end, stop)
        return total


def describe_environment() -> dict[str, str | int | float | bool]:
    """Versions, devices, precision and cache, for `effconn info`."""
    import jax

    folder = cache_folder()
    files = [file for file in folder.rglob("*") if file.is_file()] if folder.is_dir() else []
    packages = ("effconn", "jax", "jaxlib", "numpy", "scipy", "xarray", "arviz")
    return {
        **{package: release(package) for package in packages},
        "python": sys.version.split()[0],
        "installed_in": str(Path(__file__).resolve().parents[2]),
        "devices": ", ".join(f"{device.platform.upper()} {device.device_kind}" for device in jax.devices()),
        "gpu": any(device.platform != "cpu" for device in jax.devices()),
        "precision": describe_precision(),
        "cores": count_cores(),
        "cache": str(folder),
        "cache_mb": round(sum(file.stat().st_size for file in files) / 1e6, 1),
    }
