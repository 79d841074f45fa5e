"""Plain SQL revisions of the platform tables."""
