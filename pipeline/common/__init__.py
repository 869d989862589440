"""What every room of the pipeline may use: the order of names, plausible times, text as people and programs see it."""

from ._natural_order import natural_key as natural_key
from ._plausible_units import Time as Time
from ._plausible_units import time_problem as time_problem
from ._shown_text import shorten as shorten
from ._shown_text import visible as visible
from ._spreadsheet_cell import spreadsheet_cell as spreadsheet_cell
