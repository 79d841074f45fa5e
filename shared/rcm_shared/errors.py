"""Errors of the platform: what a consumer may retry, and what it must set aside.

RcmError
├── Transient   the same work may succeed later (a connection, a lock, a dependency that is down)
├── Poison      the same work fails for ever (a body that does not parse, a broken rule); carries a code, no values
└── Refused     a person or system asked for something that the state or a rule forbids; becomes a problem answer
"""

from http import HTTPStatus


class RcmError(Exception):
    """Root of the errors raised on purpose. `code` is stable and holds no patient data."""

    code = "error"

    def __init__(self, code: str | None = None, message: str | None = None) -> None:
        self.code = code or type(self).code
        super().__init__(message or self.code)


class Transient(RcmError):
    """Try again later."""

    code = "transient"


class Poison(RcmError):
    """Retrying cannot help; set the event aside under its code."""

    code = "poison"


class Refused(RcmError):
    """A command that is not allowed now. `status` is the HTTP status, `message` is shown to the caller."""

    code = "refused"

    def __init__(
        self,
        code: str,
        message: str,
        *,
        status: int = HTTPStatus.CONFLICT,
        pointer: str | None = None,
    ) -> None:
        super().__init__(code, message)
        self.status = int(status)
        self.pointer = pointer


class NotFound(Refused):
    """The thing does not exist, or the caller may not know that it does."""

    def __init__(self, what: str) -> None:
        super().__init__("not-found", f"no such {what}", status=HTTPStatus.NOT_FOUND)
