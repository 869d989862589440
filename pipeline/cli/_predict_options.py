"""Options of `effconn predict`, as a command line has them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, cast

import typer

from ._guard import guarded
from ._option_text import name_list, name_pair, number_list

if TYPE_CHECKING:
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


TableArgument = Annotated[
    Path,
    typer.Argument(
        metavar="TABLE",
        help="TSV or CSV, a row for each participant (and session). A .json of the same name describes it.",
    ),
]
OutcomeOption = Annotated[
    str,
    typer.Option(
        metavar="SCORE", help="What to predict: a column, or fall(COLUMN), which is its value before less after."
    ),
]
ModelOption = Annotated[
    str | None,  # what it may be is told by `PredictOptions`, with the nearest name
    typer.Option(
        metavar="change|change-by-arm|change-by-arm-and-covariates|baseline|baseline-by-arm",
        help="From each measure's change or from its value before treatment; by arm: may it matter differently in "
        "the arms? Or write a --formula.",
    ),
]
FormulaOption = Annotated[
    str | None,
    typer.Option(
        metavar="TERMS",
        help="A model of your own, such as 'change(gppi_*) + arm + arm:change(gppi_*) + age': change(), before(), "
        "after() and fall() of a column; : multiplies; * is anything.",
    ),
]
MeasuresOption = Annotated[
    list[str] | None,
    typer.Option(
        metavar="NAMES", help="Which columns are measures, such as 'gppi_*,!gppi_rest*'; ! takes out. Default: all."
    ),
]
CovariatesOption = Annotated[
    str | None,
    typer.Option(metavar="A,B,…", help="What a model has beside measures, such as age,sex,'change(madrs)'."),
]
ArmOption = Annotated[str | None, typer.Option(metavar="COLUMN", help="Column that says who got which treatment.")]
ArmsOption = Annotated[
    str | None, typer.Option(metavar="FIRST,SECOND", help="Both treatments; the first is coded +1, the second −1.")
]
ParticipantOption = Annotated[
    str | None,
    typer.Option(
        "--participant",
        "--person",
        metavar="COLUMN",
        help="Column that names participants. Default: participant_id or the like.",
    ),
]
SessionOption = Annotated[
    str | None, typer.Option(metavar="COLUMN", help="Column that names sessions, if participants have two rows.")
]
SessionsOption = Annotated[
    str | None, typer.Option(metavar="BEFORE,AFTER", help="The session before treatment and the one after.")
]
UnitOption = Annotated[str, typer.Option(metavar="UNIT", help="Of the outcome, such as points.")]
NoMotionOption = Annotated[
    bool, typer.Option("--no-motion", help="Leave head motion in the measures; it is taken out where it is known.")
]
ImputationOption = Annotated[
    Literal["iterative", "neighbours"],
    typer.Option(help="How missing values are filled in: from the other columns, or from the participants most alike."),
]
AlphasOption = Annotated[
    str | None,
    typer.Option(metavar="A,B,…", help="Mixings to try, above 0 to 1 (lasso). Default: 0.1,0.2,…,1."),
]
FoldsOption = Annotated[
    int | None,
    typer.Option(
        min=3,
        metavar="N",
        help="Number of groups to leave out. Default: one participant at a time; 10 groups beyond 100 participants.",
    ),
]
PermutationsOption = Annotated[
    int, typer.Option(min=0, metavar="N", help="How often the outcome is shuffled, for p; 0 for no p.")
]
BootstrapsOption = Annotated[
    int, typer.Option(min=0, metavar="N", help="How often participants are drawn anew, for stability; 0 for none.")
]
ImputationsOption = Annotated[
    int,
    typer.Option(
        min=0, metavar="N", help="How often chance fills in what is missing, to see how much hangs on it; 0: never."
    ),
]
InSampleOnlyOption = Annotated[
    bool,
    typer.Option(
        "--in-sample-only",
        "--published-only",
        help="Only the fit in the sample, as papers report it; it says nothing of new patients.",
    ),
]
AllDifferentOption = Annotated[
    bool,
    typer.Option(
        "--all-different", help="Every name is another participant's, though they look like visits (T1, T2) of one."
    ),
]
SeedOption = Annotated[int, typer.Option(min=0, help="Seed of everything drawn.")]
JobsOption = Annotated[
    int | None, typer.Option("--jobs", min=1, metavar="N", help="Processes. Default: one per core, at most 4.")
]
OutOption = Annotated[
    Path | None, typer.Option("--out", metavar="DIR", help="Folder for the page, tables and pictures.")
]
JsonOption = Annotated[
    Path | None, typer.Option("--json", metavar="FILE", help="Also write the results to this JSON file.")
]
DebugOption = Annotated[bool, typer.Option("--debug", help="Show the whole traceback of an error.")]


def predict(
    table: TableArgument,
    outcome: OutcomeOption,
    model: ModelOption = None,
    formula: FormulaOption = None,
    measures: MeasuresOption = None,
    covariates: CovariatesOption = None,
    arm: ArmOption = None,
    arms: ArmsOption = None,
    participant: ParticipantOption = None,
    session: SessionOption = None,
    sessions: SessionsOption = None,
    unit: UnitOption = "",
    no_motion: NoMotionOption = False,
    imputation: ImputationOption = "iterative",
    alphas: AlphasOption = None,
    folds: FoldsOption = None,
    permutations: PermutationsOption = 1000,
    bootstraps: BootstrapsOption = 200,
    imputations: ImputationsOption = 0,
    in_sample_only: InSampleOnlyOption = False,
    all_different: AllDifferentOption = False,
    seed: SeedOption = 0,
    jobs: JobsOption = None,
    out: OutOption = None,
    json: JsonOption = None,
    debug: DebugOption = False,
) -> int:
    """Options of `effconn predict` → `run_predict`."""

    def work() -> int:
        from ..predict import PredictOptions
        from ._predict import run_predict

        options = PredictOptions(
            table=table,
            outcome=outcome,
            model=cast("PresetModel | None", model),
            formula=formula,
            measures=tuple(name_list(",".join(measures or ())) or ("*",)),
            covariates=tuple(name_list(covariates)),
            participant=participant,
            session=session,
            sessions=None if sessions is None else name_pair(sessions, ",", "--sessions"),
            arm=arm,
            arms=None if arms is None else name_pair(arms, ",", "--arms"),
            unit=unit,
            adjust_motion=not no_motion,
            imputation=imputation,
            folds=folds,
            permutations=permutations,
            bootstraps=bootstraps,
            imputations=imputations,
            seed=seed,
            in_sample_only=in_sample_only,
            all_different=all_different,
            **({} if alphas is None else {"alphas": number_list(alphas, "--alphas", "0.1,0.5,1")}),
        )
        return run_predict(options, out, json, jobs)

    return guarded(work, debug)
