"""The scrubber's rules, one module per group of families. To add one: write a function and a row in its module."""

from rcm_billing.domain.rules.provider import valid_npi
from rcm_billing.domain.rules.table import RULES

__all__ = ["RULES", "valid_npi"]
