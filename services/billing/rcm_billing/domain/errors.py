"""Errors of billing; each carries a stable code and never a value from a claim."""

from rcm_shared.errors import RcmError


class BillingError(RcmError):
    """Root of billing's own errors."""

    code = "billing"


class IllegalTransition(BillingError):
    """The state machine does not know this step; it is refused, never coerced."""

    code = "illegal-transition"


class OutOfBalance(BillingError):
    """Amounts that must agree do not; `code` names the equation and its position."""

    code = "out-of-balance"


class WireRefused(BillingError):
    """A value cannot be written as X12; `code` names the element, never the value."""

    code = "wire-refused"


class Unreadable(BillingError):
    """Bytes from a partner are no X12 interchange; `code` says where reading stopped."""

    code = "unreadable"


class BadCodeSetError(BillingError):
    """What coding sent is not the code set that it announced; `code` says how it differs."""

    code = "code-set"
