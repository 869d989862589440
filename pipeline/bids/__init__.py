"""BIDS datasets and fMRIPrep derivatives: what is there, what is missing, and the text files read and checked."""

from ._inventory import Absence, Inventory, Participant, Run

__all__ = ["Absence", "Inventory", "Participant", "Run"]
