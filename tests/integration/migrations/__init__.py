"""The tables of the ledger that integration tests apply events to."""
