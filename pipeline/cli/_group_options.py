"""The options that all analyses of `effconn peb` share."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from ._options import name_pair, parse_names

if TYPE_CHECKING:
    from ..group import GroupOptions


def group_options(
    results: Annotated[
        list[Path],
        typer.Argument(
            help="First-level results: folders of effconn invert, its .nc files, SPM's estimated DCM/GCM files of any "
            "kind, TAPAS's of regression DCM, or posteriors as NAME_posterior.tsv or arrays in NetCDF."
        ),
    ],
    design: Annotated[
        Path | None,
        typer.Option(
            "--design", metavar="TABLE", help="TSV with participant_id and a column per covariate; default: mean alone."
        ),
    ] = None,
    covariates: Annotated[
        str | None, typer.Option(metavar="A,B,…", help="Columns of the design to use, in order. Default: all.")
    ] = None,
    interactions: Annotated[
        str | None, typer.Option(metavar="A:B,…", help="Products of covariates, such as arm:improvement.")
    ] = None,
    raw: Annotated[
        bool, typer.Option("--raw", help="Leave covariates as they are; they are centred otherwise.")
    ] = False,
    formula: Annotated[
        str | None,
        typer.Option(
            "--formula",
            metavar="TEXT",
            help="The design of columns of the table, such as '1 + group + age + group:age': names, :, *, +, -, and "
            "C(name), which makes a number a factor. In the place of --covariates and --interactions.",
        ),
    ] = None,
    reference: Annotated[
        list[str] | None,
        typer.Option(
            "--reference", metavar="FACTOR=LEVEL", help="The level that others are taken from; repeat for more."
        ),
    ] = None,
    contrast: Annotated[
        list[str] | None,
        typer.Option(
            "--contrast",
            metavar="[NAME=]TEXT",
            help="A sum of levels or columns to answer, such as 'drug=ketamine - midazolam' or '0.5*a + 0.5*b - c'; "
            "repeat for more.",
        ),
    ] = None,
    fields: Annotated[
        str | None, typer.Option(metavar="A,B,C", help="Fields of the DCM that the group explains. Default: A,B.")
    ] = None,
    parameter: Annotated[
        list[str] | None,
        typer.Option("--parameter", help="A single parameter by name, instead of or beside --fields; repeat for more."),
    ] = None,
    change: Annotated[
        str | None,
        typer.Option(
            metavar="BEFORE,AFTER",
            help="Analyse the change between visits, by what marks them in names: ses-1,ses-2 or pre,post.",
        ),
    ] = None,
    of: Annotated[
        str | None,
        typer.Option(
            "--of",
            metavar="TEXT",
            help="What of each participant's visits, by what marks them in names: 'mean' (their Bayesian average), "
            "'visits' (three levels; rows of the design are visits), or a contrast such as 'ses-3 - ses-1'.",
        ),
    ] = None,
    matched_only: Annotated[
        bool,
        typer.Option("--matched-only", help="Go on without participants who lack a result or a row; each is named."),
    ] = False,
    by_order: Annotated[
        bool,
        typer.Option(
            "--by-order",
            help="Row i of the design is for result i, sub-2 before sub-10: for SPM's .mat designs, which have no "
            "names. Who each row is for is said, and written to order.tsv.",
        ),
    ] = False,
    gcm_column: Annotated[
        int | None, typer.Option(min=1, metavar="N", help="Which model: the column of a GCM that has several.")
    ] = None,
    reduced_model: Annotated[
        str | None,
        typer.Option(
            metavar="NAME", help="Which model, of those in a study's dcm/main/reduced, all of them reduced from main."
        ),
    ] = None,
    all_different: Annotated[
        bool,
        typer.Option(
            "--all-different",
            help="Every result is another participant's, though names look like visits (T1 and T2) of one.",
        ),
    ] = False,
    compat: Annotated[
        str,
        typer.Option(
            metavar="none|spm12|spm25",
            help="'none': the calibrated group level; 'spm12', 'spm25': SPM's numbers, oddities included.",
        ),
    ] = "none",
    between: Annotated[
        Literal["mixture", "gaussian"] | None,
        typer.Option(
            help="How participants lie about the design: some may be far off and count less, or Gaussian, and all "
            "count. Default: mixture; gaussian with SPM's modes."
        ),
    ] = None,
    components: Annotated[
        Literal["single", "fields", "all", "none"] | None,
        typer.Option(
            help="Gaussian participants: their variances, one (default), one per field, one per parameter, or fixed. A "
            "mixture has one per parameter."
        ),
    ] = None,
    between_prior: Annotated[
        Literal["spm12", "wide"] | None,
        typer.Option(
            help="Gaussian participants: how sure one is beforehand of their variance, as SPM12 or left to the data. "
            "Default: as the mode."
        ),
    ] = None,
    smallest_effect: Annotated[
        float,
        typer.Option(
            "--smallest-effect",
            metavar="HZ",
            help="An effect that is surely below this counts as none; of a covariate that is a number, per SD of it.",
        ),
    ] = 0.5,
    reinvert: Annotated[
        bool,
        typer.Option(
            "--reinvert",
            help="Invert participants again under what the group says of each, until the group stays. Needs their "
            "series.",
        ),
    ] = False,
    series: Annotated[
        list[Path] | None,
        typer.Option(
            "--series", help="With --reinvert: file or folder of what results were made from, if not near them."
        ),
    ] = None,
) -> GroupOptions:
    """`GroupOptions` from the options of the command line; its signature is what typer reads."""
    from ..group import (
        GroupOptions,
        check_smallest_effect,
        group_settings,
        named_contrasts,
        parse_of,
        split_pair,
    )

    return GroupOptions(
        paths=results,
        design=design,
        covariates=parse_names(covariates) or None,
        interactions=[name_pair(pair, ":", "--interactions") for pair in parse_names(interactions)],
        centred=not raw,
        formula=formula,
        reference=dict(split_pair(text, "--reference") for text in reference or ()),
        contrasts=named_contrasts(contrast or ()),
        fields=parse_names(fields) or None,
        parameters=tuple(parameter or ()),
        sessions=name_pair(change, ",", "--change") if change else None,
        visits=None if of is None else parse_of(of),
        matched_only=matched_only,
        by_order=by_order,
        gcm_column=gcm_column,
        reduced_model=reduced_model,
        all_different=all_different,
        settings=group_settings(compat, between, components, between_prior),
        smallest_effect=check_smallest_effect(smallest_effect),
        reinvert=reinvert,
        series=series or (),
    )
