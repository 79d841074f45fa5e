"""Payer stand-in: an own process that reads 837 files and appeals, and answers with TA1, 999, 277CA and 835.

It shares no X12 code with the product, so that one misreading of a guide cannot hide in both.
"""
