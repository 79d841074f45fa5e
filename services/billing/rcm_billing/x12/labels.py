"""Our own short words for the handful of X12 codes that the explanations branch on; no code-list texts."""

GROUPS = {"CO": "contract", "PR": "patient", "OA": "other", "PI": "payer's decision"}
#: CLP02.
PAYMENT_STATUS = {
    "1": "processed-primary",
    "2": "processed-secondary",
    "3": "processed-tertiary",
    "4": "denied",
    "19": "processed-primary-forwarded",
    "20": "processed-secondary-forwarded",
    "21": "processed-tertiary-forwarded",
    "22": "reversal",
    "23": "not-our-claim-forwarded",
    "25": "predetermination",
}
#: CLM05-3.
FREQUENCY = {"1": "original", "7": "replacement", "8": "void", "6": "correction"}
#: First letters of STC01-1 families, then the categories that differ.
CATEGORY = {
    "A0": "forwarded",
    "A1": "received",
    "A2": "accepted",
    "A3": "rejected",
    "A4": "not-found",
    "A5": "split",
    "A6": "rejected",
    "A7": "rejected",
    "A8": "rejected",
    "F0": "finalized",
    "F1": "paid",
    "F2": "denied",
    "F3": "revised",
    "F4": "no-payment",
    "D0": "not-found",
}
FAMILY = {"A": "acknowledged", "P": "pending", "F": "finalized", "R": "information-wanted", "E": "error"}
#: Why a rejection category was given.
REJECTED_FOR = {
    "A3": "cannot be processed",
    "A6": "information missing",
    "A7": "information invalid",
    "A8": "fields contradict each other",
}
#: TA104, IK501 and AK901.
SYNTAX = {
    "A": "accepted",
    "E": "accepted-with-errors",
    "P": "partly-accepted",
    "R": "rejected",
    "M": "rejected",
    "W": "rejected",
    "X": "rejected",
}
#: HCR01.
REVIEW = {
    "A1": "certified",
    "A2": "certified-partly",
    "A3": "not-certified",
    "A4": "pended",
    "A6": "modified",
    "C": "cancelled",
    "CT": "contact-payer",
    "NA": "not-required",
}
RESPONSIBILITY = {"P": "primary", "S": "secondary", "T": "tertiary", "U": "unknown"}


def category_status(category: str) -> str:
    """Return the word for a claim status category; unknown ones keep their family, else "unknown"."""
    return CATEGORY.get(category) or FAMILY.get(category[:1], "unknown")
