"""What the wheel puts at the top level: the face, four generic names, and nothing else."""

from __future__ import annotations

import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def test_the_wheel_holds_the_face_and_the_four_packages() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    packages = project["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]
    assert packages == ["effconn", "dcm", "peb", "features", "pipeline"]
    assert all((ROOT / name / "__init__.py").is_file() for name in packages)


def test_locked_versions_satisfy_the_lower_bounds() -> None:
    from packaging.requirements import Requirement

    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    locked = {}
    for line in (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines():
        if "==" in line:
            name, version = line.split("==")
            locked[name.lower().replace("_", "-")] = version
    extras = project["optional-dependencies"]
    for text in (*project["dependencies"], *extras["dev"], *extras["docs"]):
        wanted = Requirement(text)
        assert wanted.specifier.contains(locked[wanted.name.lower()]), text
