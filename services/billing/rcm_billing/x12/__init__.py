"""X12 5010 as billing writes it (837P, 837I) and reads it (TA1, 999, 277CA, 835)."""
