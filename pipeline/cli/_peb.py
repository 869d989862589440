"""`effconn peb`: the group level on the command line."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer
from typer.core import TyperGroup

from ._guard import guarded
from ._option_text import name_list, name_pair

if TYPE_CHECKING:
    from ..group import GroupInputs, GroupOptions
    from ..page import AnalysisReport

Results = Annotated[
    list[Path],
    typer.Argument(
        help="First-level results: folders of effconn invert, its .nc files, or SPM's estimated DCM/GCM files."
    ),
]
DesignFile = Annotated[
    Path | None,
    typer.Option(
        "--design", metavar="TABLE", help="TSV with participant_id and a column per covariate; default: mean alone."
    ),
]
Covariates = Annotated[
    str | None, typer.Option(metavar="A,B,…", help="Columns of the design to use, in order. Default: all.")
]
Interactions = Annotated[
    str | None, typer.Option(metavar="A:B,…", help="Products of covariates, such as arm:improvement.")
]
Raw = Annotated[bool, typer.Option("--raw", help="Leave covariates as they are; they are centred otherwise.")]
Fields = Annotated[
    str | None, typer.Option(metavar="A,B,C", help="Fields of the DCM that the group explains. Default: A,B.")
]
Parameters = Annotated[
    list[str] | None,
    typer.Option("--parameter", help="A single parameter by name, instead of or beside --fields; repeat for more."),
]
Change = Annotated[
    str | None,
    typer.Option(
        metavar="BEFORE,AFTER",
        help="Analyse the change between visits, by what marks them in names: ses-1,ses-2 or pre,post.",
    ),
]
MatchedOnly = Annotated[
    bool, typer.Option("--matched-only", help="Go on without participants who lack a result or a row; each is named.")
]
ByOrder = Annotated[
    bool,
    typer.Option(
        "--by-order",
        help="Row i of the design is for result i, sub-2 before sub-10: for SPM's .mat designs, which have no names. "
        "Who each row is for is said, and written to order.tsv.",
    ),
]
GcmColumn = Annotated[
    int | None, typer.Option(min=1, metavar="N", help="Which model: the column of a GCM that has several.")
]
AllDifferent = Annotated[
    bool,
    typer.Option(
        "--all-different", help="Every result is another person's, though names look like visits (T1 and T2) of one."
    ),
]
CompatOption = Annotated[
    str,
    typer.Option(
        metavar="none|spm12|spm25",
        help="'none': the calibrated group level; 'spm12', 'spm25': SPM's numbers, oddities included.",
    ),
]
BetweenOption = Annotated[
    Literal["mixture", "gaussian"] | None,
    typer.Option(
        help="How participants lie about the design: some may be far off and count less, or Gaussian, and all count. "
        "Default: mixture; gaussian with SPM's modes."
    ),
]
ComponentsOption = Annotated[
    Literal["single", "fields", "all", "none"] | None,
    typer.Option(
        help="Gaussian participants: their variances, one (default), one per field, one per parameter, or fixed. A "
        "mixture has one per parameter."
    ),
]
BetweenPrior = Annotated[
    Literal["spm12", "wide"] | None,
    typer.Option(
        help="Gaussian participants: how sure one is beforehand of their variance, as SPM12 or left to the data. "
        "Default: as the mode."
    ),
]
SmallestEffect = Annotated[
    float,
    typer.Option(
        "--smallest-effect",
        metavar="HZ",
        help="An effect that is surely below this counts as none; of a covariate that is a number, per SD of it.",
    ),
]
Reinvert = Annotated[
    bool,
    typer.Option(
        "--reinvert",
        help="Invert participants again under what the group says of each, until the group stays. Needs their series.",
    ),
]
Series = Annotated[
    list[Path] | None,
    typer.Option("--series", help="With --reinvert: file or folder of what results were made from, if not near them."),
]
Out = Annotated[Path | None, typer.Option("--out", metavar="DIR", help="Folder for the page, tables and pictures.")]
Json = Annotated[Path | None, typer.Option("--json", help="Also write the results to this JSON file.")]
Debug = Annotated[bool, typer.Option("--debug", help="Show the whole traceback of an error.")]
Seed = Annotated[int, typer.Option(min=0, help="Seed of everything drawn.")]


class FitByDefault(TyperGroup):
    """`effconn peb RESULTS …` is `effconn peb fit RESULTS …`."""

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """The command, or `fit` where the first argument is a file or folder and no command."""
        if args and args[0] not in self.commands and (Path(args[0]).exists() or "/" in args[0]):
            args = ["fit", *args]
        return super().resolve_command(ctx, args)


app = typer.Typer(
    cls=FitByDefault,
    help="The group level: what participants have in common, how covariates and arms differ, which model is best.",
    no_args_is_help=True,
    rich_markup_mode="rich",
)


def group_options(
    results: Results,
    design: DesignFile = None,
    covariates: Covariates = None,
    interactions: Interactions = None,
    raw: Raw = False,
    fields: Fields = None,
    parameter: Parameters = None,
    change: Change = None,
    matched_only: MatchedOnly = False,
    by_order: ByOrder = False,
    gcm_column: GcmColumn = None,
    all_different: AllDifferent = False,
    compat: CompatOption = "none",
    between: BetweenOption = None,
    components: ComponentsOption = None,
    between_prior: BetweenPrior = None,
    smallest_effect: SmallestEffect = 0.5,
    reinvert: Reinvert = False,
    series: Series = None,
) -> GroupOptions:
    """The options that every analysis shares."""
    from ..group import GroupOptions, check_smallest_effect, group_settings

    return GroupOptions(
        paths=results,
        design=design,
        covariates=name_list(covariates) or None,
        interactions=[name_pair(one, ":", "--interactions") for one in name_list(interactions)],
        centred=not raw,
        fields=name_list(fields) or None,
        parameters=tuple(parameter or ()),
        sessions=name_pair(change, ",", "--change") if change else None,
        matched_only=matched_only,
        by_order=by_order,
        gcm_column=gcm_column,
        all_different=all_different,
        settings=group_settings(compat, between, components, between_prior),
        smallest_effect=check_smallest_effect(smallest_effect),
        reinvert=reinvert,
        series=series or (),
    )


def output_options(out: Out = None, json: Json = None, debug: Debug = False) -> None:
    """Where every analysis puts its results."""


Adapt = Callable[..., "GroupOptions"]


def group_command(
    example: str, help: str, *, name: str | None = None, adapt: Adapt = lambda options, **own: options
) -> Callable[[Callable[..., AnalysisReport]], Callable[..., int]]:
    """A command that reads a group by the shared options, analyses it by its own, and prints and saves its report.

    It wraps `analyse(inputs, **own)`; its signature, which typer reads, is that of the shared options and the own ones.
    `adapt(options, **own)` may change the shared options by the own ones before the group is read.
    """

    def decorate(analyse: Callable[..., AnalysisReport]) -> Callable[..., int]:
        shared, own, output = (_options(one) for one in (group_options, analyse, output_options))
        own = {name: one for name, one in own.items() if name != "inputs"}

        @functools.wraps(analyse)
        def command(**given: Any) -> int:
            def work() -> int:
                from ..common import print_message, progress
                from ..group import read_group
                from ..page import hold_output_folder, print_and_save

                with hold_output_folder(given["out"]):
                    chosen = {name: given[name] for name in own}
                    options = adapt(group_options(**{name: given[name] for name in shared}), **chosen)
                    inputs = read_group(options, print_message)
                    if options.reinvert:
                        from ..group import invert_again

                        inputs = invert_again(options, inputs, print_message)
                    with progress("analysing (a first run compiles, which takes longer)"):
                        report = analyse(inputs, **chosen)
                    if inputs.order is not None:
                        report = replace(report, records=(*report.records, inputs.order.records()))
                    print_and_save(report, given["out"], given["json"])
                return 1 if inputs.errors else 0

            return guarded(work, given["debug"])

        every = {**shared, **own, **output}
        # What `inspect.signature` looks for, and typer by it; the types of functions do not know it.
        command.__signature__ = inspect.Signature(list(every.values()))  # type: ignore[attr-defined] # Typer reads it
        command.__annotations__ = {name: one.annotation for name, one in every.items()}
        return app.command(name=name, epilog=f"Example: {example}", help=help)(command)

    return decorate


def _options(function: Callable[..., Any]) -> dict[str, inspect.Parameter]:
    """A function's parameters by name, annotations evaluated, to be passed by name."""
    names = {**globals(), "GroupInputs": Any, "GroupOptions": Any, "AnalysisReport": Any}
    found = inspect.signature(function, globals=names, eval_str=True).parameters
    return {name: one.replace(kind=inspect.Parameter.KEYWORD_ONLY) for name, one in found.items()}


@group_command(
    "effconn peb fit results --design participants.tsv --fields B --out group",
    "Fit a group: the effect of every covariate on every connection.",
)
def fit(inputs: GroupInputs) -> AnalysisReport:
    """A group fit."""
    from ..group import fit_group, report_fit

    return report_fit(inputs, *fit_group(inputs))


def _arm_options(options: GroupOptions, arm: str, **_: Any) -> GroupOptions:
    from ..group import add_arm_interactions

    return add_arm_interactions(options, arm)


@group_command(
    "effconn peb arms results --design participants.tsv --arm arm --change ses-1,ses-2 --fields B --out arms",
    "Compare two arms: every connection in each, the difference, and how sure it is.",
    adapt=_arm_options,
)
def arms(
    inputs: GroupInputs,
    arm: Annotated[
        str, typer.Option(metavar="COLUMN", help="Column of the design that names each participant's arm.")
    ] = "arm",
    arms: Annotated[
        str | None,
        typer.Option(
            metavar="FIRST,SECOND",
            help="Differences are the first less the second. Default: an arm called placebo, control or the like comes "
            "second, else the later in the alphabet.",
        ),
    ] = None,
    sample: Annotated[bool, typer.Option("--sample", help="Check the result by sampling (NUTS).")] = False,
    seed: Seed = 0,
) -> AnalysisReport:
    """A comparison of two arms."""
    from peb import SamplingSettings

    from ..group import compare_arms, report_arms

    order = None if arms is None else name_pair(arms, ",", "--arms")
    return report_arms(inputs, compare_arms(inputs, arm, SamplingSettings(seed=seed) if sample else None, order))


def _covariate_options(options: GroupOptions, covariate: str, **_: Any) -> GroupOptions:
    from ..group import include_covariate

    return include_covariate(options, covariate)


CovariateOption = Annotated[str, typer.Option(metavar="COLUMN", help="Which covariate of the design.")]


@group_command(
    "effconn peb leave-one-out results --design participants.tsv --fields B --covariate improvement",
    "Estimate each participant's covariate from a group that was fitted without this participant.",
    name="leave-one-out",
    adapt=_covariate_options,
)
def left_out(
    inputs: GroupInputs,
    covariate: CovariateOption,
    folds: Annotated[
        int | None, typer.Option(min=2, help="So many folds instead of one participant at a time.")
    ] = None,
    seed: Seed = 0,
) -> AnalysisReport:
    """A cross-validation."""
    from ..group import predict_left_out, report_leave_one_out

    return report_leave_one_out(inputs, predict_left_out(inputs, covariate, folds, seed))


@group_command(
    "effconn peb permute results --design participants.tsv --fields B --covariate improvement --seed 1",
    "Test a covariate's effect by shuffling it over participants.",
    adapt=_covariate_options,
)
def permute(
    inputs: GroupInputs,
    covariate: CovariateOption,
    on: Annotated[
        list[str] | None,
        typer.Option("--on", help="Field or parameter to test; repeat for more. Default: all explained."),
    ] = None,
    permutations: Annotated[int, typer.Option(min=19, help="How many; p is at least 1 / (1 + this).")] = 999,
    seed: Seed = 0,
) -> AnalysisReport:
    """A permutation test."""
    from ..group import permute_covariate, report_permutation

    return report_permutation(inputs, permute_covariate(inputs, covariate, on or (), permutations, seed))


@group_command(
    "effconn peb compare results --design participants.tsv --fields B --models models.tsv --out models",
    "Compare named models, each a choice among the full model's connections; and families of them.",
)
def compare(
    inputs: GroupInputs,
    models: Annotated[
        Path,
        typer.Option(
            metavar="FILE",
            help="TSV with a column model, 0/1 columns by parameter, and family columns; or SPM's GCM of masks.",
        ),
    ],
    compared: Annotated[
        str | None,
        typer.Option("--for", metavar="A,B,…", help="Covariates that models are chosen for. Default: the first two."),
    ] = None,
) -> AnalysisReport:
    """A comparison of models."""
    from ..group import compare_models, report_comparison

    return report_comparison(inputs, compare_models(inputs, models, name_list(compared) or None))


@group_command(
    "effconn peb search results --design participants.tsv --fields B --out search",
    "Switch off every effect that the evidence does not ask for, and average over the models that are left.",
)
def search(inputs: GroupInputs) -> AnalysisReport:
    """A greedy search."""
    from ..group import report_search, search_models

    return report_search(inputs, *search_models(inputs))
