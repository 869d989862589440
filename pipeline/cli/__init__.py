"""The command line `effconn`: one module a command."""

from ._app import app, main, run_command

__all__ = ["app", "main", "run_command"]
