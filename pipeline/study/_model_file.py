"""A model by itself in a TOML file, for `effconn specify`: its table [dcm] is that of a study, with SPM's timing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from dcm import SPM12_ECHO_TIME, Spec

from ..common import did_you_mean
from ._analysis_settings import ConfigSection, Finite, Name, Positive
from ._check_dcm import check_connections, check_structure
from ._mistakes import Keys, Mistake, check_names, locate_keys
from ._model_specs import make_spec
from ._read_study import StudyError, parse_toml, problem_lines, read_toml_text
from ._schema import check_shape_of
from ._study import NamedStructure

Delay = Annotated[Finite, Field(ge=0)]
ABSENT = "write it by hand: effconn specify --help says what is in it"


class SpecifiedDcm(NamedStructure):
    """`[dcm]`: the model that every participant gets, from VOIs and an SPM.mat."""

    inputs: Annotated[
        tuple[str, ...] | dict[Name, tuple[str, ...]],
        Field(
            min_length=1,
            description="Conditions and parametric modulators by their names in SPM.Sess.U; or input = those it adds "
            "up.",
        ),
    ]
    d: Annotated[dict[str, tuple[str, ...]] | None, Field(description="Region = connections it gates.")] = None
    session: Annotated[
        Annotated[int, Field(ge=1)] | Literal["all"],
        Field(description="Session of the SPM.mat; 'all': a file for each that has VOIs."),
    ] = 1
    delays: Annotated[
        Delay | dict[str, Delay] | None,
        Field(
            description="When regions are sampled, s from the start of a scan; one number, or one for each region. "
            "Default: half a repetition time."
        ),
    ] = None
    echo_time: Annotated[Positive, Field(le=1, description="The scanner's, s.")] = SPM12_ECHO_TIME
    centre_inputs: Annotated[
        bool, Field(description="options.centre: A is the connectivity averaged over the run.")
    ] = False
    name: Annotated[Name | None, Field(description="Of the model: DCM_PARTICIPANT_NAME.mat.")] = None

    @property
    def conditions(self) -> dict[str, tuple[str, ...]]:
        """Input → the conditions and modulators that it adds up."""
        given = self.inputs
        return dict(given) if isinstance(given, Mapping) else {name: (name,) for name in given}

    @property
    def spec(self) -> Spec:
        """The structure of the model."""
        a = self.a if isinstance(self.a, tuple) else "full"
        return make_spec(self.regions, list(self.conditions), a=a, b=self.b, c=self.c, d=self.d)

    @property
    def region_delays(self) -> float | tuple[float, ...] | None:
        """One delay, or one for each region in the model's order; None for half a repetition time."""
        given = self.delays
        return tuple(given[region] for region in self.regions) if isinstance(given, dict) else given


class ModelFile(ConfigSection):
    """A file with one model."""

    dcm: Annotated[SpecifiedDcm, Field(description="The model.")]


def read_model_file(path: str | Path) -> SpecifiedDcm:
    """The model that a TOML file describes.

    Raises `StudyError` with every mistake in the file at once, a line each, with the nearest valid name.
    """
    name = str(path)
    text = read_toml_text(Path(path), name, ABSENT)
    model, problems = check_shape_of(ModelFile, parse_toml(text, name))
    if model is not None:
        problems = list(_contradictions(model.dcm))
    if problems or model is None:
        raise StudyError(name, problem_lines(problems, name, locate_keys(text)))
    return model.dcm


def _contradictions(dcm: SpecifiedDcm) -> Iterator[Mistake]:
    yield from check_names(("dcm", "regions"), dcm.regions)
    if isinstance(dcm.inputs, Mapping):
        for name, members in dcm.inputs.items():
            if not members:
                yield Mistake(("dcm", "inputs", name), "adds up nothing; name conditions, or a modulator")
            yield from check_names(("dcm", "inputs", name), members)
    else:
        yield from check_names(("dcm", "inputs"), dcm.inputs)
    yield from check_structure(("dcm",), dcm, dcm)
    yield from _region_keys(("dcm", "d"), dcm.d or (), dcm)
    for region, connections in (dcm.d or {}).items():
        yield from check_connections(("dcm", "d", region), connections, dcm.regions)
    if isinstance(dcm.delays, dict):
        yield from _region_keys(("dcm", "delays"), dcm.delays, dcm)
        for region in dcm.regions:
            if region not in dcm.delays:
                yield Mistake(("dcm", "delays"), f"lacks region {region!r}; give one number, or one for every region")


def _region_keys(path: Keys, names: Iterable[str], dcm: SpecifiedDcm) -> Iterator[Mistake]:
    for name in names:
        if name not in dcm.regions:
            tip = did_you_mean(name, dcm.regions, "regions of the model")
            yield Mistake((*path, name), f"{name!r} is no region of the model{tip}")
