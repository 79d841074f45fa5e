"""Plain SQL, applied in order by the platform."""
