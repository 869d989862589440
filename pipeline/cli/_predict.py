"""`effconn predict`: from a table to the prediction of a score."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, cast

import typer

from ..common import UsageError, print_message, progress
from ..execution import RECORDS_FOLDER
from ._guard import guarded
from ._options import Debug, Jobs, PageFolder, Seed, default_jobs, name_pair, number_list, parse_names

if TYPE_CHECKING:
    from ..predict import ModelData, PredictOptions
    from ..study import PresetModel

EXAMPLE = (
    "effconn predict data.csv --outcome 'fall(craving)' --model change-by-arm --measures 'conn_*' "
    "--session stage --sessions T0,T1 --arm group --arms ACTIVE,SHAM --out craving"
)
HELP = (
    "Predict a score from the columns of any table, such as improvement from brain measures before treatment. Says how "
    "well the model fits the participants it was made from and, which is the number that counts, how well it predicts "
    "participants it has not seen. No images are needed."
)


@guarded
def command(
    table: Annotated[
        Path,
        typer.Argument(
            metavar="TABLE",
            help="TSV or CSV, a row for each participant (and session). A .json of the same name describes it.",
        ),
    ],
    outcome: Annotated[
        str,
        typer.Option(
            metavar="SCORE", help="What to predict: a column, or fall(COLUMN), which is its value before minus after."
        ),
    ],
    model: Annotated[
        str | None,  # `PredictOptions` checks it, and names the nearest
        typer.Option(
            metavar="change|change-by-arm|change-by-arm-and-covariates|baseline|baseline-by-arm",
            help="From each measure's change or from its value before treatment; by arm: may it matter differently in "
            "the arms? Or write a --formula.",
        ),
    ] = None,
    formula: Annotated[
        str | None,
        typer.Option(
            metavar="TERMS",
            help="A model of your own, such as 'change(gppi_*) + arm + arm:change(gppi_*) + age': change(), before(), "
            "after() and fall() of a column; : multiplies; * is anything.",
        ),
    ] = None,
    measures: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAMES", help="Which columns are measures, such as 'gppi_*,!gppi_rest*'; ! takes out. Default: all."
        ),
    ] = None,
    covariates: Annotated[
        str | None,
        typer.Option(metavar="A,B,…", help="What a model has beside measures, such as age,sex,'change(madrs)'."),
    ] = None,
    arm: Annotated[str | None, typer.Option(metavar="COLUMN", help="Column that says who got which treatment.")] = None,
    arms: Annotated[
        str | None, typer.Option(metavar="FIRST,SECOND", help="Both treatments; the first is coded +1, the second −1.")
    ] = None,
    participant: Annotated[
        str | None,
        typer.Option(
            "--participant",
            "--person",
            metavar="COLUMN",
            help="Column that names participants. Default: participant_id or the like.",
        ),
    ] = None,
    session: Annotated[
        str | None, typer.Option(metavar="COLUMN", help="Column that names sessions, if participants have two rows.")
    ] = None,
    sessions: Annotated[
        str | None, typer.Option(metavar="BEFORE,AFTER", help="The session before treatment and the one after.")
    ] = None,
    unit: Annotated[str, typer.Option(metavar="UNIT", help="Of the outcome, such as points.")] = "",
    no_motion: Annotated[
        bool, typer.Option("--no-motion", help="Leave head motion in the measures; it is taken out where it is known.")
    ] = False,
    imputation: Annotated[
        Literal["iterative", "neighbours"],
        typer.Option(
            help="How missing values are filled in: from the other columns, or from the participants most alike."
        ),
    ] = "iterative",
    alphas: Annotated[
        str | None,
        typer.Option(metavar="A,B,…", help="Mixings to try, above 0 to 1 (lasso). Default: 0.1,0.2,…,1."),
    ] = None,
    folds: Annotated[
        int | None,
        typer.Option(
            min=3,
            metavar="N",
            help="Number of groups to leave out. Default: one participant at a time; 10 groups beyond 100 "
            "participants.",
        ),
    ] = None,
    permutations: Annotated[
        int, typer.Option(min=0, metavar="N", help="How often the outcome is shuffled, for p; 0 for no p.")
    ] = 1000,
    bootstraps: Annotated[
        int, typer.Option(min=0, metavar="N", help="How often participants are drawn anew, for stability; 0 for none.")
    ] = 200,
    imputations: Annotated[
        int,
        typer.Option(
            min=0,
            metavar="N",
            help="How often chance fills in what is missing, to see how much depends on it; 0: never.",
        ),
    ] = 0,
    in_sample_only: Annotated[
        bool,
        typer.Option(
            "--in-sample-only",
            "--published-only",
            help="Only the fit in the sample, as papers report it; it says nothing of new patients.",
        ),
    ] = False,
    all_different: Annotated[
        bool,
        typer.Option(
            "--all-different", help="Every name is another participant's, though they look like visits (T1, T2) of one."
        ),
    ] = False,
    seed: Seed = 0,
    jobs: Jobs = None,
    out: PageFolder = None,
    json: Annotated[
        Path | None, typer.Option("--json", metavar="FILE", help="Also write the results to this JSON file.")
    ] = None,
    debug: Debug = False,
) -> int:
    """Predict as the options say; 0, as whatever goes wrong is raised."""
    from features import ALPHAS

    from ..predict import PredictOptions

    options = PredictOptions(
        table=table,
        outcome=outcome,
        model=cast("PresetModel | None", model),
        formula=formula,
        measures=tuple(parse_names(",".join(measures or ())) or ("*",)),
        covariates=tuple(parse_names(covariates)),
        participant=participant,
        session=session,
        sessions=None if sessions is None else name_pair(sessions, ",", "--sessions"),
        arm=arm,
        arms=None if arms is None else name_pair(arms, ",", "--arms"),
        unit=unit,
        adjust_motion=not no_motion,
        imputation=imputation,
        alphas=ALPHAS if alphas is None else number_list(alphas, "--alphas", "0.1,0.5,1"),
        folds=folds,
        permutations=permutations,
        bootstraps=bootstraps,
        imputations=imputations,
        seed=seed,
        in_sample_only=in_sample_only,
        all_different=all_different,
    )
    return run_predict(options, out, json, jobs)


def run_predict(options: PredictOptions, out: Path | None, json_file: Path | None, jobs: int | None) -> int:
    """Read a table, fit the requested model, print and save the report; 0, as whatever goes wrong is raised.

    Raises `UsageError` for mistakes in the table and in the options, before any work.
    """
    from ..page import hold_output_folder, print_and_save
    from ..predict import fit_in_processes, report_elastic_net

    if isinstance(options.table, Path):
        _check_json(options.table, json_file)
    model = read_model(options)
    with hold_output_folder(out):
        print_message(describe_model(model))
        records = None if out is None else out / RECORDS_FOLDER  # for a run that goes on
        result = fit_in_processes(model, options, jobs or default_jobs(), records, progress)
        print_and_save(report_elastic_net(result), out, json_file)
    return 0


def read_model(options: PredictOptions) -> ModelData:
    """The model's data; raises `UsageError` for mistakes in the table."""
    from ..predict import read_model_data
    from ..tables import TableError

    try:
        return read_model_data(options)
    except TableError as error:
        raise UsageError(str(error)) from error


def describe_model(model: ModelData) -> str:
    """What is going to be fitted, in a line."""
    participants, terms = len(model.predictors.participants), len(model.predictors.terms)
    predictors = "1 predictor" if terms == 1 else f"{terms} predictors"
    left_out = f" ({len(model.excluded)} left out)" if model.excluded else ""
    fitted = f"{model.outcome.name} of {participants} participants{left_out} from {predictors}"
    return f"{model.source}: {fitted}: {model.formula}"


def _check_json(table: Path, json_file: Path | None) -> None:
    if json_file is not None and json_file.resolve() == table.with_suffix(".json").resolve():
        raise UsageError(f"--json {json_file} is where the description of {table.name} belongs; give another name")
