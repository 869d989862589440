"""First-level results on disk → what the group level starts from: our NetCDF files, and DCMs that SPM inverted."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from peb import Estimate, change

from ..common import (
    UsageError,
    distinguishing_visits,
    find_repeated_participants,
    find_visit_label,
    first_names,
    name_key,
    natural_key,
)
from ..inversion import is_dcm
from ..results import (
    POSTERIOR_TABLE,
)
from ..spm import (
    DcmFileError,
    PosteriorFile,
    model_name,
    read_estimated,
    written_by_us,
)
from ._estimate_files import GIVEN, SPM, FirstLevel, from_matlab, from_netcdf, from_table

_CELL = re.compile(r"\[([0-9]+),([0-9]+)\]")


def read_estimates(
    paths: Sequence[str | Path], gcm_column: int | None = None, reduced_model: str | None = None
) -> tuple[list[FirstLevel], list[str]]:
    """Every estimate in the files and folders given, and a line for each file that has none or does not fit in.

    A folder gives its ``*.nc``, ``DCM_*.mat`` and ``*_posterior.tsv`` by name, numbers in names as numbers; where it
    has a NetCDF and a DCM of one name, the NetCDF is the one taken. All estimates are to be of one model: those that
    differ from the most frequent one get a line each, and so does a name that came up before. Names that came up before
    in folders of another visit (pre and post) have the folder's name in front.

    Arguments:
        paths: results of ``effconn invert`` (.nc); DCM or GCM files with SPM's estimates, of whatever kind of DCM, and
            TAPAS's of regression DCM (.mat); posteriors as `save_estimates` writes them (.nc, ``NAME_posterior.tsv``);
            or folders of such.
        gcm_column: which column to take of GCMs that have several; None for all of them.
        reduced_model: which to take of the models that a study has reduced from its main one (``dcm/main/reduced``).

    Example:
        >>> levels, lines = read_estimates(["DCM_sub-01.mat", "DCM_sub-02.mat"])
        >>> estimates = [level.estimate for level in levels]
        >>> group = effconn.peb.fit(estimates, design, parameters=["A"])

    Raises `ValueError` where a column is asked for that no GCM has, and `UsageError` where estimates are of different
    modes or kinds of DCM.
    """
    files, lines = _files([Path(path) for path in paths])
    matlab, errors = read_estimated([path for path in files if not _has_netcdf_name(path) and not _is_table(path)])
    read: list[FirstLevel] = []
    entries: list[FirstLevel | DcmFileError | str]
    for path in dict.fromkeys(files):
        if _has_netcdf_name(path):
            entries = [*from_netcdf(path, reduced_model)]
        elif _is_table(path):
            entries = [from_table(path)]
        else:
            entries = [from_matlab(file) for file in matlab if file.path == path]
            entries += [error for error in errors if error.path == path]
            entries = [
                entry for entry in entries if not isinstance(entry, DcmFileError) or _is_asked_for(entry, gcm_column)
            ]
        read += [entry for entry in entries if isinstance(entry, FirstLevel)]
        lines += [str(entry) for entry in entries if not isinstance(entry, FirstLevel)]
    if gcm_column is not None:
        read = _of_column(read, gcm_column)
    named, lines = _named_once(_named_by_visit(read), lines)
    _check_kinds(named)
    kept, lines = _of_one_model(named, lines)
    _check_modes(kept)
    return kept, lines


def cell_of(name: str) -> int | None:
    """The column of a GCM with several that a name is of, from 1; None where it is of none."""
    found = _CELL.search(name)
    return int(found[2]) if found else None


def _is_asked_for(error: DcmFileError, column: int | None) -> bool:
    """Whether a fault is of a GCM's column that is asked for, or of a file without columns."""
    return column is None or cell_of(f"[{error.cell}]") in (None, column)


def _of_column(read: list[FirstLevel], column: int) -> list[FirstLevel]:
    """Those of one column, and those that are of no GCM with columns."""
    columns = {number for level in read if (number := cell_of(level.estimate.name)) is not None}
    if read and column not in columns:
        there = f"there are columns {', '.join(map(str, sorted(columns)))}" if columns else "no GCM here has columns"
        raise ValueError(f"there is no estimate in a column {column}; {there}")
    return [level for level in read if cell_of(level.estimate.name) in (None, column)]


def pair_sessions(
    estimates: Sequence[Estimate], before: str = "ses-1", after: str = "ses-2"
) -> tuple[list[Estimate], list[str]]:
    """The change from one session to another of every participant who has both, and a line for every other estimate.

    Sessions are known by a part of the name, see `pipeline.common.find_visit_label`: ``sub-01_ses-1`` and
    ``sub-01_ses-2`` become the change ``sub-01``, and so do ``sub-01T0`` and ``sub-01T1``; see `peb.change`. The order
    is that of the first session.

    Arguments:
        estimates: of all sessions.
        before, after: the parts that mark the two sessions; case and leading zeros make no difference.

    Raises `ValueError` where the two are the same, no participant has both, or one has them of different models.
    """
    if before == after:
        raise ValueError(f"both sessions are {before}; give two that differ")
    sessions: dict[str, dict[str, Estimate]] = {before: {}, after: {}}
    lines = []
    for estimate in estimates:
        found = find_visit_label(estimate.name, (before, after))
        if found is None:
            lines.append(f"{estimate.name}: its name has no part {before} or {after} alone; it is not used")
            continue
        mark, participant = found
        if participant in sessions[mark]:
            lines.append(f"{estimate.name}: {participant or 'this participant'} has a second {mark}; the first is used")
            continue
        sessions[mark][participant] = estimate
    first, second = sessions[before], sessions[after]
    lines += _meet_alike(first, second)
    lines += [
        f"{estimate.name}: there is no {after} of {participant}"
        for participant, estimate in first.items()
        if participant not in second
    ]
    lines += [
        f"{estimate.name}: there is no {before} of {participant}"
        for participant, estimate in second.items()
        if participant not in first
    ]
    pairs = [participant for participant in first if participant in second]
    if not pairs:
        called = first_names([estimate.name for estimate in estimates]) or "nothing"
        visits = distinguishing_visits(find_repeated_participants([estimate.name for estimate in estimates]))
        hint = f"; their visits seem to be {', '.join(visits)}" if visits else ""
        raise ValueError(
            f"no participant has both {before} and {after} as part of a name; estimates are called {called}{hint}"
        )
    return [change(first[participant], second[participant], participant) for participant in pairs], lines


def _meet_alike(first: dict[str, Estimate], second: dict[str, Estimate]) -> list[str]:
    """A participant written in two ways (P01, p1) is one where no other is like it; a line for each."""
    alike: dict[str, list[str]] = {}
    for participant in second.keys() - first.keys():
        alike.setdefault(name_key(participant), []).append(participant)
    lines = []
    keys = Counter(map(name_key, first))
    for participant in first:
        others = alike.get(name_key(participant), [])
        if participant not in second and len(others) == 1 and keys[name_key(participant)] == 1:
            lines.append(f"{second[others[0]].name}: {others[0]} is taken for {participant}")
            second[participant] = second.pop(others[0])
    return lines


def _files(paths: list[Path]) -> tuple[list[Path], list[str]]:
    """Folders opened."""
    files: list[Path] = []
    lines: list[str] = []
    for path in paths:
        if not path.is_dir():
            files.append(path)
            continue
        inside = [
            file for file in path.iterdir() if is_dcm(file) or _is_netcdf(file) or file.name.endswith(POSTERIOR_TABLE)
        ]
        if not inside:
            lines.append(
                f"{path}: holds no NAME.nc and no DCM_*.mat, nor NAME{POSTERIOR_TABLE}; give the files themselves or "
                "another folder"
            )
        ours = {file.stem for file in inside if _is_netcdf(file)}
        for file in sorted(inside, key=lambda file: (natural_key(model_name(file)), file.suffix)):
            if _is_netcdf(file) or _is_table(file) or model_name(file) not in ours:
                files.append(file)
            elif not written_by_us(file) and any(
                isinstance(e, PosteriorFile) or e.estimate for e in read_estimated([file])[0]
            ):
                lines.append(
                    f"{file.name}: holds an estimate of SPM's beside {model_name(file)}.nc, which is the one taken"
                )
    return _once(files, lines)


def _once(files: list[Path], lines: list[str]) -> tuple[list[Path], list[str]]:
    """Every NetCDF file once; `read_dcms` looks after the others."""
    kept: list[Path] = []
    seen: set[Path] = set()
    for path in files:
        if _has_netcdf_name(path) and path.resolve() in seen:
            lines.append(f"{path.name}: was given twice; it is read once")
            continue
        seen.add(path.resolve())
        kept.append(path)
    return kept, lines


def _has_netcdf_name(path: Path) -> bool:
    return path.suffix.lower() == ".nc"


def _is_netcdf(path: Path) -> bool:
    return path.is_file() and _has_netcdf_name(path) and not path.name.startswith(".")


def _is_table(path: Path) -> bool:
    return path.suffix.lower() in (".tsv", ".csv")


def _check_kinds(levels: Sequence[FirstLevel]) -> None:
    """Raises `UsageError` where estimates are of different kinds of DCM."""
    names_of: dict[str, list[str]] = {}
    for level in levels:
        names_of.setdefault(level.kind, []).append(level.estimate.name)
    if len(names_of) > 1:
        said = "; ".join(f"{kind}: {first_names(names)}" for kind, names in names_of.items())
        raise UsageError(
            f"the results are of different kinds, whose parameters are not the same quantities ({said}); give those of "
            "one kind"
        )


def _check_modes(levels: Sequence[FirstLevel]) -> None:
    """Raises `UsageError` where estimates are of different modes: their noise, priors or inputs are not the same."""
    names_of: dict[str, list[str]] = {}
    for level in levels:
        names_of.setdefault(level.mode, []).append(level.estimate.name)
    modes = set(names_of)
    if len(modes) < 2 or modes in ({SPM, "spm12"}, {SPM, "spm25"}):
        return
    said = "; ".join(f"mode {mode}: {first_names(names)}" for mode, names in names_of.items())
    raise UsageError(
        f"the results are of different modes, and a group needs one ({said}); invert all of them in one mode, such as "
        "effconn invert --compat none"
    )


def _named_by_visit(read: list[FirstLevel]) -> list[FirstLevel]:
    """With the folder's name in front of names that came up before, where the folders are of several visits."""
    places: dict[str, list[int]] = {}
    for place, level in enumerate(read):
        places.setdefault(level.estimate.name, []).append(place)
    named = list(read)
    for name, own in places.items():
        parents = [list(reversed(read[place].path.resolve().parent.parts)) for place in own]
        folders: tuple[str, ...] = next((row for row in zip(*parents, strict=False) if len(set(row)) > 1), ())
        visits = [f"{folder}_{name}" for folder in folders]
        if len(set(folders)) == len(own) > 1 and [len(group) for group in find_repeated_participants(visits)] == [
            len(own)
        ]:
            for place, new in zip(own, visits, strict=True):
                named[place] = replace(read[place], estimate=replace(read[place].estimate, name=new))
    return named


def _named_once(read: list[FirstLevel], lines: list[str]) -> tuple[list[FirstLevel], list[str]]:
    kept: dict[str, FirstLevel] = {}
    for level in read:
        name = level.estimate.name
        if name in kept:
            lines.append(f"{level.path.name}: {name} came up before, in {kept[name].path}; the first is taken")
        else:
            kept[name] = level
    return list(kept.values()), lines


def _of_one_model(read: list[FirstLevel], lines: list[str]) -> tuple[list[FirstLevel], list[str]]:
    """Those whose free parameters are those of most, the earliest where there is a tie."""
    if not read:
        return read, lines
    usual, _ = Counter(level.estimate.parameters for level in read).most_common(1)[0]
    read = [_in_order(level, usual) for level in read]
    kept = [level for level in read if level.estimate.parameters == usual]
    for level in read:
        if level.estimate.parameters == usual:
            continue
        own, theirs = set(level.estimate.parameters), set(usual)
        odd = next((f"has {name}" for name in level.estimate.parameters if name not in theirs), "") or next(
            (f"lacks {name}" for name in usual if name not in own), "has its regions in another order"
        )
        lines.append(
            f"{level.path.name}: {level.estimate.name} is of another model than {kept[0].estimate.name} and most "
            f"of them (it {odd}); a group needs one model for all"
        )
    return kept, lines


def _in_order(level: FirstLevel, usual: tuple[str, ...]) -> FirstLevel:
    """A posterior as it was given, in the order of most: it rests on names alone, a DCM on the order of its regions."""
    own = level.estimate
    if level.mode != GIVEN or own.parameters == usual or set(own.parameters) != set(usual):
        return level
    places = np.array([own.parameters.index(name) for name in usual])
    fields = tuple(own.fields[place] for place in places)
    prior, posterior = own.prior.marginal(places), own.posterior.marginal(places)
    return replace(level, estimate=Estimate(own.name, usual, fields, prior, posterior, own.free_energy))
