"""Refusals of the coding case, as facts with stable codes."""

from http import HTTPStatus

from rcm_shared.errors import Refused


class CaseNotReady(Refused):
    """The encounter's documentation is not complete yet."""

    def __init__(self) -> None:
        super().__init__("case-not-ready", "the documentation of this encounter is not complete")


class CaseClosed(Refused):
    """The case is final or cancelled."""

    def __init__(self, state: str) -> None:
        super().__init__("case-closed", f"the case is {state}")


class CaseTaken(Refused):
    """Another coder holds the chart."""

    def __init__(self) -> None:
        super().__init__("case-taken", "another coder holds this chart")


class CaseNotStarted(Refused):
    """Start the chart first."""

    def __init__(self) -> None:
        super().__init__("case-not-started", "start the chart before deciding")


class QueryOpen(Refused):
    """A query that affects coding has no filed answer yet."""

    def __init__(self) -> None:
        super().__init__(
            "query-open", "a query that affects coding is open; an auditor may override with a reason"
        )


class CodeNotValid(Refused):
    """The code may not stand on a claim for this encounter's date."""

    def __init__(self, fault: str, pointer: str) -> None:
        super().__init__(
            f"code-{fault}",
            "the code may not stand on this claim",
            status=HTTPStatus.UNPROCESSABLE_ENTITY,
            pointer=pointer,
        )


class EvidenceMissing(Refused):
    """A code needs the words that support it, or a stated reason."""

    def __init__(self, pointer: str) -> None:
        super().__init__(
            "evidence-missing",
            "cite evidence or give a reason",
            status=HTTPStatus.UNPROCESSABLE_ENTITY,
            pointer=pointer,
        )


class ProviderNotTreating(Refused):
    """Only a provider who treated the patient can answer for the chart."""

    def __init__(self, pointer: str) -> None:
        super().__init__(
            "provider-not-treating",
            "this provider wrote no document of the chart",
            status=HTTPStatus.UNPROCESSABLE_ENTITY,
            pointer=pointer,
        )


class EditsBlock(Refused):
    """Blocking edits are open."""

    def __init__(self, rules: tuple[str, ...]) -> None:
        super().__init__("edits-block", "blocking edits: " + ", ".join(rules))


class SecondReviewOpen(Refused):
    """The chart waits for a colleague's opinion."""

    def __init__(self) -> None:
        super().__init__("second-review-open", "a second opinion was asked for; answer or withdraw it first")


class OwnOpinion(Refused):
    """A second opinion comes from somebody else."""

    def __init__(self) -> None:
        super().__init__("own-opinion", "who asked for a second opinion cannot give it")


class PrebillQaOpen(Refused):
    """The chart waits for its check before billing."""

    def __init__(self) -> None:
        super().__init__("prebill-qa-open", "the chart is coded and waits for its check")


class OwnCheck(Refused):
    """The check before billing comes from somebody else."""

    def __init__(self) -> None:
        super().__init__("own-check", "who coded the chart cannot check it")


class CredentialMissing(Refused):
    """None of the coder's certificates fits the chart's work type."""

    def __init__(self) -> None:
        super().__init__(
            "credential-missing", "no certificate in force fits this work type", status=HTTPStatus.FORBIDDEN
        )


class NotCoded(Refused):
    """Payment is shown only when the chart is coded."""

    def __init__(self) -> None:
        super().__init__("not-coded", "payment is shown when the chart is final coded")


class StaleVersion(Refused):
    """The chart has changed since it was read."""

    def __init__(self) -> None:
        super().__init__(
            "stale-version", "the chart has changed since it was read", status=HTTPStatus.PRECONDITION_FAILED
        )
