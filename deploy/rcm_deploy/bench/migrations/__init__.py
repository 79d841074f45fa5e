"""The one table of a transport hop."""
