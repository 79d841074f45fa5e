"""Plain SQL revisions of the query service's database, applied in order of their names."""
