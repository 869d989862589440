"""Studies as `effconn init` starts them, and what `effconn check` says of them."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator

from pipeline.cli._init import run_init
from pipeline.stages import preflight
from pipeline.study import StudyError, read_study, study_schema


def started(folder: Path, bids: Path | None, derivatives: Path | None = None) -> dict[str, Any]:
    """What init writes, with regions that the tiny images hold."""
    path = folder / "study.toml"
    run_init(bids, path, force=True, derivatives=derivatives)
    region = "sphere = { centre = [3, 3, 3], radius = 5 }"
    path.write_text(path.read_text().replace('preset = "target-circuit"', region))
    content = tomllib.loads(path.read_text())
    Draft202012Validator(study_schema()).validate(content)
    return content


def checked(folder: Path) -> list[str]:
    """What keeps a study from running, a line each; none where it may."""
    try:
        return preflight(read_study(folder / "study.toml"))[1]
    except StudyError as error:
        return list(error.lines)
