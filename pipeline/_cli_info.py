"""`effconn info`."""

from __future__ import annotations

import json

from ._console import out
from ._runtime import describe_runtime

LABELS = {
    "installed_in": "installed in",
    "devices": "devices",
    "precision": "precision",
    "cores": "CPU cores",
    "cache": "compiled code in",
}


def run_info(as_json: bool) -> int:
    """Print versions, devices, precision and cache."""
    found = describe_runtime()
    if as_json:
        out.print_json(json.dumps(found))
        return 0
    for key, value in found.items():
        if key in ("gpu", "cache_mb"):
            continue
        more = f" ({found['cache_mb']} MB)" if key == "cache" else ""
        out.print(f"{LABELS.get(key, key):18}{value}{more}", markup=False, soft_wrap=True)
    if not found["gpu"]:
        out.print(f"{'GPU':18}none seen; with an NVIDIA GPU: pip install 'effconn[cuda]'", markup=False)
    return 0
