"""Rules of coding: the case and its states, decisions, edits, grouping. Pure: no I/O, no clock."""
