"""`effconn peb`: the group level; each analysis is a command below it."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperGroup

from ..common import print_message, progress
from ._group_options import group_options
from ._guard import run_guarded
from ._options import Debug, Json, PageFolder, Seed, name_pair, parse_names

if TYPE_CHECKING:
    from ..group import GroupInputs, GroupOptions
    from ..page import AnalysisReport


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


def output_options(out: PageFolder = None, json: Json = None, debug: Debug = False) -> None:
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
        shared, own, output = (_parameters(function) for function in (group_options, analyse, output_options))
        own = {name: parameter for name, parameter in own.items() if name != "inputs"}

        @functools.wraps(analyse)
        def command(**given: Any) -> int:
            def work() -> int:
                from ..group import read_group_inputs
                from ..page import hold_output_folder, print_and_save

                with hold_output_folder(given["out"]):
                    chosen = {name: given[name] for name in own}
                    options = adapt(group_options(**{name: given[name] for name in shared}), **chosen)
                    inputs = read_group_inputs(options, print_message)
                    if options.reinvert:
                        from ..group import invert_again

                        inputs = invert_again(options, inputs, print_message)
                    with progress("analysing (a first run compiles, which takes longer)"):
                        report = analyse(inputs, **chosen)
                    if inputs.order is not None:
                        report = replace(report, records=(*report.records, inputs.order.records()))
                    print_and_save(report, given["out"], given["json"])
                return 1 if inputs.errors else 0

            return run_guarded(work, given["debug"])

        every = {**shared, **own, **output}
        # What `inspect.signature` looks for, and typer by it; the types of functions do not know it.
        command.__signature__ = inspect.Signature(list(every.values()))  # type: ignore[attr-defined] # Typer reads it
        command.__annotations__ = {name: parameter.annotation for name, parameter in every.items()}
        return app.command(name=name, epilog=f"Example: {example}", help=help)(command)

    return decorate


def _parameters(function: Callable[..., Any]) -> dict[str, inspect.Parameter]:
    """A function's parameters by name, annotations evaluated, to be passed by name."""
    names = {**function.__globals__, "GroupInputs": Any, "GroupOptions": Any, "AnalysisReport": Any}
    found = inspect.signature(function, globals=names, eval_str=True).parameters
    return {name: parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY) for name, parameter in found.items()}


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
            help="Differences are the first minus the second. Default: an arm called placebo, control or the like "
            "comes second, else the later in the alphabet.",
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
    from ..group import cross_validate_covariate, report_leave_one_out

    return report_leave_one_out(inputs, cross_validate_covariate(inputs, covariate, folds, seed))


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

    return report_comparison(inputs, compare_models(inputs, models, parse_names(compared) or None))


@group_command(
    "effconn peb search results --design participants.tsv --fields B --out search",
    "Switch off every effect that the evidence does not ask for, and average over the models that are left.",
)
def search(inputs: GroupInputs) -> AnalysisReport:
    """A greedy search."""
    from ..group import report_search, search_models

    return report_search(inputs, *search_models(inputs))
