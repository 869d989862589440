"""What every room of the pipeline may use: order of names, plausible times, shown text, reading in a child process."""

from ._guarded_process import GuardedError as GuardedError
from ._guarded_process import GuardedProcess as GuardedProcess
from ._natural_order import natural_key as natural_key
from ._number_text import effect_text as effect_text
from ._number_text import number_text as number_text
from ._number_text import numbers_text as numbers_text
from ._numbers import COMMA_NUMBER as COMMA_NUMBER
from ._numbers import NUMBER as NUMBER
from ._numbers import number_advice as number_advice
from ._numbers import read_number as read_number
from ._numbers import read_whole_number as read_whole_number
from ._plausible_units import Time as Time
from ._plausible_units import time_problem as time_problem
from ._shown_text import message_line as message_line
from ._shown_text import page_text as page_text
from ._shown_text import shorten as shorten
from ._shown_text import visible as visible
from ._spreadsheet_cell import cell_text as cell_text
from ._spreadsheet_cell import spreadsheet_cell as spreadsheet_cell
from ._spreadsheet_cell import tab_separated as tab_separated
