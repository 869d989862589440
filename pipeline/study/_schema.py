"""Whether a file has the shape of a study: known keys, right kinds, values within limits.

The shape is a JSON schema too, by which editors complete keys, show what they mean and mark mistakes.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date, time
from typing import Any, TypeVar, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from ..common import did_you_mean, nearest_name
from ._analysis_settings import Compat, ConfigSection
from ._mistakes import Keys, Mistake, heading, quoted
from ._study import ONE_DCM, SEVERAL_DCMS, Dcm, Study, holds_several

DIALECT = "https://json-schema.org/draft/2020-12/schema"
SCHEMA_FILE = "study.schema.json"

File = TypeVar("File", bound=ConfigSection)
PLACEHOLDER = "?"  # what a starter leaves where it cannot even guess
MUST, NOT = "must be ", ", not "
NAME_RULE = "a name starts with a letter and holds letters, digits, _ and - only"
# What a setting could be once → what took its place.
_RENAMED_VALUES = {("compat", "exact"): 'what was "exact" is now compat = "none" with between = "gaussian"'}
_EXPECTED = {
    "string_type": "text in quotes",
    "path_type": "a path, as text in quotes",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "bool_type": "true or false",
    "tuple_type": "a list in brackets",
    "dict_type": "a table",
    "model_type": "a table",
    "model_attributes_type": "a table",
    "finite_number": "a number that is finite",
}
# Keys of earlier versions → what took their place.
_RENAMED_KEYS: dict[Keys, str] = {
    ("dcm", "noise_prior"): 'priors replaced it: "none" has a wide prior of the noise, "spm12" SPM12\'s',
    ("dcm", "prior"): 'priors replaced it: "none", "spm12" or "spm25"',
    ("dcm", "centre"): "it is called centre_inputs",
}


def study_schema() -> dict[str, Any]:
    """The schema of a study's TOML file, in JSON Schema's draft 2020-12."""
    made = _without_other_keys(Study.model_json_schema())
    head = {"$schema": DIALECT, "$id": f"urn:effconn:{SCHEMA_FILE}", "title": "effconn study"}
    return {**head, **{key: value for key, value in made.items() if key != "title"}}


def _without_other_keys(part: Any) -> Any:
    """The same, where tables whose keys must have a form refuse others, as the models do."""
    if isinstance(part, list):
        return [_without_other_keys(item) for item in part]
    if not isinstance(part, dict):
        return part
    closing = {"additionalProperties": False} if "patternProperties" in part else {}
    return {**closing, **{key: _without_other_keys(item) for key, item in part.items()}}


def check_shape(content: Mapping[str, Any]) -> tuple[Study | None, list[Mistake]]:
    """The study that a parsed file describes, or every mistake in its shape."""
    return check_shape_of(Study, _with_sessions_of_a_trial(_with_mode_of_file(content)), content)


def check_shape_of(
    kind: type[File], content: Mapping[str, Any], written: Mapping[str, Any] | None = None
) -> tuple[File | None, list[Mistake]]:
    """What a parsed file of some kind describes, or every mistake in its shape.

    Arguments:
        kind: the model of the whole file.
        content: what is checked.
        written: what stands in the file, where that is not the same.
    """
    written = content if written is None else written
    problems = [*_impossible_values(written, ())]
    found = None
    try:
        # As JSON, since there pydantic knows tuples and paths from other kinds without accepting 1 for true.
        found = kind.model_validate_json(json.dumps(content, default=str), strict=True)
    except ValidationError as error:
        named = {problem.path for problem in problems}
        told = error.errors(include_url=False)
        within = {place["loc"][:end] for place in told for end in range(len(place["loc"]))}
        # A list that is too short since its entries are wrong is no mistake of its own.
        told = [place for place in told if place["type"] != "too_short" or place["loc"] not in within]
        others = _problems(kind, told, written)
        problems += [problem for problem in others if problem.path not in named]
    return (None, problems) if problems else (found, [])


def _with_mode_of_file(content: Mapping[str, Any]) -> Mapping[str, Any]:
    """`compat` above the first heading is that of [dcm] and of every [group.NAME] that has none of its own."""
    mode, group = content.get("compat"), content.get("group")
    if mode not in get_args(Compat):
        return content
    content_with_mode = dict(content)
    if isinstance(content.get("dcm"), Mapping):
        content_with_mode["dcm"] = _dcm_with_mode(content["dcm"], mode)
    if isinstance(group, Mapping):
        content_with_mode["group"] = {
            name: {"compat": mode, **analysis} if isinstance(analysis, Mapping) else analysis
            for name, analysis in group.items()
        }
    return content_with_mode


def _with_sessions_of_a_trial(content: Mapping[str, Any]) -> Mapping[str, Any]:
    """A trial without [sessions] has ses-1 before and ses-2 after, as all studies had in version 0.1."""
    participants = content.get("participants")
    if not isinstance(participants, Mapping) or "sessions" in content or not {"arm", "arms"} & set(participants):
        return content
    return {**content, "sessions": {"before": "ses-1", "after": "ses-2"}}


def _dcm_with_mode(dcm: Mapping[str, Any], mode: Any) -> Mapping[str, Any]:
    """[dcm], or each [dcm.NAME], with the mode of the file."""
    if holds_several(dcm):
        return {name: {"compat": mode, **own} for name, own in dcm.items()}
    return {"compat": mode, **dcm}


def _impossible_values(value: Any, path: Keys) -> Iterator[Mistake]:
    """Values that no setting takes, whichever it is."""
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from _impossible_values(item, (*path, key))
    elif isinstance(value, list):
        for place, item in enumerate(value):
            yield from _impossible_values(item, (*path, place))
    elif isinstance(value, date | time):
        yield Mistake(path, f"is the date {value}; put it in quotes if it is a name", (path,))
    elif isinstance(value, str) and "\0" in value:
        yield Mistake(path, f"is {quoted(value)}, with a character that no name can have; remove it", (path,))
    elif value == PLACEHOLDER:
        yield Mistake(path, f"is still {PLACEHOLDER!r}, which effconn init could not guess; fill it in", (path,))


def _problems(kind: type[BaseModel], errors: Sequence[ErrorDetails], content: Mapping[str, Any]) -> list[Mistake]:
    """pydantic's errors, those of one value in one line."""
    found: dict[tuple[Keys, Keys], list[str]] = {}
    for error in errors:
        error["loc"] = tuple(part for part in error["loc"] if part not in (ONE_DCM, SEVERAL_DCMS))
        path, value = _place(error["loc"], content)
        lacking = tuple(error["loc"]) if error["type"] == "missing" else path
        if error["type"] == "missing" and isinstance(
            lacking[-1], int
        ):  # of a list of fixed length: the last that is missing tells the length
            lacking = path
            found.pop((path, lacking), None)
        texts = found.setdefault((path, lacking), [])
        text = _explain(kind, error, path, value)
        if text not in texts:
            texts.append(text)
    return [
        Mistake(path, _join_alternatives(texts), _keys_concerned(kind, path, lacking))
        for (path, lacking), texts in found.items()
    ]


def _keys_concerned(kind: type[BaseModel], path: Keys, lacking: Keys) -> tuple[Keys, ...]:
    """What a mistake is in; of an unknown part also the one that was probably meant."""
    meant_part = nearest_name(str(path[0]), kind.model_fields) if len(path) == 1 else None
    return (lacking, (meant_part,)) if meant_part and meant_part != path[0] else (lacking,)


def _place(loc: Sequence[int | str], content: Any) -> tuple[Keys, Any]:
    """The part of pydantic's location that is in the file (the rest are names of alternatives), and what is there."""
    value: Any = content
    for n, part in enumerate(loc):
        try:
            value = value[part]
        except (KeyError, IndexError, TypeError):
            return tuple(loc[:n]), value
    return tuple(loc), value


def _join_alternatives(texts: Sequence[str]) -> str:
    """What several alternatives of one value expected, as one sentence."""
    wants = [text.removeprefix(MUST).split(NOT, 1) for text in texts if text.startswith(MUST) and NOT in text]
    if len(wants) < 2:
        return "; ".join(texts)
    given = max((given for _, given in wants), key=len)  # the one with a suggestion, if there is one
    return f"{MUST}{' or '.join(expected for expected, _ in wants)}{NOT}{given}"


def _explain(file: type[BaseModel], error: ErrorDetails, path: Keys, value: Any) -> str:
    kind, context = error["type"], error.get("ctx", {})
    if kind == "missing":
        return _missing(file, error["loc"], value)
    if kind == "extra_forbidden":
        return _unknown(file, path)
    if error["loc"] and error["loc"][-1] == "[key]":
        reason = _LIMITS[kind](context, value) if kind == "string_too_long" else NAME_RULE
        return f"{quoted(path[-1])} cannot be used here: {reason}"
    if kind == "literal_error":
        replacement = _RENAMED_VALUES.get((str(path[-1]), value)) if isinstance(value, str) else None
        return _not_a_choice(str(context["expected"]), value) + (f"; {replacement}" if replacement else "")
    if kind in _EXPECTED:
        return f"must be {_EXPECTED[kind]}, not {_describe_value(value)}"
    if kind in _LIMITS:
        return _LIMITS[kind](context, value)
    return f"{error['msg']}, not {_describe_value(value)}"


_LIMITS: dict[str, Callable[[Mapping[str, Any], Any], str]] = {
    "greater_than": lambda context, value: f"must be greater than {context['gt']:g}, not {quoted(value)}",
    "greater_than_equal": lambda context, value: f"must be at least {context['ge']:g}, not {quoted(value)}",
    "less_than_equal": lambda context, value: f"must be at most {context['le']:g}, not {quoted(value)}",
    "too_short": lambda context, value: f"must have at least {context['min_length']} entry, but it is empty",
    "too_long": lambda context, value: f"must have {context['max_length']} entries, but it has {len(value)}",
    "string_too_long": lambda context, value: f"it has more than {context['max_length']} letters",
    "string_too_short": lambda context, value: "must not be empty",
    "string_pattern_mismatch": lambda context, value: f"is {quoted(value)}, but {NAME_RULE}",
}


def _missing(file: type[BaseModel], loc: Sequence[int | str], value: Any) -> str:
    last = loc[-1]
    if isinstance(last, int):  # of a list of fixed length
        return f"must have {last + 1} entries, but it has {len(value)}"
    model = _model_at(file, tuple(loc[:-1]))
    described = model.model_fields[last].description if model is not None else None
    if len(loc) == 1 and file is not Study:
        return f"the file has no [{last}]; add it"
    if len(loc) == 1:
        return f"the study has no [{last}]; add it (effconn init writes a file to start from)"
    return f"lacks {last!r}" + (f" ({described.rstrip('.')})" if described else "") + "; add it"


def _unknown(file: type[BaseModel], path: Keys) -> str:
    model = _model_at(file, path[:-1])
    fields = list(model.model_fields) if model is not None else []
    name = str(path[-1])
    if replacement := _RENAMED_KEYS.get(path):
        return f"is gone; {replacement}"
    if len(path) == 1:
        found = nearest_name(name, fields)
        question = f"; did you mean [{found}]?" if found else ""
        whole = "a study" if file is Study else "such a file"
        return f"is no part of {whole}{question} (parts: {', '.join(fields)})"
    elsewhere = (
        f"; it belongs into [{', '.join(_sections_with_setting(file, name))}]"
        if not nearest_name(name, fields) and _sections_with_setting(file, name)
        else ""
    )
    return f"is not a setting of {heading(path[:-1])}{elsewhere or did_you_mean(name, fields, 'settings')}"


def _sections_with_setting(file: type[BaseModel], name: str) -> list[str]:
    """The parts of a file, one table each, that have a setting of this name."""
    return [part for part in file.model_fields if (model := _model_at(file, (part,))) and name in model.model_fields]


def _not_a_choice(expected: str, value: Any) -> str:
    choices = [choice.strip().strip("'") for choice in expected.replace(" or ", ", ").split(", ")]
    found = nearest_name(value, choices) if isinstance(value, str) else None
    question = f"; did you mean {found!r}?" if found else ""
    one_of = f"one of {', '.join(map(repr, choices))}" if len(choices) > 1 else repr(choices[0])
    return f"{MUST}{one_of}{NOT}{_describe_value(value)}{question}"


def _describe_value(value: Any) -> str:
    """A value, or what sort of thing it is."""
    if isinstance(value, Mapping):
        return "a table"
    if isinstance(value, list):
        return f"the list {quoted(value)}" if value else "an empty list"
    return quoted(value)


def _model_at(file: type[BaseModel], path: Keys) -> type[BaseModel] | None:
    """The model of the table at a path."""
    model: Any = file
    if file is Study and path[:1] == ("dcm",):  # [dcm], or [dcm.NAME] where NAME is no setting of it
        several = len(path) > 1 and str(path[1]) not in Dcm.model_fields
        model, path = Dcm, path[2:] if several else path[1:]
    for part in path:
        if isinstance(model, type) and issubclass(model, BaseModel):
            field = model.model_fields.get(str(part))
            model = field.annotation if field is not None else None
        else:  # a table of named items, whose kind is the last of dict[Name, MeasureKind]
            model = getattr(model, "__args__", (None,))[-1]
        model = _without_none(model)
    return model if isinstance(model, type) and issubclass(model, BaseModel) else None


def _without_none(kind: Any) -> Any:
    """`MeasureKind | None` → `MeasureKind`."""
    models = [
        model for model in getattr(kind, "__args__", ()) if isinstance(model, type) and issubclass(model, BaseModel)
    ]
    optional = type(None) in getattr(kind, "__args__", ())
    return models[0] if optional and models else kind
