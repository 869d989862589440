"""What every test needs: 64-bit JAX with a compilation cache, and shape annotations that are checked."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import jax
import pytest

jax.config.update("jax_enable_x64", True)
_CACHE = Path(os.environ.get("EFFCONN_TEST_CACHE", Path(tempfile.gettempdir()) / "effconn-test-cache"))
jax.config.update("jax_compilation_cache_dir", str(_CACHE))
jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.0)

from jaxtyping import install_import_hook  # noqa: E402 - only once JAX is in 64-bit mode

# The equations' shapes are checked whenever a test traces them; the objects around them validate themselves.
_EQUATIONS = ["_neural", "_haemodynamics", "_bold", "_linear", "_flow", "_nonlinear", "_schedule"]
with install_import_hook([f"dcm.{name}" for name in _EQUATIONS], "beartype.beartype"):
    import dcm  # noqa: F401

SHARED = Path(__file__).resolve().parents[2] / "shared" / "data"


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The reference data beside the project, which it must work without."""
    if not SHARED.is_dir():
        pytest.skip(f"reference data not found at {SHARED}")
    return SHARED
