"""`effconn predict`: from a table to a prediction, and what is printed and written of it."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ..common import UsageError, print_message, progress
from ..execution import RECORDS_FOLDER, open_workers
from ..page import hold_output_folder, print_and_save
from ..predict import ModelData, PredictOptions, read_model_data
from ..tables import TableError


def run_predict(options: PredictOptions, out: Path | None, json_file: Path | None, jobs: int | None) -> int:
    """Read a table, fit what is asked of it, print and save the report; 0, as whatever goes wrong is raised.

    Raises `UsageError` for mistakes in the table and in what is asked, before any work.
    """
    from ..predict import fit_model, report_elastic_net

    _check_json(options.table, json_file)
    model = read_model(options)
    with hold_output_folder(out):
        print_message(summary(model))
        with _records(out) as records, open_workers(jobs or _every_core(), None, records) as workers:
            found = fit_model(model, options, records, workers, progress)
        print_and_save(report_elastic_net(found), out, json_file)
    return 0


def read_model(options: PredictOptions) -> ModelData:
    """The model, mistakes in its table told as the user's."""
    try:
        return read_model_data(options)
    except TableError as error:
        raise UsageError(str(error)) from error


def summary(model: ModelData) -> str:
    """What is going to be fitted, in a line."""
    participants, terms = len(model.predictors.participants), len(model.predictors.terms)
    predictors = "1 predictor" if terms == 1 else f"{terms} predictors"
    apart = f" ({len(model.excluded)} left out)" if model.excluded else ""
    return (
        f"{model.source}: {model.outcome.name} of {participants} participants{apart} from {predictors}: {model.formula}"
    )


def _check_json(table: Path, json_file: Path | None) -> None:
    if json_file is not None and json_file.resolve() == table.with_suffix(".json").resolve():
        raise UsageError(f"--json {json_file} is where the description of {table.name} belongs; give another name")


@contextmanager
def _records(out: Path | None) -> Iterator[Path]:
    """Where finished shuffles are kept: beside the results, for a run that goes on; without them nothing is left."""
    if out is not None:
        yield out / RECORDS_FOLDER
        return
    with tempfile.TemporaryDirectory(prefix="effconn-") as folder:
        yield Path(folder)


def _every_core() -> int:
    from ._run import default_jobs  # which brings all of a study with it

    return default_jobs()
