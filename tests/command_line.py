"""`effconn` within the test's own process: what a process would print and end with, without seconds of starting one."""

from __future__ import annotations

import io
import os
import subprocess
from contextlib import redirect_stderr, redirect_stdout
from unittest.mock import patch

from pipeline.cli._app import run_command


def effconn(*arguments: object, **environment: str) -> subprocess.CompletedProcess[str]:
    """Runs a command to its end: exit code, standard output and standard error."""
    given = [str(argument) for argument in arguments]
    out, err = io.StringIO(), io.StringIO()
    with patch.dict(os.environ, environment), redirect_stdout(out), redirect_stderr(err):
        code = run_command(given)
    return subprocess.CompletedProcess(given, code, out.getvalue(), err.getvalue())
