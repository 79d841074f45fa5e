"""SQL revisions of the coding service."""
