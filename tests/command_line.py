"""Commands within the test's own process: what a process would print and end with, without seconds of starting one."""

from __future__ import annotations

import io
import os
import runpy
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout
from unittest.mock import patch

import jax

from pipeline.cli._app import run_command


def effconn(*arguments: object, **environment: str) -> subprocess.CompletedProcess[str]:
    """Runs a command to its end: exit code, standard output and standard error."""
    given = [str(argument) for argument in arguments]
    out, err = io.StringIO(), io.StringIO()
    with patch.dict(os.environ, environment), redirect_stdout(out), redirect_stderr(err):
        code = run_command(given)
    return subprocess.CompletedProcess(given, code, out.getvalue(), err.getvalue())


def python_m(module: str, *arguments: object) -> subprocess.CompletedProcess[str]:
    """Runs a module as `python -m` does, begun with JAX in 32 bit as a process is."""
    given = [module, *map(str, arguments)]
    out, err, code = io.StringIO(), io.StringIO(), 0
    imported = sys.modules.pop(module, None)  # it is loaded anew, as __main__
    jax.config.update("jax_enable_x64", False)
    try:
        with patch.object(sys, "argv", given), redirect_stdout(out), redirect_stderr(err):
            runpy.run_module(module, run_name="__main__")
    except SystemExit as ended:
        code = int(ended.code or 0)
    finally:
        jax.config.update("jax_enable_x64", True)
        if imported is not None:
            sys.modules[module] = imported
    return subprocess.CompletedProcess(given, code, out.getvalue(), err.getvalue())
