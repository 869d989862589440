"""Parameter names in words: which connection, to and from where, in which unit, and what its sign means."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from dcm import Spec
from peb import MEAN

Kind = Literal["connection", "self-inhibition", "input", "other"]

HERTZ = "Hz"
LOG_SCALE = "log scale of -0.5 Hz"  # as `_dataset.units` has it
INPUT_UNIT = "Hz per unit of input, times 16"
HAEMODYNAMIC = {"transit": "transit time", "decay": "signal decay", "epsilon": "intra- to extravascular signal"}
MEANING: dict[Kind, str] = {
    "connection": "+ = more excitation, − = more inhibition",
    "self-inhibition": "+ = more inhibition",
    "input": "+ = the input excites, − = it inhibits",
    "other": "",
}

_LEVEL = re.compile(r".\[.+\]$")  # a column of a factor, group[patients]
# Without a model a name is taken apart only where that can be done in one way: one arrow, no bracket, and for B and D
# one comma after the arrow.
_PAIR = re.compile(r"(?P<field>[AC])\[(?P<to>[^\[\]]+)<-(?P<source>[^\[\]]+)\]")
_CHANGED = re.compile(r"(?P<field>[BD])\[(?P<to>[^\[\]]+)<-(?P<source>[^\[\],]+), (?P<modulator>[^\[\],]+)\]")
_REGION = re.compile(r"(?P<field>transit|self)\[(?P<to>[^\[\]]+)\]")
# Of other DCMs than of fMRI in Hz: exponents, and connections of which a file does not say what they count.
_SCALED = re.compile(r"(?P<field>log [A-Z])\[(?P<to>[^\[\]]+)<-(?P<source>[^\[\],]+)(?:, (?P<modulator>[^\[\],]+))?\]")
_OTHER = re.compile(r"(?P<field>[A-Za-z]\w*(?:\{[0-9,]+\})+)\[(?P<to>[^\[\]]+)<-(?P<source>[^\[\]]+)\]")


@dataclass(frozen=True)
class Connection:
    """One parameter of a DCM, or a group's effect on it.

    Fields:
        name: as the model spells it, such as ``B[amygdala<-vmPFC, faces]``.
        field: A, B, C, D, transit, decay or epsilon; ``self``, a self-connection in Hz; ``log A``, an exponent that
            scales a connection; ``A{1}``, whose unit is not known; empty where the name could not be taken apart.
        to: the region it acts on, or whose haemodynamics it describes.
        source: the region it comes from; of C, the input.
        modulator: the input (B) or the region (D) that changes the connection.
        covariate: of a level above the first, the covariate of the level below whose effect this is.
    """

    name: str
    field: str = ""
    to: str = ""
    source: str = ""
    modulator: str = ""
    covariate: str = ""

    @property
    def kind(self) -> Kind:
        """What sort of quantity it is."""
        if self.field == "self":
            return "connection"
        if self.field in ("A", "B", "D"):
            return "self-inhibition" if self.to == self.source else "connection"
        return "input" if self.field == "C" else "other"

    @property
    def words(self) -> str:
        """``amygdala ← vmPFC (faces)``, ``self-inhibition of amygdala``; the name itself where it has no parts."""
        if not self.field:
            return self.name
        after = f" ({'gated by ' if self.field == 'D' else ''}{self.modulator})" if self.modulator else ""
        if self.field in HAEMODYNAMIC:
            text = HAEMODYNAMIC[self.field] + (f" of {self.to}" if self.to else "")
        elif self.field == "self":
            text = f"self-connection of {self.to}"
        elif self.kind == "other":
            within = self.field.startswith("log ") and self.to == self.source
            text = (f"inhibition within {self.to}" if within else f"{self.to} ← {self.source}") + after
            text += f" ({self.field})"
        elif self.kind == "input":
            text = f"{self.to} ← {self.source} (input)"
        else:
            text = (f"self-inhibition of {self.to}" if self.to == self.source else f"{self.to} ← {self.source}") + after
        return f"{text}, {self.covariate}" if self.covariate else text

    @property
    def unit(self) -> str:
        """Of the parameter: ``Hz``, a log scale, or nothing where it is not known."""
        if self.field in HAEMODYNAMIC or self.field.startswith("log "):
            return "log scale"
        return {"connection": HERTZ, "self-inhibition": LOG_SCALE, "input": INPUT_UNIT, "other": ""}[self.kind]

    @property
    def meaning(self) -> str:
        """What its sign means."""
        return MEANING[self.kind]


def connections(names: Sequence[str], spec: Spec | None = None) -> tuple[Connection, ...]:
    """Parameter names taken apart; a name that cannot be keeps itself as its words.

    Arguments:
        names: as `Spec.parameter_names` spells them, or ``covariate: name`` as a group's own effects are called.
        spec: the model they belong to: then region and input names may hold brackets, commas and arrows. Without it, a
            name is taken apart only where that can be done in one way.
    """
    known = {} if spec is None else _of_spec(spec)
    return tuple(_connection(name, known) for name in names)


def per_covariate(unit: str, covariate: str, covariate_unit: str = "") -> str:
    """The unit of a covariate's effect, such as ``Hz per point of improvement``; the unit itself of the mean and of
    differences between levels of a factor, ``group[patients]``.

    Arguments:
        unit: of the parameter.
        covariate: its name.
        covariate_unit: what it is counted in, such as ``point`` or ``year``; a unit where nothing is said.
    """
    numbers = "×".join(part for part in covariate.split("×") if not _LEVEL.search(part))
    if covariate == MEAN or not numbers:
        return unit
    if covariate_unit and numbers.casefold() in (covariate_unit.casefold(), f"{covariate_unit}s".casefold()):
        return f"{unit} per {covariate_unit}".strip()
    return f"{unit} per {covariate_unit or 'unit'} of {numbers}".strip()


def _connection(name: str, known: Mapping[str, Connection]) -> Connection:
    if found := known.get(name) or (None if known else _guess(name)):
        return found
    for place in (match.start() for match in re.finditer(": ", name)):
        covariate, rest = name[:place], name[place + 2 :]
        if found := known.get(rest) or (None if known else _guess(rest)):
            return replace(found, name=name, covariate=covariate)
    return Connection(name)


def _guess(name: str) -> Connection | None:
    if name in ("decay", "epsilon"):
        return Connection(name, name)
    match = None
    if name.count("<-") == 1:
        match = next(filter(None, (form.fullmatch(name) for form in (_PAIR, _CHANGED, _SCALED, _OTHER))), None)
    match = match or _REGION.fullmatch(name)
    return Connection(name, **{part: text or "" for part, text in match.groupdict().items()}) if match else None


def _of_spec(spec: Spec) -> dict[str, Connection]:
    """Every parameter of a model by its name; where two are spelled alike, neither."""
    count = Counter(spec.parameter_names)
    found = zip(spec.parameter_names, _parts(spec), strict=True)
    return {name: replace(connection, name=name) for name, connection in found if count[name] == 1}


def _parts(spec: Spec) -> Iterator[Connection]:
    """In the order of `Spec.parameter_names`."""

    def pairs(field: str, modulators: Iterable[str]) -> Iterator[Connection]:
        for modulator in modulators:
            for source in spec.regions:
                yield from (Connection("", field, to, source, modulator) for to in spec.regions)

    yield from pairs("A", [""])
    yield from pairs("B", spec.inputs)
    yield from (Connection("", "C", to, source) for source in spec.inputs for to in spec.regions)
    yield from pairs("D", spec.regions if spec.layout.gated else ())
    yield from (Connection("", "transit", region) for region in spec.regions)
    yield from (Connection("", field) for field in ("decay", "epsilon"))
