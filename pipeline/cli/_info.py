"""`effconn info`."""

from __future__ import annotations

import json

from ..common import describe_environment, out, print_line

LABELS = {
    "installed_in": "installed in",
    "devices": "devices",
    "precision": "precision",
    "cores": "CPU cores",
    "cache": "compiled code in",
}


def run_info(as_json: bool) -> int:
    """Print versions, devices, precision and cache."""
    found = describe_environment()
    if as_json:
        out.print_json(json.dumps(found))
        return 0
    for key, value in found.items():
        if key in ("gpu", "cache_mb"):
            continue
        more = f" ({found['cache_mb']} MB)" if key == "cache" else ""
        print_line(f"{LABELS.get(key, key):18}{value}{more}")
    if not found["gpu"]:
        print_line(f"{'GPU':18}none seen; with an NVIDIA GPU: pip install 'effconn[cuda]'")
    return 0
