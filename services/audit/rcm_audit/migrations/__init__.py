"""Plain SQL revisions of the audit service's database, applied in order of their names."""
