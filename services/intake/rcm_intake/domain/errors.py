"""Why a message cannot become part of an encounter's record."""

from rcm_shared.errors import RcmError


class MessageRefused(RcmError):  # a fact, as all errors of the house
    """The message breaks a rule; sending it again unchanged cannot help.

    `code` is stable; `position` says where ("PID-7", "/patient/birth_date") and holds no value.
    """

    code = "message-refused"

    def __init__(self, code: str, position: str = "") -> None:
        super().__init__(code)
        self.position = position
