"""`effconn info`: versions, devices, precision and the cache of compiled code."""

from __future__ import annotations

import json as json_text
from typing import Annotated

import typer

from ..common import describe_environment, print_json, print_line
from ._guard import guarded
from ._options import Debug

HELP = "Versions, devices, precision, cache."
EXAMPLE = "effconn info --json"
LABELS = {
    "installed_in": "installed in",
    "devices": "devices",
    "precision": "precision",
    "cores": "CPU cores",
    "cache": "compiled code in",
}


@guarded
def command(json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False, debug: Debug = False) -> int:
    """Print versions, devices, precision and cache; always 0."""
    facts = describe_environment()
    if json:
        print_json(json_text.dumps(facts))
        return 0
    for key, value in facts.items():
        if key in ("gpu", "cache_mb"):
            continue
        more = f" ({facts['cache_mb']} MB)" if key == "cache" else ""
        print_line(f"{LABELS.get(key, key):18}{value}{more}")
    if not facts["gpu"]:
        print_line(f"{'GPU':18}none seen; with an NVIDIA GPU: pip install 'effconn[cuda]'")
    return 0
