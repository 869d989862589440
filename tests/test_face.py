"""`import effconn`: every public name there is, each one thing with one home, and nothing loaded before it is used."""

from __future__ import annotations

import subprocess
import sys
from importlib import import_module

import pytest

import effconn

NAMES = [name for name in dir(effconn) if not name.startswith("_")]


@pytest.mark.parametrize("name", NAMES)
def test_a_public_name_is_the_one_that_its_home_has(name: str) -> None:
    module, attribute = effconn._homes()[name]
    home = import_module(module)
    assert getattr(effconn, name) is (home if attribute is None else getattr(home, attribute))


@pytest.mark.parametrize("name", NAMES)
def test_a_public_name_is_documented(name: str) -> None:
    value = getattr(effconn, name)
    assert (value.__doc__ or "").strip(), name


def test_importing_the_face_loads_no_engine() -> None:
    code = "import sys, effconn; print([name for name in ('jax', 'numpy', 'dcm', 'pipeline') if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_an_unknown_name_is_named() -> None:
    with pytest.raises(AttributeError, match="no public name 'invrt'; did you mean 'invert'"):
        _ = effconn.invrt  # type: ignore[attr-defined]  # that it is unknown is the point


def test_the_version_is_that_of_the_distribution() -> None:
    assert effconn.__version__.count(".") == 2
