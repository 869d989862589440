"""The command line `effconn`: every command is a module of its own, listed in `COMMANDS`.

Importing it is cheap: JAX and the engine are loaded by the commands as they run.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib import import_module
from typing import Any

import typer

from ..common import WriteError, collect_garbage_rarely
from ._guard import FAILED, INTERRUPTED, USAGE, flush_stream, print_error
from ._peb import app as peb_app

# In the order of effconn --help. The module of each (compare-spm: _compare_spm) has a `command`, its HELP and EXAMPLE.
COMMANDS = (
    "specify",
    "invert",
    "compare-spm",
    "check-posterior",
    "info",
    "init",
    "series",
    "check",
    "run",
    "features",
    "predict",
    "bids",
    "demo",
    "calibrate",
)

app = typer.Typer(
    name="effconn",
    help="Directed brain connectivity from fMRI: dynamic causal models that match SPM12, on CPU or GPU.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.add_typer(peb_app, name="peb")
for name in COMMANDS:
    module = import_module(f"._{name.replace('-', '_')}", __package__)
    settings = {"allow_extra_args": True} if name == "bids" else None  # it takes several labels after one option
    app.command(name, help=module.HELP, epilog=f"Example: {module.EXAMPLE}", context_settings=settings)(module.command)


def main() -> None:
    """The console script."""
    collect_garbage_rarely()
    code = run_command()
    sys.exit(flush_stream(sys.stdout) or code)


def run_command(arguments: Sequence[str] | None = None) -> int:
    """A command line's exit code, once it is done; `arguments` as a shell would give them, by default the process's."""
    command: Any = app
    try:
        code = command(args=arguments, standalone_mode=False)
    except KeyboardInterrupt:
        print_error("effconn: interrupted")
        return INTERRUPTED
    except OSError as error:  # of --help, since what a command raises is caught by `run_guarded`
        print_error(f"effconn: {WriteError('standard output', error)}")
        return FAILED
    except Exception as error:  # typer has no public base class of the parser's errors; others are raised again
        show = getattr(error, "show", None)  # a mistake in the arguments, which the parser words itself
        if show is None:
            raise
        show()
        return int(getattr(error, "exit_code", USAGE))
    return code if isinstance(code, int) else 0
