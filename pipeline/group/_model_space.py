"""Candidate models of a group: which parameters each of them has, and which families they belong to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Bool

from dcm import Layout, Spec

from ..common import list_names, read_number
from ..matlab import FieldProblem, Fields, MatFileError, StructArray, describe, load_mat
from ..spm import SpmFileError, canonical_spm_name, distinct_names, names_to_spm, read_structure_mask, spm_names
from ..tables import MISSING, TableError, read_table

MODEL_COLUMN = "model"
FAMILY_COLUMNS = "family"


class ModelSpaceError(SpmFileError):
    """What is wrong with one file of candidate models; attributes as in `SpmFileError`."""


@dataclass(frozen=True, eq=False)
class ModelSpace:
    """Candidate models, each a choice among the same parameters.

    Fields (M models, p parameters):
        path: the file.
        models: M names, all different.
        parameters: p names, SPM's or ours.
        on: (M, p) whether a model has a parameter.
        families: name of a partition → the family of each model.
        layout: of the DCM whose masks the file holds; None where a table lists parameters.
    """

    path: Path
    models: tuple[str, ...]
    parameters: tuple[str, ...]
    on: Bool[np.ndarray, "model param"]
    families: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    layout: Layout | None = None

    def switches(
        self, parameters: Sequence[str], spec: Spec | None = None, spm: Mapping[str, str] | None = None
    ) -> Bool[np.ndarray, "model effect"]:
        """Which of a group's parameters each model has.

        Arguments:
            parameters: of the group, by SPM's names or ours.
            spec: the DCM they belong to, which tells how our names stand to SPM's; needed where the file uses the one
                and the group the other.
            spm: parameter → SPM's name, where it is not that of `spec`.

        Raises `ModelSpaceError` where a parameter is not in the file, or a table has a column for none of them.
        """
        if (
            spec is not None
            and spm is None
            and self.layout is not None
            and (self.layout.n, self.layout.m) != (spec.n, spec.m)
        ):
            raise ModelSpaceError(
                self.path,
                "",
                f"is of models of {self.layout.n} regions and {self.layout.m} inputs, the group's have {spec.n} and "
                f"{spec.m}; give the models of this DCM",
            )
        theirs = spm if spm is not None else {} if spec is None else names_to_spm(spec)
        places = {theirs.get(name, canonical_spm_name(name)): place for place, name in enumerate(self.parameters)}
        wanted = [theirs.get(name, canonical_spm_name(name)) for name in parameters]
        absent = [name for name, key in zip(parameters, wanted, strict=True) if key not in places]
        if absent:
            held = ", ".join(self.parameters[:4])
            raise ModelSpaceError(
                self.path, "", f"does not say which models have {absent[0]} (it has {held}, …); "
                + ("give it a column of 0 and 1" if self.layout is None else "give the DCM that the models are of")
            )  # fmt: skip
        ignored = sorted(set(places) - set(wanted))
        if ignored and self.layout is None:
            name = self.parameters[places[ignored[0]]]
            raise ModelSpaceError(
                self.path, "", f"has a column {name}, which is no parameter of the group; take it out"
            )
        return self.on[:, [places[key] for key in wanted]]


def read_model_space(path: str | Path) -> ModelSpace:
    """Candidate models from a MATLAB file or a table.

    A MATLAB file has a cell or struct array ``GCM`` of structs with masks a, b, c, d (and ``name``), and for every
    partition into families a variable with one number or name per model. A table (.tsv, .csv) has a column ``model``, a
    column of 0 and 1 for every parameter, and columns whose names begin with ``family`` for partitions.

    Raises `ModelSpaceError` or `TableError`, naming file, field or line, and remedy.
    """
    path = Path(path)
    if path.suffix.lower() != ".mat":
        return _from_table(path)
    try:
        return _from_mat(path, load_mat(path))
    except MatFileError as error:
        raise ModelSpaceError(path, "", str(error)) from error
    except FieldProblem as error:
        raise ModelSpaceError(path, error.field, error.problem) from error


def _from_table(path: Path) -> ModelSpace:
    table = read_table(path)
    models = table.names(MODEL_COLUMN)
    if not models:
        raise TableError(path, "has no row; give each model one")
    families = [name for name in table.columns if name.lower().startswith(FAMILY_COLUMNS)]
    parameters = [name for name in table.columns if name != MODEL_COLUMN and name not in families]
    if not parameters:
        raise TableError(path, "has no column of a parameter; give each parameter one, of 0 and 1", 1)
    repeated = [
        name for i, name in enumerate(parameters) if canonical_spm_name(name) in map(canonical_spm_name, parameters[:i])
    ]
    if repeated:
        raise TableError(path, f"has two columns for {canonical_spm_name(repeated[0])}; keep one", 1)
    switches = {name: list(map(read_number, table.column(name))) for name in parameters}
    for name, values in switches.items():
        for cell, value, line in zip(table.column(name), values, table.lines, strict=True):
            if value not in (0.0, 1.0):
                raise TableError(path, f"{name} is {cell!r}; write 1 where the model has it and 0 where not", line)
    for name in families:
        for cell, line in zip(table.column(name), table.lines, strict=True):
            if cell == MISSING:
                raise TableError(path, f"{name} is missing; every model belongs to one family", line)
    on = np.array([[value == 1.0 for value in values] for values in switches.values()]).T
    return ModelSpace(path, models, tuple(parameters), on, {name: table.column(name) for name in families})


def _from_mat(path: Path, variables: Mapping[str, Any]) -> ModelSpace:
    structs = _models(variables)
    if not structs:
        raise FieldProblem("GCM", "is empty; save one struct per model in it")
    first = structs[0]
    if first.has("a") and not first.has("c"):  # of rest, without inputs
        n, m = first.matrix("a", "give a mask of regions × regions").shape[0], 0
    else:
        drives = first.matrix("c", "give a mask of regions × inputs")
        if drives.ndim != 2:
            raise first.problem("c", f"has {drives.ndim} axes; give a mask of regions × inputs")
        n, m = drives.shape
    gated = any(struct.has("d") and struct.matrix("d", "give a mask of 0 and 1").any() for struct in structs)
    layout = Layout(n, m, gated)
    on = np.array([_switched_on(struct, layout) for struct in structs])
    names = [struct.content.get("name") for struct in structs]
    said = [name if isinstance(name, str) and name else f"model {k}" for k, name in enumerate(names, start=1)]
    return ModelSpace(path, distinct_names(said), spm_names(layout), on, _families(variables, len(structs)), layout)


def _models(variables: Mapping[str, Any]) -> list[Fields]:
    if "GCM" not in variables:
        held = list_names(variables, "nothing")
        raise FieldProblem("GCM", f"is missing (the file holds {held}); save the models as a cell array GCM")
    value = variables["GCM"]
    if isinstance(value, Mapping):
        items: list[Any] = [value]
    elif isinstance(value, StructArray):
        items = list(value)
    elif isinstance(value, np.ndarray) and value.dtype == object and value.size:
        if min(value.shape) > 1:
            raise FieldProblem("GCM", f"is {describe(value)}; keep one row, with one struct per model")
        items = list(value.ravel(order="F"))
    else:
        raise FieldProblem("GCM", f"is {describe(value)}, not a cell array of models; save one struct per model")
    for position, item in enumerate(items, start=1):
        if not isinstance(item, Mapping):
            kind = f"the text '{item}'" if isinstance(item, str) else describe(item)
            raise FieldProblem(f"GCM{{{position}}}", f"is {kind}, not a struct with masks a, b, c, d; save the struct")
    return [Fields(item, f"GCM{{{position}}}.") for position, item in enumerate(items, start=1)]


def _switched_on(model: Fields, layout: Layout) -> np.ndarray:
    """(param,) in the order of the layout: masks, with self-connections and haemodynamics, which every DCM has."""
    n, m = layout.n, layout.m
    endogenous = read_structure_mask(model, "a", (n, n)) | np.eye(n, dtype=bool)
    parts = [endogenous, read_structure_mask(model, "b", (n, n, m))]
    parts += [read_structure_mask(model, "c", (n, m))] if m else []
    if layout.gated:
        parts.append(read_structure_mask(model, "d", (n, n, n)))
    return np.concatenate([*(part.ravel(order="F") for part in parts), np.ones(n + 2, dtype=bool)])


def _families(variables: Mapping[str, Any], count: int) -> dict[str, tuple[str, ...]]:
    """Variables with "family" in their name: one positive whole number, or one name, per model."""
    found = {}
    for name, value in variables.items():
        if FAMILY_COLUMNS not in name.lower() or name == "GCM":
            continue
        labels = np.ravel(value, order="F").tolist()
        numbers = all(isinstance(label, int | float) and label > 0 and label == np.floor(label) for label in labels)
        if len(labels) != count or not (numbers or all(isinstance(label, str) and label.strip() for label in labels)):
            raise FieldProblem(name, f"must hold one family for each of the {count} models; give each a number from 1")
        found[name] = tuple(f"{label:g}" if numbers else label.strip() for label in labels)
    return found
