"""Walks one 837 set from ST to SE and locates what its guide forbids, misses or mistypes.

Codes are those of IK304 and IK403 in 005010X231A1; positions count from ST = 1.
"""

from collections.abc import Callable

from rcm_shared.money import cents_from_decimal

from rcm_deploy.payer.parser import Segment, component, element
from rcm_deploy.payer.periods import is_date, is_period
from rcm_deploy.payer.syntax_faults import (
    BAD_ELEMENTS,
    OUT_OF_ORDER,
    REQUIRED_MISSING,
    UNEXPECTED,
    ElementFault,
    SegmentFault,
)
from rcm_deploy.payer.syntax_tables import (
    MAX_CLAIM_CONTROL,
    MAX_LINES,
    MAY_BE_NAMELESS,
    NAME_LOOPS,
    NEEDS_ID,
    RELATIONSHIP_ORDERS,
    SEGMENTS,
    UNITS,
)


def locate_faults(segments: list[Segment], form: str, separator: str) -> list[SegmentFault]:
    """Return every fault of a set; `form` is 837P or 837I, `separator` the component separator."""
    return _Walk(form, separator).run(segments)


class _Walk:
    """One pass over ST to SE that keeps the open loop and what each loop still owes."""

    def __init__(self, form: str, separator: str) -> None:
        self.form = form
        self.separator = separator
        self.faults: list[SegmentFault] = []
        self.position = 0
        self.loop = ""
        self.claim_control = ""
        self.levels: dict[str, tuple[str, str, int]] = {}  # HL01 -> level, HL04, position
        self.parents_used: set[str] = set()
        self.level = ""
        self.subscriber_is_patient = False
        self.owed: dict[str, tuple[str, str]] = {}  # name of the need -> tag, loop
        self.line_owed: dict[str, tuple[str, str]] = {}
        self.diagnoses = 0
        self.claim_cents: int | None = None
        self.claim_position = 0
        self.line_cents = 0
        self.lines = 0
        self.in_claim = False

    def run(self, segments: list[Segment]) -> list[SegmentFault]:
        self.owed = {"bht": ("BHT", "HEADER"), "submitter": ("NM1", "1000A"), "receiver": ("NM1", "1000B")}
        for self.position, segment in enumerate(segments, start=1):
            check = _CHECKS.get(segment[0])
            if check is not None:
                check(self, segment)
            elif segment[0] not in SEGMENTS:
                self.fault(segment[0][:3], "1")
        self.position = len(segments)
        self.close_claim()
        self.settle()
        self.check_children()
        if not self.levels:
            self.fault("HL", REQUIRED_MISSING, "2000A")
        return self.faults

    def fault(
        self, tag: str, code: str, loop: str | None = None, *elements: ElementFault, severe: bool = True
    ) -> None:
        where = self.loop if loop is None else loop
        self.faults.append(
            SegmentFault(tag, self.position, where, code, self.claim_control, list(elements), severe)
        )

    def settle(self) -> None:
        for tag, loop in self.owed.values():
            self.fault(tag, REQUIRED_MISSING, loop)
        self.owed = {}

    def met(self, *needs: str) -> None:
        for need in needs:
            self.owed.pop(need, None)

    def close_line(self) -> None:
        for tag, loop in self.line_owed.values():
            self.fault(tag, REQUIRED_MISSING, loop)
        self.line_owed = {}

    def close_claim(self) -> None:
        if not self.in_claim:
            return
        self.close_line()
        if self.lines == 0:
            self.fault("LX", REQUIRED_MISSING, "2400")
        elif self.claim_cents is not None and self.claim_cents != self.line_cents:
            at, self.position = self.position, self.claim_position
            self.fault("CLM", BAD_ELEMENTS, "2300", ElementFault(2, "I12", reference="782"))
            self.position = at
        self.settle()
        self.in_claim = False
        self.claim_control = ""

    def check_children(self) -> None:
        for number, (_level, declared, position) in self.levels.items():
            has_child = number in self.parents_used
            if (declared == "1") != has_child:
                self.position = position
                self.fault("HL", BAD_ELEMENTS, "2000", ElementFault(4, "7", reference="736"))

    def amount(self, segment: Segment, position: int, reference: str = "782") -> int | None:
        text = element(segment, position)
        if not text:
            self.fault(segment[0], BAD_ELEMENTS, None, ElementFault(position, "1", reference=reference))
            return None
        try:
            cents = cents_from_decimal(text)
        except ValueError:
            self.fault(segment[0], BAD_ELEMENTS, None, ElementFault(position, "6", reference=reference))
            return None
        if cents < 0 and segment[0] in ("CLM", "SV1", "SV2"):
            self.fault(segment[0], BAD_ELEMENTS, None, ElementFault(position, "I12", reference=reference))
        return cents

    def bht(self, segment: Segment) -> None:
        self.met("bht")
        self.loop = "HEADER"
        wrong = []
        if self.position != 2:
            self.fault("BHT", OUT_OF_ORDER)
        if element(segment, 1) != "0019":
            wrong.append(ElementFault(1, "7", reference="1005"))
        if not element(segment, 3):
            wrong.append(ElementFault(3, "1", reference="127"))
        if not is_date(element(segment, 4)):
            wrong.append(ElementFault(4, "8", reference="373"))
        if element(segment, 6) not in ("CH", "RP", "31"):
            wrong.append(ElementFault(6, "7", reference="640"))
        if wrong:
            self.fault("BHT", BAD_ELEMENTS, None, *wrong)

    def hl(self, segment: Segment) -> None:
        self.close_claim()
        self.settle()
        number, parent, level = (element(segment, at) for at in (1, 2, 3))
        self.loop = {"20": "2000A", "22": "2000B", "23": "2000C"}.get(level, "2000")
        wrong = []
        if number != str(len(self.levels) + 1):
            wrong.append(ElementFault(1, "7", reference="628"))
        parent_level = {"20": "", "22": "20", "23": "22"}.get(level)
        if parent_level is None:
            wrong.append(ElementFault(3, "7", reference="735"))
        elif self.levels.get(parent, ("",))[0] != parent_level or (parent_level == "" and parent):
            wrong.append(ElementFault(2, "7", reference="734"))
        if element(segment, 4) not in ("0", "1"):
            wrong.append(ElementFault(4, "7", reference="736"))
        if wrong:
            self.fault("HL", BAD_ELEMENTS, None, *wrong)
        self.levels[number] = (level, element(segment, 4), self.position)
        self.parents_used.add(parent)
        self.level = level
        if level == "20":
            self.owed = {
                "billing": ("NM1", "2010AA"),
                "street": ("N3", "2010AA"),
                "city": ("N4", "2010AA"),
                "tax": ("REF", "2010AA"),
            }
        elif level == "22":
            self.subscriber_is_patient = False
            self.owed = {
                "sbr": ("SBR", "2000B"),
                "subscriber": ("NM1", "2010BA"),
                "payer": ("NM1", "2010BB"),
            }
        elif level == "23":
            self.owed = {"pat": ("PAT", "2000C"), "patient": ("NM1", "2010CA"), "dmg": ("DMG", "2010CA")}

    def sbr(self, segment: Segment) -> None:
        wrong = []
        if element(segment, 1) not in RELATIONSHIP_ORDERS:
            wrong.append(ElementFault(1, "7", reference="1138"))
        if self.in_claim:
            self.settle()
            self.loop = "2320"
            self.owed["other-insured"] = ("NM1", "2330A")
            self.owed["other-payer"] = ("NM1", "2330B")
            self.owed["oi"] = ("OI", "2320")
        else:
            self.met("sbr")
            self.subscriber_is_patient = element(segment, 2) == "18"
            if element(segment, 2) not in ("", "18"):
                wrong.append(ElementFault(2, "7", reference="1069"))
            if self.subscriber_is_patient:
                self.owed["dmg"] = ("DMG", "2010BA")
        if wrong:
            self.fault("SBR", BAD_ELEMENTS, None, *wrong)

    def nm1(self, segment: Segment) -> None:
        entity, qualifier, identifier = (element(segment, at) for at in (1, 8, 9))
        loop, need = self._name_loop(entity)
        self.loop = loop or self.loop
        wrong = []
        # the other payer's providers (2330C and on) are known by their REF alone
        if not element(segment, 3) and entity not in MAY_BE_NAMELESS and self.loop != "2330":
            wrong.append(ElementFault(3, "1", reference="1035"))
        if (need in NEEDS_ID or identifier) and not qualifier:
            wrong.append(ElementFault(8, "1", reference="66"))
        if (need in NEEDS_ID or qualifier) and not identifier:
            wrong.append(ElementFault(9, "1", reference="67"))
        if qualifier == "XX" and not (len(identifier) == 10 and identifier.isdigit()):
            wrong.append(ElementFault(9, "6", reference="67"))
        if wrong:
            self.fault("NM1", BAD_ELEMENTS, None, *wrong)
        self.met(need)
        if need == "submitter":
            self.owed["contact"] = ("PER", "1000A")

    def _name_loop(self, entity: str) -> tuple[str, str]:
        if self.in_claim:
            if self.loop.startswith(("2320", "2330")) and self.lines == 0:
                return {"IL": ("2330A", "other-insured"), "PR": ("2330B", "other-payer")}.get(
                    entity, ("2330", "")
                )
            return ("2310" if self.lines == 0 else "2420"), ""
        return NAME_LOOPS.get((self.level, entity), ("", ""))

    def n3(self, segment: Segment) -> None:
        if not element(segment, 1):
            self.fault("N3", BAD_ELEMENTS, None, ElementFault(1, "1", reference="166"))
        if self.loop == "2010AA":
            self.met("street")

    def n4(self, segment: Segment) -> None:
        if not element(segment, 1):
            self.fault("N4", BAD_ELEMENTS, None, ElementFault(1, "1", reference="19"))
        if self.loop == "2010AA":
            self.met("city")
            postal = element(segment, 3)
            if not element(segment, 4) and not (len(postal) == 9 and postal.isdigit()):
                self.fault("N4", BAD_ELEMENTS, None, ElementFault(3, "I12", reference="116"), severe=False)

    def per(self, segment: Segment) -> None:
        self.met("contact")
        if not element(segment, 4):
            self.fault("PER", BAD_ELEMENTS, None, ElementFault(4, "1", reference="364"), severe=False)

    def ref(self, segment: Segment) -> None:
        if not element(segment, 2):
            self.fault("REF", BAD_ELEMENTS, None, ElementFault(2, "1", reference="127"))
        if self.loop == "2010AA" and element(segment, 1) in ("EI", "SY"):
            self.met("tax")

    def pat(self, segment: Segment) -> None:
        self.met("pat")

    def dmg(self, segment: Segment) -> None:
        self.met("dmg")
        if not is_date(element(segment, 2)):
            self.fault("DMG", BAD_ELEMENTS, None, ElementFault(2, "8", reference="1251"))
        if element(segment, 3) not in ("F", "M", "U"):
            self.fault("DMG", BAD_ELEMENTS, None, ElementFault(3, "7", reference="1068"))

    def clm(self, segment: Segment) -> None:
        self.close_claim()
        self.settle()
        self.loop, self.in_claim = "2300", True
        self.claim_control = element(segment, 1)
        self.claim_position = self.position
        self.lines = self.line_cents = self.diagnoses = 0
        if not (self.level == "23" or (self.level == "22" and self.subscriber_is_patient)):
            self.fault("CLM", UNEXPECTED)
        wrong = []
        if not self.claim_control:
            wrong.append(ElementFault(1, "1", reference="1028"))
        elif len(self.claim_control) > MAX_CLAIM_CONTROL:
            wrong.append(ElementFault(1, "5", reference="1028"))
        professional = self.form == "837P"
        qualifier, frequency = (component(segment, 5, part, self.separator) for part in (2, 3))
        if not component(segment, 5, 1, self.separator):
            wrong.append(ElementFault(5, "1", 1, "1331"))
        if qualifier != ("B" if professional else "A"):
            wrong.append(ElementFault(5, "7", 2, "1332"))
        if frequency not in (("1", "7", "8") if professional else tuple("0123456789")):
            wrong.append(ElementFault(5, "7", 3, "1325"))
        if professional and element(segment, 6) not in ("Y", "N"):
            wrong.append(ElementFault(6, "1", reference="1073"))
        if not professional and element(segment, 6):
            wrong.append(ElementFault(6, "I10", reference="1073"))
        for at, allowed, reference in ((7, "ABC", "1359"), (8, "NWY", "1073"), (9, "IY", "1363")):
            value = element(segment, at)
            if not value or value not in allowed:
                wrong.append(ElementFault(at, "7" if value else "1", reference=reference))
        if wrong:
            self.fault("CLM", BAD_ELEMENTS, None, *wrong)
        self.claim_cents = self.amount(segment, 2)
        self.owed = {"hi": ("HI", "2300")}
        if not professional:
            self.owed |= {"434": ("DTP", "2300"), "cl1": ("CL1", "2300")}

    def cl1(self, segment: Segment) -> None:
        self.met("cl1")

    def oi(self, segment: Segment) -> None:
        self.met("oi")

    def hi(self, segment: Segment) -> None:
        first = component(segment, 1, 1, self.separator)
        if first in ("ABK", "BK"):
            self.met("hi")
        for at in range(1, len(segment)):
            qualifier, code = (component(segment, at, part, self.separator) for part in (1, 2))
            if qualifier in ("BK", "BF"):  # the ICD-9 qualifiers are closed since 2015
                self.fault("HI", BAD_ELEMENTS, None, ElementFault(at, "7", 1, "1270"))
            elif not code:
                self.fault("HI", BAD_ELEMENTS, None, ElementFault(at, "1", 2, "1271"))
            if qualifier in ("ABK", "ABF", "BK", "BF"):
                self.diagnoses += 1

    def dtp(self, segment: Segment) -> None:
        qualifier, form, value = (element(segment, at) for at in (1, 2, 3))
        if not is_period(form, value) or (qualifier in ("434", "472") and form not in ("D8", "RD8")):
            self.fault("DTP", BAD_ELEMENTS, None, ElementFault(3, "8", reference="1251"))
        if qualifier == "434":
            self.met("434")
        elif qualifier == "472":
            self.line_owed.pop("472", None)

    def amt(self, segment: Segment) -> None:
        self.amount(segment, 2)

    def svd(self, segment: Segment) -> None:
        self.amount(segment, 2)

    def cas(self, segment: Segment) -> None:
        if element(segment, 1) not in ("CO", "CR", "OA", "PI", "PR"):
            self.fault("CAS", BAD_ELEMENTS, None, ElementFault(1, "7", reference="1033"))
        for at in range(2, max(len(segment), 3), 3):
            if element(segment, at) or at == 2:
                self.amount(segment, at + 1)

    def lx(self, segment: Segment) -> None:
        if not self.in_claim:
            self.fault("LX", UNEXPECTED, "2400")
            return
        self.close_line()
        self.settle()
        self.loop = "2400"
        self.lines += 1
        if element(segment, 1) != str(self.lines):
            self.fault("LX", BAD_ELEMENTS, None, ElementFault(1, "7", reference="554"))
        if self.lines == MAX_LINES[self.form] + 1:
            self.fault("LX", "4")
        self.line_owed = {"sv": ("SV1" if self.form == "837P" else "SV2", "2400")}
        if self.form == "837P":
            self.line_owed["472"] = ("DTP", "2400")

    def sv1(self, segment: Segment) -> None:
        if self.form != "837P" or not self.in_claim or not self.lines:
            self.fault("SV1", UNEXPECTED)
            return
        self.line_owed.pop("sv", None)
        wrong = []
        if component(segment, 1, 1, self.separator) not in ("HC", "ER", "IV", "WK"):
            wrong.append(ElementFault(1, "7", 1, "235"))
        if not component(segment, 1, 2, self.separator):
            wrong.append(ElementFault(1, "1", 2, "234"))
        wrong += self._units(segment, 3)
        pointers = element(segment, 7).split(self.separator)
        for part, pointer in enumerate(pointers, start=1):
            if not pointer.isdigit() or not 1 <= int(pointer) <= self.diagnoses:
                wrong.append(ElementFault(7, "7" if pointer else "1", part, "1328"))
        if wrong:
            self.fault("SV1", BAD_ELEMENTS, None, *wrong)
        self.line_cents += self.amount(segment, 2) or 0

    def sv2(self, segment: Segment) -> None:
        if self.form != "837I" or not self.in_claim or not self.lines:
            self.fault("SV2", UNEXPECTED)
            return
        self.line_owed.pop("sv", None)
        wrong = []
        revenue = element(segment, 1)
        if not (len(revenue) == 4 and revenue.isdigit()):
            wrong.append(ElementFault(1, "7" if revenue else "1", reference="234"))
        wrong += self._units(segment, 4)
        if wrong:
            self.fault("SV2", BAD_ELEMENTS, None, *wrong)
        self.line_cents += self.amount(segment, 3) or 0

    def _units(self, segment: Segment, at: int) -> list[ElementFault]:
        wrong = []
        if element(segment, at) not in UNITS[self.form]:
            wrong.append(ElementFault(at, "7", reference="355"))
        if not element(segment, at + 1).replace(".", "", 1).isdigit():
            wrong.append(ElementFault(at + 1, "6" if element(segment, at + 1) else "1", reference="380"))
        return wrong


_CHECKS: dict[str, Callable[[_Walk, Segment], None]] = {
    "AMT": _Walk.amt,
    "BHT": _Walk.bht,
    "CAS": _Walk.cas,
    "CL1": _Walk.cl1,
    "CLM": _Walk.clm,
    "DMG": _Walk.dmg,
    "DTP": _Walk.dtp,
    "HI": _Walk.hi,
    "HL": _Walk.hl,
    "LX": _Walk.lx,
    "N3": _Walk.n3,
    "N4": _Walk.n4,
    "NM1": _Walk.nm1,
    "OI": _Walk.oi,
    "PAT": _Walk.pat,
    "PER": _Walk.per,
    "REF": _Walk.ref,
    "SBR": _Walk.sbr,
    "SV1": _Walk.sv1,
    "SV2": _Walk.sv2,
    "SVD": _Walk.svd,
}
