"""What every room may use: names, their order and whose they are, plausible times, shown text, child processes."""

from ._atomic import WriteError, atomic_write, remove_leftovers, write_bytes, write_text, writing
from ._console import duration, out, plain, progress, say, show, tell, write_json
from ._json_file import JsonError, read_json
from ._labels import ambiguous_labels, match_labels, prefixed, relabelled
from ._name_parts import name_parts
from ._natural_order import natural_key, sorted_names
from ._numbers import COMMA_NUMBER, NUMBER, are_numbers, number_advice, read_number, read_whole_number
from ._plausible_units import Time, time_problem
from ._provenance import KEY, Attributes, device, file_digest, precision, provenance, release
from ._runtime import CORES, CompileClock, UsageError, check_packages, cores, describe_runtime, start_jax
from ._shown_text import error_line, file_name_text, message_line, page_text, shorten, visible
from ._visit_marks import take_mark, take_one_of
from ._visit_names import VisitName, describe_same_person, name_key, same_person, split_visit
from ._visit_order import before_and_after, common_visits, order_of_visits, turned_order
from ._wording import gather_remarks, gathered, joined, listed, some

__all__ = [
    "COMMA_NUMBER",
    "CORES",
    "KEY",
    "NUMBER",
    "Attributes",
    "CompileClock",
    "JsonError",
    "Time",
    "UsageError",
    "VisitName",
    "WriteError",
    "ambiguous_labels",
    "are_numbers",
    "atomic_write",
    "before_and_after",
    "check_packages",
    "common_visits",
    "cores",
    "describe_runtime",
    "describe_same_person",
    "device",
    "duration",
    "error_line",
    "file_digest",
    "file_name_text",
    "gather_remarks",
    "gathered",
    "joined",
    "listed",
    "match_labels",
    "message_line",
    "name_key",
    "name_parts",
    "natural_key",
    "number_advice",
    "order_of_visits",
    "out",
    "page_text",
    "plain",
    "precision",
    "prefixed",
    "progress",
    "provenance",
    "read_json",
    "read_number",
    "read_whole_number",
    "relabelled",
    "release",
    "remove_leftovers",
    "same_person",
    "say",
    "shorten",
    "show",
    "some",
    "sorted_names",
    "split_visit",
    "start_jax",
    "take_mark",
    "take_one_of",
    "tell",
    "time_problem",
    "turned_order",
    "visible",
    "write_bytes",
    "write_json",
    "write_text",
    "writing",
]
