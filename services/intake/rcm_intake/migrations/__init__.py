"""Schema of the intake database, in order."""
