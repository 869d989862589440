"""`python -m pipeline.cli` is the console script `effconn`."""

from ._app import main

main()
