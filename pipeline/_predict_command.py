"""Options of `effconn predict`, as a command line has them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from ._guard import guarded

EXAMPLE = (
    "effconn predict data.csv --outcome 'fall(craving)' --model change-by-arm --measures 'conn_*' "
    "--session stage --sessions T0,T1 --arm group --arms ACTIVE,SHAM --out craving"
)
HELP = (
    "Predict a score from the columns of any table, such as improvement from brain measures before treatment. Says how "
    "well the model fits the people it was made from and, which is the number that counts, how well it predicts "
    "people it has not seen. No images are needed."
)


def predict(
    table: Annotated[
        Path,
        typer.Argument(
            metavar="TABLE",
            help="TSV or CSV, a row for each person, or each person and session. A .json beside it may describe it.",
        ),
    ],
    outcome: Annotated[
        str,
        typer.Option(
            metavar="SCORE", help="What to predict: a column, or fall(COLUMN), which is its value before less after."
        ),
    ],
    model: Annotated[
        Literal["change", "change-by-arm", "change-by-arm-and-covariates", "baseline", "baseline-by-arm"] | None,
        typer.Option(
            help="From each measure's change or from its value before treatment; by arm: may it matter differently in "
            "the arms? Or write a --formula."
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
    person: Annotated[
        str | None,
        typer.Option(metavar="COLUMN", help="Column that names people. Default: participant_id or the like."),
    ] = None,
    session: Annotated[
        str | None, typer.Option(metavar="COLUMN", help="Column that names sessions, if people have two rows.")
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
        typer.Option(help="How missing values are filled in: from the other columns, or from the people most alike."),
    ] = "iterative",
    alphas: Annotated[
        str | None,
        typer.Option(metavar="A,B,…", help="Mixings to try, above 0 to 1 (lasso). Default: 0.1,0.2,…,1."),
    ] = None,
    folds: Annotated[
        int | None,
        typer.Option(min=3, metavar="N", help="Leave people out in so many groups. Default: one person at a time."),
    ] = None,
    permutations: Annotated[
        int, typer.Option(min=0, metavar="N", help="How often the outcome is shuffled, for p; 0 for no p.")
    ] = 1000,
    bootstraps: Annotated[
        int, typer.Option(min=0, metavar="N", help="How often people are drawn anew, for stability; 0 for none.")
    ] = 200,
    imputations: Annotated[
        int,
        typer.Option(
            min=0, metavar="N", help="How often chance fills in what is missing, to see how much hangs on it; 0: never."
        ),
    ] = 0,
    published_only: Annotated[
        bool,
        typer.Option(
            "--published-only", help="Only the fit in the sample, as papers report it; it says nothing of new patients."
        ),
    ] = False,
    seed: Annotated[int, typer.Option(min=0, help="Seed of everything drawn.")] = 0,
    jobs: Annotated[
        int | None, typer.Option("--jobs", min=1, metavar="N", help="Processes. Default: one per core, at most 4.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="DIR", help="Folder for the page, tables and pictures.")
    ] = None,
    json: Annotated[
        Path | None, typer.Option("--json", metavar="FILE", help="Also write the results to this JSON file.")
    ] = None,
    debug: Annotated[bool, typer.Option("--debug", help="Show the whole traceback of an error.")] = False,
) -> int:
    """Options of `effconn predict` → `run_predict`."""

    def work() -> int:
        from ._cli_peb import listed, pair
        from ._cli_predict import run_predict
        from .predict import PredictOptions

        options = PredictOptions(
            table=table,
            outcome=outcome,
            model=model,
            formula=formula,
            measures=tuple(listed(",".join(measures or ())) or ("*",)),
            covariates=tuple(listed(covariates) or ()),
            person=person,
            session=session,
            sessions=None if sessions is None else pair(sessions, ",", "--sessions"),
            arm=arm,
            arms=None if arms is None else pair(arms, ",", "--arms"),
            unit=unit,
            adjust_motion=not no_motion,
            imputation=imputation,
            folds=folds,
            permutations=permutations,
            bootstraps=bootstraps,
            imputations=imputations,
            seed=seed,
            published_only=published_only,
            **({} if alphas is None else {"alphas": _numbers(alphas)}),
        )
        return run_predict(options, out, json, jobs)

    return guarded(work, debug)


def _numbers(text: str) -> tuple[float, ...]:
    """Mixings with commas between them."""
    from ._runtime import UsageError

    try:
        return tuple(float(part) for part in text.split(",") if part.strip())
    except ValueError:
        raise UsageError(f"--alphas {text!r} must be numbers with commas between them, such as 0.1,0.5,1") from None
