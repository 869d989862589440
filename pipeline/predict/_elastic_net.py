"""`elastic_net`: the prediction of a score from any table in one call, as `effconn predict` makes it."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from features import ALPHAS, FeatureError, ImputationMethod

from ..common import ProgressFactory, UsageError, progress
from ..execution import open_workers
from ..study import PresetModel
from ..tables import MISSING, Table, TableError
from ._fit import fit_model
from ._model_data import ModelData, read_model_data
from ._options import PredictOptions
from ._result import ElasticNetResult

if TYPE_CHECKING:
    from pandas import DataFrame, Series

FRAME = Path("table")  # what errors call a data frame
OPTION = re.compile(r"--([a-z][a-z-]*)(?: ([A-Z]+(?:,[A-Z]+)*))?")  # of the command, in a message


def elastic_net(
    table: DataFrame | str | Path,
    outcome: str,
    formula: str | None = None,
    *,
    model: PresetModel | None = None,
    measures: str | Sequence[str] = "*",
    covariates: Sequence[str] = (),
    participant: str | None = None,
    session: str | None = None,
    sessions: tuple[str, str] | None = None,
    arm: str | None = None,
    arms: tuple[str, str] | None = None,
    unit: str = "",
    description: Mapping[str, Any] | None = None,
    adjust_motion: bool = True,
    imputation: ImputationMethod = "iterative",
    alphas: Sequence[float] = ALPHAS,
    folds: int | None = None,
    permutations: int = 1000,
    bootstraps: int = 200,
    imputations: int = 0,
    in_sample_only: bool = False,
    all_different: bool = False,
    seed: int = 0,
    jobs: int = 1,
    show_progress: bool = False,
) -> ElasticNetResult:
    """Predict a score from the columns of a table, and test the prediction in participants left out of everything.

        minimise ‖y − Xβ‖² / 2n + λα ‖β‖₁ + λ(1 − α)/s · ‖β‖² / 2,    s = sd(y)

    over columns X of mean 0 and standard deviation 1 (1/n), with α and λ at the least squared error of left-out
    participants. All of it (motion adjustment, imputation, scaling, the choice of α and λ, the fit) is then repeated
    without each participant for ``Q² = 1 − Σ (y − ŷ)² / Σ (y − ȳ)²``, whose p is from shuffled outcomes; bootstraps
    and shuffles within arms say which predictors are stable. The same numbers as ``effconn predict``, to the last
    digit.

    Example:
        >>> formula = "change(conn_*) + arm + age"
        >>> result = elastic_net(table, "fall(madrs)", formula, sessions=("pre", "post"), arms=("drug", "placebo"))
        >>> result.performance  # r² in the sample, Q² and error in participants left out, p
        >>> result.summary()  # every predictor: coefficient, interval, selection frequency
        >>> effconn.plot_predictions(result)  # observed against predicted outcomes

    Arguments:
        table: a row for each participant, or for each participant and session; a data frame, or a TSV or CSV file.
            A named index counts as a column; NaN, None, empty and ``n/a`` cells are missing.
        outcome: a column, or ``fall(COLUMN)``, ``change(COLUMN)``, ``before(COLUMN)``, ``after(COLUMN)``.
        formula: terms joined by ``+``; ``:`` multiplies, ``*`` in a name is anything, ``arm`` is the arm as ±1. None
            where `model` names one of the presets.
        model: ``change``, ``change-by-arm``, ``change-by-arm-and-covariates``, ``baseline`` or ``baseline-by-arm``.
        measures: columns that count as measures; names with ``*``, and ``!NAME`` for those that do not.
        covariates: of a preset, such as ``("age", "change(madrs)")``.
        participant, session: columns that name them; found by their usual names where None.
        sessions: the session before treatment and the one after; None for one row per participant.
        arm, arms: column of the arms, and both, the first coded +1.
        unit: of the outcome, such as ``points``.
        description: of a data frame's columns, as the JSON beside a file (which has its own) has it:
            ``{"conn_a": {"Role": "measure", "Units": "Hz", "Motion": "fd"}}``.
        adjust_motion: whether measures are adjusted for the head motion that the description names.
        imputation: of missing values, from other columns or from the most similar participants.
        alphas: mixings to try, above 0 to 1 (lasso).
        folds: groups of participants left out together; None for one at a time, ten groups beyond 100.
        permutations, bootstraps: how many; 0 for none.
        imputations: tables with missing values drawn at random, to see how much depends on them; 0 for none.
        in_sample_only: leave nobody out: no Q² and no p.
        all_different: whether names that look like visits (T1, T2) of one participant are different participants.
        seed: of everything drawn.
        jobs: processes for the permutations. As Python starts them anew, a script that asks for more than one begins
            its work below ``if __name__ == "__main__":``.
        show_progress: whether to show on the terminal how far it is.

    Returns the model, its performance and its stability; see `ElasticNetResult`.

    Raises `FeatureError` for what is wrong with the table or with what is asked of it, before any work.

    Source: Zou & Hastie 2005, J. R. Stat. Soc. B 67, 301–320; Friedman, Hastie & Tibshirani 2010, J. Stat. Softw.
    33(1); Varma & Simon 2006, BMC Bioinformatics 7, 91 (nesting); Norbury et al. 2021 (the presets).
    """
    _check_arguments(
        table, outcome=outcome, folds=folds, permutations=permutations, bootstraps=bootstraps,
        imputations=imputations, seed=seed, jobs=jobs
    )  # fmt: skip
    if description is not None and isinstance(table, str | Path):
        raise FeatureError(f"description: a file is described by the JSON beside it; write {Path(table).stem}.json")
    if jobs < 1:
        raise FeatureError(f"jobs: {jobs} is below 1; give 1 or more")
    if formula is not None and not isinstance(formula, str):
        raise FeatureError("the formula is one text, such as 'conn_a + age'; ' + '.join(names) makes it of names")
    for name, pair in (("sessions", sessions), ("arms", arms)):
        if isinstance(pair, str):
            raise FeatureError(f"{name} are two names, such as ('A', 'B'), not the text {pair!r}")
    alphas = (float(alphas),) if isinstance(alphas, int | float) else alphas
    covariates = (covariates,) if isinstance(covariates, str) else covariates
    if description is not None and not isinstance(description, Mapping):
        raise FeatureError(f"description is a dictionary, column → what it is, not a {type(description).__name__}")
    try:
        options = PredictOptions(
            Path(table) if isinstance(table, str | Path) else table_of_frame(table),
            outcome,
            model=model,
            formula=formula,
            measures=(measures,) if isinstance(measures, str) else tuple(measures),
            covariates=(covariates,) if isinstance(covariates, str) else tuple(covariates),
            participant=participant,
            session=session,
            sessions=sessions,
            arm=arm,
            arms=arms,
            unit=unit,
            description=description,
            adjust_motion=adjust_motion,
            imputation=imputation,
            alphas=tuple(alphas),
            folds=folds,
            permutations=permutations,
            bootstraps=bootstraps,
            imputations=imputations,
            in_sample_only=in_sample_only,
            all_different=all_different,
            seed=seed,
        )
        return fit_in_processes(read_model_data(options), options, jobs, None, progress if show_progress else _silent)
    except (TableError, UsageError) as error:
        raise FeatureError(OPTION.sub(_as_argument, str(error))) from error


def fit_in_processes(
    model: ModelData, options: PredictOptions, jobs: int, records: Path | None, watch: ProgressFactory
) -> ElasticNetResult:
    """`fit_model` with processes of its own.

    Arguments:
        records: folder of finished permutations, for a run that goes on where it stopped; None to keep none.
    """
    with tempfile.TemporaryDirectory(prefix="effconn-") as nowhere:
        folder = Path(nowhere) if records is None else records
        with open_workers(jobs, None, folder) as workers:
            return fit_model(model, options, folder, workers, watch)


def _check_arguments(table: object, **arguments: object) -> None:
    """Raises `FeatureError` where an argument is of another kind than it has to be."""
    if not isinstance(table, str | Path) and not (hasattr(table, "columns") and hasattr(table, "iloc")):
        raise FeatureError(f"table is a data frame, or the path of a TSV or CSV file, not a {type(table).__name__}")
    for name, value in arguments.items():
        texts = name == "outcome"
        if value is None and name == "folds":
            continue
        if not isinstance(value, str if texts else int | np.integer):
            what = "a text, such as 'fall(madrs)'" if texts else "a whole number"
            raise FeatureError(f"{name} is {what}, not {value!r}")


def table_of_frame(frame: DataFrame) -> Table:
    """A data frame as the table that it would be as a file; numbers keep every digit."""
    levels = [name for name in frame.index.names if name is not None]
    if levels:
        beside = [name for name in levels if name in frame.columns]
        if clash := [name for name in beside if list(frame[name]) != list(frame.index.get_level_values(name))]:
            raise FeatureError(f"the index and a column are both called {clash[0]!r}, but differ; rename one")
        frame = frame.drop(columns=beside).reset_index()
    names = [" ".join(str(name).split()) for name in frame.columns]
    places = {name: place for place, name in reversed([*enumerate(names)])}  # the first of a name
    columns = {name: _cells(frame.iloc[:, places[name]]) for name in dict.fromkeys(names)}
    return Table(
        FRAME,
        tuple(columns),
        tuple(zip(*columns.values(), strict=True)),
        tuple(range(2, len(frame) + 2)),  # lines of a file with a header
        repeated=frozenset(name for name in names if names.count(name) > 1),
    )


def _cells(column: Series) -> list[str]:
    values = zip(column.tolist(), column.isna(), strict=True)
    texts = ["" if missing else repr(value) if isinstance(value, float) else str(value) for value, missing in values]
    return [text.strip() or MISSING for text in texts]


def _as_argument(option: re.Match[str]) -> str:
    """``--arm COLUMN`` as ``arm=COLUMN``, ``--arms A,B`` as ``arms=('A', 'B')``."""
    name = {"no-motion": "adjust_motion=False"}.get(option[1], option[1].replace("-", "_"))
    value = option[2]
    if value is None:
        return name
    return f"{name}={tuple(value.split(',')) if ',' in value else value}"


@contextmanager
def _silent(what: str) -> Iterator[Callable[[int, int], None]]:
    """No report of how far a piece of work is."""
    yield lambda done, total: None
