"""What the check and the report of every example of a design must say."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

OF_TRIALS = (r"\barms?\b", "treatment", r"\bgiven\b", r"\bafter\b", "randomi[sz]ed")
OF_IMAGES = ("fMRIPrep", "voxel", "eigenvariate")


@dataclass(frozen=True)
class Expected:
    """What a design's check and report must say.

    Fields:
        columns: analysis → columns of its design.
        rows: analysis → number of its rows.
        visits: how many, and the last.
        runs: of the last visit.
        says: patterns that the Methods hold.
        says_not: patterns that they do not.
    """

    columns: Mapping[str, tuple[str, ...]]
    rows: Mapping[str, int]
    visits: tuple[int, str]
    says: tuple[str, ...]
    says_not: tuple[str, ...] = OF_TRIALS
    runs: int = 1
    options: tuple[str, ...] = field(default=("--series",))


EXPECTED = {
    "case-control": Expected(
        {"diagnosis": ("mean", "group[patients]", "age")},
        {"diagnosis": 16},
        (16, "sub-16"),
        ("8 patients", "8 controls"),
        (*OF_TRIALS, "session", *OF_IMAGES),
    ),
    "one-group": Expected(
        {"faces": ("mean",)},
        {"faces": 8},
        (8, "sub-08"),
        ("8 participants", "[Rr]egion series"),
        (*OF_TRIALS, *OF_IMAGES, "session", "controls"),
    ),
    "covariates": Expected(
        {"severity": ("mean", "severity", "age")}, {"severity": 12}, (12, "sub-12"), ("12 participants", "severity")
    ),
    "pre-post": Expected(
        {"training": ("mean",), "before": ("mean",)},
        {"training": 8, "before": 8},
        (16, "sub-08_ses-post"),
        ("8 participants", "ses-pre", "ses-post"),
        (r"\barms?\b", "treatment", r"\bgiven\b"),
    ),
    "three-arms": Expected(
        {"drugs": ("mean", "arm[ketamine]", "arm[midazolam]")},
        {"drugs": 18},
        (36, "sub-18_ses-2"),
        ("6 ketamine", "6 midazolam", "6 saline"),
        OF_IMAGES,
    ),
    "longitudinal": Expected(
        {"course": ("mean", "session[ses-2]", "session[ses-3]"), "late": ("mean",)},
        {"course": 25, "late": 8},
        (27, "sub-09_ses-3"),
        ("9 participants", "2 were missing"),
        (r"\barms?\b", "treatment", r"\bgiven\b"),
    ),
    "crossover": Expected(
        {"drug": ("mean", "sequence[placebo-first]"), "visits": ("mean", "drug[ketamine]", "period")},
        {"drug": 10, "visits": 20},
        (20, "sub-10_ses-2"),
        ("10 participants", "ketamine", "placebo"),
        (r"\barms?\b", "treatment", r"\bgiven\b"),
    ),
    "multi-run": Expected(
        {"concatenated": ("mean",), "averaged": ("mean",)},
        {"concatenated": 6, "averaged": 6},
        (6, "sub-06"),
        ("6 participants", "18 runs", "concatenated", "averaged?"),
        runs=3,
    ),
    "sites": Expected(
        {"diagnosis": ("mean", "group[patients]", "site[south]")},
        {"diagnosis": 16},
        (16, "sub-16"),
        ("8 patients", r"1\.5", r"2(\.0)? s"),
    ),
    "series-only": Expected(
        {"diagnosis": ("mean", "group[patients]", "age")},
        {"diagnosis": 16},
        (16, "sub-16"),
        ("8 patients", "[Rr]egion series"),
        (*OF_TRIALS, *OF_IMAGES),
        options=(),
    ),
    "modulator": Expected(  # from images: inputs like no other's are a compilation of their own anyway
        {"intensity": ("mean",)},
        {"intensity": 8},
        (8, "sub-08"),
        ("8 participants", "intensity", "fMRIPrep", "eigenvariate"),
        (*OF_TRIALS, "session"),
        options=(),
    ),
}
