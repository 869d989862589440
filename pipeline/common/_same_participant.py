"""Which part of a name is a participant and which a visit: the rule by which files of one participant are recognised.

Two names are of one participant where they differ in nothing but marks of visits: words (pre, post, baseline,
follow-up), words and letters with a number (run-1, day2, week04, T0, V1), parts of BIDS names (ses-, run-, task-),
dates, and the column of a GCM. Marks stand between ``_ - .`` or spaces, or run into a number (01pre, P01T1); case and
leading zeros make no difference. What is nothing but a mark and a number names a participant: T1 … T20 are twenty.

Where no mark tells, names are of one participant where several participants have the same few endings (01_1, 01_2;
P01_ket, P01_mid). An ending is the last part of a name, or letters behind a number (7a, 7b). Sites and arms stand in
front (HC_01, PAT_01; site1_03), and have more endings than there are of them.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from ._names import (
    COMPOUND,
    COUNTED,
    NUMBERED_WORDS,
    UNITS,
    natural_key,
    order_visits,
    remove_visit_label,
    sorted_names,
    without_leading_zeros,
)
from ._text import shorten

_WORDS = (
    "pre|post|before|after|baseline|base|bl|followup|fu|screening|screen|intake|endpoint|discharge|initial|final|first|"
    "second|third|last|mid|during|test|retest|on|off|acute|chronic|morning|evening|am|pm|start|end"
)
_ENTITY = "ses|run|task|acq|ce|rec|dir|echo|part|desc|space|res|den|cohort|mod|inv|hemi|recording"
_GENERIC = (
    "sub|subj|subject|subjects|participant|participants|patient|patients|pat|person|p|s|id|vp|dcm|gcm|voi|study|group|"
    "grp|control|controls|ctrl|ctl|con|hc|case|cases|model|results|result|data|spm|fmri|bold|func"
)
_VISITS_ALONE = "session|sess|ses|run|visit|vis|day|week|wk|month|timepoint|tp|wave"

_WORD = re.compile(f"(?:{COMPOUND}|{_WORDS})")
_NUMBERED = re.compile(f"({COUNTED})([0-9]{{1,4}})")
_WORD_NUMBER = re.compile(f"({COMPOUND}|pre|post|before|after|baseline|bl)([0-9]{{1,4}})")
_LETTER_NUMBER = re.compile(r"[tvdwmy][0-9]{1,3}")
_RUN_NUMBER = re.compile(r"[rs][0-9]{1,2}")  # a run or session only behind a participant's name
_COUNTED_UNIT = re.compile(f"[0-9]{{1,3}}(?:{UNITS})")
_ORDINAL = re.compile(r"(?:1st|2nd|3rd|[4-9]th)")
_DATE = re.compile(r"(?:19|20)[0-9]{2}([-_.]?)(?:0[1-9]|1[0-2])\1(?:0[1-9]|[12][0-9]|3[01])")
_PARTICIPANT = re.compile(
    r"(?:sub|subj|subject|participant|patient|pat|person|vp|id|hc|con|ctrl|control|p|s)?0*[0-9]+|sub.*[0-9].*"
)
_TRAILING = re.compile(rf"(.*[0-9])({_WORD.pattern}[0-9]{{0,2}}|(?:{COUNTED})[0-9]{{1,3}})")
_TRAILING_LETTER = re.compile(r"([a-z]*[0-9]+)([tvdwmy][0-9]{1,3})")
_TRAILING_CAPITAL = re.compile(r"(.*[a-z])((?:Pre|Post|Before|After|Baseline|FollowUp|Followup)[A-Za-z]*[0-9]{0,2})")
_LEADING = re.compile(
    rf"({_WORD.pattern}|(?:{COUNTED}|[tv])[0-9]{{1,3}})((?:sub|subj|subject|pat|patient|part|p|s|hc|con)[0-9]+)"
)
_ENTITY_KEYS, _JOINED_WORDS, _GENERIC_WORDS, _VISIT_WORDS = (
    frozenset(words.split("|")) for words in (_ENTITY, NUMBERED_WORDS, _GENERIC, _VISITS_ALONE)
)
_TOKEN = re.compile(rf"(?<![^_\-.\s]){_DATE.pattern}(?![^_\-.\s])|[^_\-.\s]+")
_CELL = re.compile(r"(.*)\[([0-9]+)(?:,([0-9]+))?\]", re.DOTALL)
_COPY = re.compile(r"(.*[^_\-. (])[_\-. ]*(~[0-9]+|\([0-9]\)|copy)", re.DOTALL | re.IGNORECASE)

LONGEST = 300  # characters of a name that is taken apart
FEW = 3  # visits of everybody, up to which names without a number are taken for visits and not for participants
FEWEST_PARTICIPANTS, MOST_ENDINGS = 3, 4
_ENDINGS = (
    re.compile(r"(.*[^_\-.\s])[_\-.\s]+([^_\-.\s]+)", re.DOTALL),
    re.compile(r"(.*[0-9])([A-Za-z]{1,12}[0-9]?)"),
)
_GROUP_WORDS = frozenset(
    ("hc", "con", "ctrl", "control", "controls", "pat", "patient", "patients", "case", "cases")
)  # words for groups of participants
_REPEAT_SUFFIX = re.compile(r"(?:[_\-.\s]+[A-Za-z0-9]{1,12}|[A-Za-z]{1,12})")


@dataclass(frozen=True)
class VisitName:
    """A name taken apart.

    Fields:
        participant: what is left without marks of visits, to be compared: lower case, no leading zeros.
        visit: the marks as they are written, "" where there is none.
        sure: whether the marks are words or BIDS parts, which stand for visits alone; not so T1 or V2.
        numbered: whether what is left holds a number as participants' labels do (sub-01, P7).
    """

    participant: str
    visit: str
    sure: bool = True
    numbered: bool = True


@dataclass(frozen=True)
class _Token:
    """A piece of a name: `mark` is "" for a part of the participant, else sure, unsure, or weak (a bare number)."""

    text: str
    mark: str = ""


def split_visit(name: str) -> VisitName:
    """A name as participant and visit; the visit is "" where no part of the name marks one."""
    if len(name) > LONGEST:
        return VisitName(name, "")
    tokens = _tokens(name)
    for taken in (("sure", "unsure", "weak"), ("sure",)):
        left = [token.text.casefold() for token in tokens if token.mark not in taken]
        marks = [token for token in tokens if token.mark in taken]
        if marks and any(map(_can_name_participant, left)):
            sure = any(token.mark == "sure" for token in marks)
            return VisitName(
                _key(left), " ".join(token.text for token in marks), sure, any(map(_PARTICIPANT.fullmatch, left))
            )
    marks = [token for token in tokens if token.mark == "sure"]
    left = [token.text.casefold() for token in tokens if token.mark != "sure"]
    if marks and all(_is_visit_alone(token.text) for token in marks) and not any(map(_can_name_participant, left)):
        return VisitName(_key(left), " ".join(token.text for token in marks))
    return VisitName(_key([token.text.casefold() for token in tokens]), "")


def name_key(name: str) -> str:
    """A name to be compared: lower case, one separator, no leading zeros."""
    return _key([part[0].casefold() for part in _TOKEN.finditer(name)])


def find_repeated_participants(names: Sequence[str]) -> tuple[tuple[str, ...], ...]:
    """Groups of two or more names that seem to be of one participant, each in the order given.

    Marks that may as well name participants (T1, V2) are taken for participants where there are more of them than of
    what they are behind. Where no mark tells, endings that several participants share do (01_1, 01_2).
    """
    participants: dict[str, dict[str, VisitName]] = defaultdict(dict)
    for name in dict.fromkeys(names):
        parts = split_visit(name)
        participants[parts.participant][name] = parts
    unsure = [own for own in participants.values() if any(parts.visit and not parts.sure for parts in own.values())]
    most = max(map(len, unsure), default=0)

    def are_participants(own: dict[str, VisitName]) -> bool:
        if any(parts.sure and parts.visit for parts in own.values()) or not any(parts.visit for parts in own.values()):
            return False
        numbered = any(parts.numbered for parts in own.values())
        return most > (max(2 * len(unsure), 2 * FEW) if numbered else max(len(unsure), FEW))

    marked = tuple(tuple(own) for own in participants.values() if len(own) > 1 and not are_participants(own))
    return marked or crossed_names(list(dict.fromkeys(names)))


def describe_repeated_participants(groups: Sequence[Sequence[str]]) -> str:
    """``sub-01_pre and sub-01_post seem to be of one participant (and 11 more like them)``."""
    first, *others = groups
    names = [shorten(name, 50) for name in first[:3]] + (["…"] if len(first) > 3 else [])
    more = f" (and {len(others)} more like them)" if others else ""
    return f"{', '.join(names[:-1])} and {names[-1]} seem to be of one participant{more}"


def distinguishing_visits(groups: Sequence[Sequence[str]]) -> tuple[str, ...]:
    """The marks of visits that tell names of one participant apart, in the order of time where that is known.

    Empty where some name has no mark, or more than one.
    """
    found = [split_visit(name).visit for group in groups for name in group]
    if any(not visit or " " in visit for visit in found):
        return endings_of(groups)
    unique = {visit.casefold(): visit for visit in reversed(found)}
    ordered = order_visits(list(unique.values()))
    return ordered if ordered is not None else tuple(sorted(unique.values(), key=natural_key))


def crossed_names(names: Sequence[str]) -> tuple[tuple[str, ...], ...]:
    """Groups of two or more names that differ in an ending which others have too, or which one of them lacks."""
    for pattern in _ENDINGS:
        if groups := _crossed(names, pattern):
            return groups
    return _repeated_visits(names)


def _crossed(names: Sequence[str], pattern: re.Pattern[str]) -> tuple[tuple[str, ...], ...]:
    own: dict[str, dict[str, str]] = defaultdict(dict)
    for name in names:
        if found := pattern.fullmatch(name):
            own[found[1].casefold()][found[2].casefold()] = name
    count = Counter(ending for endings in own.values() for ending in endings)
    several = [tuple(endings.values()) for endings in own.values() if len(endings) > 1]
    if not 2 <= len(count) < min(MOST_ENDINGS + 1, len(own)) or _GROUP_WORDS & count.keys():
        return ()
    if len(several) < FEWEST_PARTICIPANTS or 2 * len(several) < len(own):
        return ()
    return tuple(several)


def _repeated_visits(names: Sequence[str]) -> tuple[tuple[str, ...], ...]:
    """P01 beside P01_2 or P01b: a participant who was scanned again."""
    groups: dict[str, list[str]] = defaultdict(list)
    by_name = {name.casefold(): name for name in names}
    for name in names:
        for found in re.finditer(r"(?<=[0-9])[^0-9]", name):
            first = by_name.get(name[: found.start()].casefold())
            if first is not None and first != name and _REPEAT_SUFFIX.fullmatch(name[found.start() :]):
                groups[first].append(name)
    return tuple((first, *others) for first, others in groups.items())


def endings_of(groups: Sequence[Sequence[str]]) -> tuple[str, ...]:
    """The endings by which names in each group differ, in natural order; empty where they have none, or others."""
    for pattern in _ENDINGS:
        found = [[pattern.fullmatch(name) for name in group] for group in groups]
        endings = {match[2] for group in found for match in group if match}
        whole = all(match is not None and remove_visit_label(match[0], match[2]) for group in found for match in group)
        if whole and len(endings) > 1:
            return tuple(sorted_names(endings))
    return ()


def _tokens(name: str) -> list[_Token]:
    tail: list[_Token] = []
    if found := _COPY.fullmatch(name):
        name, tail = found[1], [_Token(found[2], "sure")]
    if found := _CELL.fullmatch(name):
        name = found[1]
        tail = [_Token(f"row{found[2]}"), *([_Token(f"column {found[3]}", "sure")] if found[3] else []), *tail]
    name = re.sub(r"(?i)follow[-_. ]?up", lambda found: "FollowUp" if found[0][0] == "F" else "followup", name)
    places = [(found.start(), found.end()) for found in _TOKEN.finditer(name)]
    tokens: list[_Token] = []
    at = 0
    while at < len(places):
        start, end = places[at]
        text = name[start:end]
        follows = name[slice(*places[at + 1])] if at + 1 < len(places) else ""
        between = name[end : places[at + 1][0]] if follows else ""
        plain = text.casefold()
        if plain == "sub" and between == "-":
            tokens += [_Token(text), *_split_piece(follows, label=True)]
            at += 2
        elif (plain in _ENTITY_KEYS and between == "-") or (plain in _JOINED_WORDS and follows.isdecimal()):
            tokens.append(_Token(f"{text}{between}{follows}", "sure"))
            at += 2
        else:
            tokens += _split_piece(text, label=False)
            at += 1
    return _marks_in_context([*tokens, *tail])


def _split_piece(text: str, label: bool) -> list[_Token]:
    """One piece between separators, which may be participant and visit in one; `label` where ``sub-`` is in front."""
    plain = text.casefold()
    if _WORD.fullmatch(plain) and not (label and len(plain) < 3):
        return [_Token(text, "sure" if len(plain) > 2 else "unsure")]  # AM and BL may be initials
    if not label and (_DATE.fullmatch(plain) or _ORDINAL.fullmatch(plain)):
        return [_Token(text, "sure")]
    if _WORD_NUMBER.fullmatch(plain):
        return [_Token(text, "affixed")]
    if not label and _NUMBERED.fullmatch(plain):
        return [_Token(text, "sure")]
    if not label and (_COUNTED_UNIT.fullmatch(plain) or _LETTER_NUMBER.fullmatch(plain)):
        return [_Token(text, "unsure")]
    if not label and _RUN_NUMBER.fullmatch(plain):
        return [_Token(text, "behind")]
    if found := _TRAILING.fullmatch(plain):
        return _split_at(text, len(found[1]), "sure")
    if found := _TRAILING_LETTER.fullmatch(plain):
        return _split_at(text, len(found[1]), "unsure")
    if found := _TRAILING_CAPITAL.fullmatch(text):
        return _split_at(text, len(found[1]), "sure")
    if found := _LEADING.fullmatch(plain):
        size = len(found[1])
        return [_Token(text[:size], "sure" if size > 3 or found[1].isalpha() else "unsure"), _Token(text[size:])]
    return [_Token(text)]


def _split_at(text: str, place: int, mark: str) -> list[_Token]:
    return [_Token(text[:place]), _Token(text[place:], mark)]


def _marks_in_context(tokens: list[_Token]) -> list[_Token]:
    """Marks that count only beside a participant: pre01 is a visit of sub-7, but alone participant 01."""
    found: list[_Token] = []
    for place, token in enumerate(tokens):
        others = [other.text.casefold() for other in tokens[:place] + tokens[place + 1 :] if not other.mark]
        if token.mark == "affixed":
            if any(re.search("[0-9]", other) for other in others):
                found.append(_Token(token.text, "unsure"))
            else:
                size = len(token.text.rstrip("0123456789"))
                found += [_Token(token.text[:size], "sure"), _Token(token.text[size:])]
        elif token.mark == "behind":
            known = any(_PARTICIPANT.fullmatch(other.text.casefold()) for other in found if not other.mark)
            found.append(_Token(token.text, "unsure" if known else ""))
        elif not token.mark and place and _is_bare(token, tokens[:place]):
            found.append(_Token(token.text, "weak"))
        else:
            found.append(token)
    return found


def _is_bare(token: _Token, before: Sequence[_Token]) -> bool:
    """Whatever is behind ``sub-01``, which by BIDS is the whole of a participant's name; but for a long number."""
    labels = [second.text for first, second in pairwise(before) if first.text.casefold() == "sub"]
    if not labels or not re.search("[0-9]", labels[0]) or labels[0] is token.text:
        return False
    return not token.text.isdecimal() or len(token.text) <= 2


def _can_name_participant(text: str) -> bool:
    return text not in _GENERIC_WORDS


def _is_visit_alone(text: str) -> bool:
    """Whether a mark on its own is a visit of an unnamed participant, and not a participant called scan7."""
    plain = text.casefold()
    return bool(_WORD.fullmatch(plain)) or re.split(r"[-_. 0-9]", plain)[0] in _VISIT_WORDS


def _key(parts: Sequence[str]) -> str:
    return " ".join(map(without_leading_zeros, parts))
