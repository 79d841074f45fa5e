"""The kill test: faults under load, then proof by SQL that nothing was lost, doubled or put out of order."""
