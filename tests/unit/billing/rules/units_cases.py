"""Cases of PX-17 and PX-18."""

from rcm_billing.domain import reference_rows as rows
from unit.billing.rules.claims import clean, hit, line, office, unknown
from unit.billing.rules.services import billed, knowing, sold

TIMED = knowing(timed_services=[rows.TimedService(code="97110"), rows.TimedService(code="97140")])

CASES = (
    hit("PX-17", "no units", lambda: line(units=0), "line-1"),
    hit("PX-17", "3 units in 20 minutes", billed(sold("97110", units=3, minutes=20)), "line-1", **TIMED),
    hit("PX-17", "1 unit in 38 minutes", billed(sold("97110", minutes=38)), "line-1", **TIMED),
    hit(
        "PX-17",
        "one of two",
        billed(sold("97110", units=2, minutes=15), sold("97140", minutes=15)),
        "line-1",
        **TIMED,
    ),
    clean("PX-17", "one", office),
    clean("PX-17", "8 minutes", billed(sold("97110", minutes=8)), **TIMED),
    clean("PX-17", "23 minutes", billed(sold("97110", units=2, minutes=23)), **TIMED),
    clean(
        "PX-17",
        "minutes of the day count together",
        billed(sold("97110", units=2, minutes=24), sold("97140", minutes=23)),
        **TIMED,
    ),
    clean("PX-17", "not timed", billed(sold("99213", minutes=50)), **TIMED),
    unknown("PX-17", "no list", billed(sold("97110", minutes=20))),
    hit("PX-18", "units", billed(sold("00790", "AA", units=3)), "line-1"),
    hit("PX-18", "nobody gave it", billed(sold("00790", basis="MJ", units=75)), "line-1"),
    hit("PX-18", "two gave it alone", billed(sold("00790", "AA QZ", basis="MJ", units=75)), "line-1"),
    hit("PX-18", "no time", billed(sold("00790", "AA", basis="MJ", units=0)), "line-1"),
    hit("PX-18", "minutes of something else", billed(sold("17110", basis="MJ", units=75)), "line-1"),
    clean("PX-18", "minutes", billed(sold("00790", "AA QS", basis="MJ", units=75))),
    clean("PX-18", "counted by the day", billed(sold("01996"))),
)
