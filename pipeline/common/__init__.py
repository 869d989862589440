"""What every room of the pipeline may use: the order of names, and text as people and spreadsheets may be shown it."""

from ._natural_order import natural_key as natural_key
from ._shown_text import shorten as shorten
from ._shown_text import visible as visible
from ._spreadsheet_cell import spreadsheet_cell as spreadsheet_cell
