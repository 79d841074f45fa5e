"""Hand-written 837P and 837I files for the payer stand-in's tests; the people in them do not exist."""

from dataclasses import dataclass, field

NPI = "1912301953"
RENDERING_NPI = "1245319599"
PROFESSIONAL, INSTITUTIONAL = "005010X222A1", "005010X223A2"


@dataclass(frozen=True)
class Line:
    """One service line; amounts as X12 writes them."""

    code: str
    charge: str
    control: str
    revenue: str = "0450"
    cob: tuple[str, ...] = ()
    units: str = "1"
    drug: str = ""


@dataclass(frozen=True)
class Sample:
    """One claim with everything the tests vary."""

    control: str
    member: str
    charge: str
    lines: tuple[Line, ...]
    payer: str = "DHP01"
    frequency: str = "1"
    payer_control: str = ""
    order: str = "P"
    filing: str = "CI"
    bill_type: str = ""  # "13", "11" for 837I
    npi: str = RENDERING_NPI
    cob: tuple[str, ...] = ()
    diagnosis: str = "I10"
    day: str = "20260903"
    authorization: str = ""
    referring: str = ""


def claim(control: str, member: str, *lines: Line, **changes: object) -> Sample:
    """A professional claim of these lines."""
    charge = sum(int(line.charge) for line in lines)
    return Sample(**{"control": control, "member": member, "charge": str(charge), "lines": lines} | changes)  # type: ignore[arg-type]


def visit(control: str, member: str, **changes: object) -> Sample:
    """An office visit and an injection: 150.00 + 80.00."""
    lines = (Line("99213:25", "150", f"{control}L1"), Line("20610:RT", "80", f"{control}L2"))
    return Sample(**{"control": control, "member": member, "charge": "230", "lines": lines} | changes)  # type: ignore[arg-type]


def scan(control: str, member: str, **changes: object) -> Sample:
    """One imaging line: 400.00, no visit."""
    lines = (Line("71260", "400", f"{control}L1"),)
    return Sample(**{"control": control, "member": member, "charge": "400", "lines": lines} | changes)  # type: ignore[arg-type]


def emergency(control: str, member: str, **changes: object) -> Sample:
    """An outpatient 837I: a level 3 emergency visit and a treatment, 300.00 + 900.00."""
    lines = (
        Line("99283:25", "300", f"{control}L1"),
        Line("25605:LT", "900", f"{control}L2", revenue="0360"),
    )
    return Sample(
        **{"control": control, "member": member, "charge": "1200", "lines": lines, "bill_type": "13"}
        | changes  # type: ignore[arg-type]
    )


def stay(control: str, member: str, **changes: object) -> Sample:
    """An inpatient 837I of 9,500.00, lines without procedure codes."""
    lines = (
        Line("", "8000", f"{control}L1", revenue="0120"),
        Line("", "1500", f"{control}L2", revenue="0250"),
    )
    return Sample(
        **{"control": control, "member": member, "charge": "9500", "lines": lines, "bill_type": "11"}
        | changes  # type: ignore[arg-type]
    )


def secondary_visit(control: str, member: str) -> Sample:
    """A claim to the second payer: the first allowed 80 %, paid 80 % of that and left 20 % of it."""
    lines = (
        Line(
            "99213:25",
            "150",
            f"{control}L1",
            cob=("SVD*DMC01*96*HC:99213:25**1", "CAS*CO*45*30", "CAS*PR*2*24", "DTP*573*D8*20260920"),
        ),
        Line(
            "20610:RT",
            "80",
            f"{control}L2",
            cob=("SVD*DMC01*51.2*HC:20610:RT**1", "CAS*CO*45*16", "CAS*PR*2*12.8", "DTP*573*D8*20260920"),
        ),
    )
    cob = (
        "SBR*P*18*******MB",
        "AMT*D*147.2",
        "OI***Y***Y",
        "NM1*IL*1*ZQDOE*PAT****MI*SC000001",
        "NM1*PR*2*DEMO MEDICARE*****PI*DMC01",
    )
    return Sample(control, member, "230", lines, payer="SUP01", order="S", cob=cob)


@dataclass
class File:
    """One interchange; each entry of `sets` is one ST with its claims."""

    sets: list[list[Sample]]
    control: str = "000000101"
    wants_ta1: str = "0"
    day: str = "20260928"
    changes: dict[str, str] = field(default_factory=dict)

    def encode(self) -> bytes:
        """Write the file; `changes` replaces texts in the result, to plant faults."""
        guide = INSTITUTIONAL if self.sets[0][0].bill_type else PROFESSIONAL
        segments = [
            "ISA*00*          *00*          *ZZ*DEMOGENERAL    *ZZ*DEMOPAYER      "
            f"*{self.day[2:]}*0830*^*00501*{self.control}*{self.wants_ta1}*T*:",
            f"GS*HC*DEMOGENERAL*DEMOPAYER*{self.day}*0830*{int(self.control)}*X*{guide}",
        ]
        for number, samples in enumerate(self.sets, start=1):
            segments += _transaction(number, samples, guide, self.day)
        segments += [f"GE*{len(self.sets)}*{int(self.control)}", f"IEA*1*{self.control}"]
        text = "".join(f"{segment}~\n" for segment in segments)
        for old, new in self.changes.items():
            assert old in text, old
            text = text.replace(old, new, 1)
        return text.encode()


def _transaction(number: int, samples: list[Sample], guide: str, day: str) -> list[str]:
    body = [
        f"ST*837*{number:04d}*{guide}",
        f"BHT*0019*00*B{number:07d}*{day}*0830*CH",
        "NM1*41*2*DEMO GENERAL*****46*DEMOGENERAL",
        "PER*IC*BILLING*TE*2175550100",
        "NM1*40*2*DEMO PAYER*****46*DEMOPAYER",
        "HL*1**20*1",
        f"NM1*85*2*DEMO GENERAL HOSPITAL*****XX*{NPI}",
        "N3*100 MAIN STREET",
        "N4*SPRINGFIELD*IL*627010001",
        "REF*EI*123456789",
    ]
    for at, sample in enumerate(samples, start=2):
        body += _subscriber(at, sample) + (
            _institutional(sample) if sample.bill_type else _professional(sample)
        )
    return [*body, f"SE*{len(body) + 1}*{number:04d}"]


def _subscriber(number: int, sample: Sample) -> list[str]:
    return [
        f"HL*{number}*1*22*0",
        f"SBR*{sample.order}*18*******{sample.filing}",
        f"NM1*IL*1*ZQDOE*PAT****MI*{sample.member}",
        "N3*7 ZQLANE",
        "N4*SPRINGFIELD*IL*627020002",
        "DMG*D8*19600102*F",
        f"NM1*PR*2*DEMO HEALTH PLAN*****PI*{sample.payer}",
    ]


def _professional(sample: Sample) -> list[str]:
    segments = [
        f"CLM*{sample.control}*{sample.charge}***11:B:{sample.frequency}*Y*A*Y*Y",
        *([f"REF*F8*{sample.payer_control}"] if sample.payer_control else []),
        *([f"REF*G1*{sample.authorization}"] if sample.authorization else []),
        f"REF*D9*T{sample.control}",
        f"HI*ABK:{sample.diagnosis}",
        *([f"NM1*DN*1*ZQREF*SAM****XX*{sample.referring}"] if sample.referring else []),
        f"NM1*82*1*ZQDOC*ROBIN****XX*{sample.npi}",
        *sample.cob,
    ]
    for number, line in enumerate(sample.lines, start=1):
        segments += [
            f"LX*{number}",
            f"SV1*HC:{line.code}*{line.charge}*UN*{line.units}***1",
            f"DTP*472*D8*{sample.day}",
            f"REF*6R*{line.control}",
            *([f"LIN**N4*{line.drug}", "CTP****1*UN"] if line.drug else []),
            *line.cob,
        ]
    return segments


def _institutional(sample: Sample) -> list[str]:
    inpatient = sample.bill_type == "11"
    present = ":::::::Y" if inpatient else ""
    segments = [
        f"CLM*{sample.control}*{sample.charge}***{sample.bill_type}:A:{sample.frequency}**A*Y*Y",
        *(["DTP*096*TM*1100"] if inpatient else []),
        f"DTP*434*RD8*{sample.day}-{sample.day}",
        *([f"DTP*435*DT*{sample.day}0900"] if inpatient else []),
        "CL1*1*1*01",
        *([f"REF*F8*{sample.payer_control}"] if sample.payer_control else []),
        f"HI*ABK:{sample.diagnosis}{present}",
        *([f"HI*ABJ:{sample.diagnosis}", "HI*DR:193"] if inpatient else [f"HI*APR:{sample.diagnosis}"]),
        f"NM1*71*1*ZQDOC*ROBIN****XX*{sample.npi}",
    ]
    for number, line in enumerate(sample.lines, start=1):
        procedure = f"HC:{line.code}" if line.code else ""
        segments += [
            f"LX*{number}",
            f"SV2*{line.revenue}*{procedure}*{line.charge}*UN*1",
            *([] if inpatient else [f"DTP*472*D8*{sample.day}"]),
            f"REF*6R*{line.control}",
        ]
    return segments


@dataclass(frozen=True)
class Question:
    """One claim asked about in a 276: by CLM01, by the payer's number, or by both."""

    member: str
    control: str = ""
    payer_control: str = ""
    trace: str = "TRACE1"


def inquiry(
    *questions: Question,
    control: str = "000000901",
    day: str = "20260928",
    payer: str = "DHP01",
    changes: dict[str, str] | None = None,
) -> bytes:
    """Write a 276 with one subscriber for each question."""
    body = [
        "ST*276*0001*005010X212",
        f"BHT*0010*13*Q{control}*{day}*0900",
        "HL*1**20*1",
        f"NM1*PR*2*DEMO HEALTH PLAN*****PI*{payer}",
        "HL*2*1*21*1",
        "NM1*41*2*DEMO GENERAL*****46*DEMOGENERAL",
        "HL*3*2*19*1",
        f"NM1*1P*2*DEMO GENERAL HOSPITAL*****XX*{NPI}",
    ]
    for at, question in enumerate(questions, start=4):
        body += [
            f"HL*{at}*3*22*0",
            "DMG*D8*19600102*F",
            f"NM1*IL*1*ZQDOE*PAT****MI*{question.member}",
            f"TRN*1*{question.trace}",
            *([f"REF*1K*{question.payer_control}"] if question.payer_control else []),
            *([f"REF*EJ*{question.control}"] if question.control else []),
            "AMT*T3*230",
        ]
    segments = [
        "ISA*00*          *00*          *ZZ*DEMOGENERAL    *ZZ*DEMOPAYER      "
        f"*{day[2:]}*0900*^*00501*{control}*0*T*:",
        f"GS*HR*DEMOGENERAL*DEMOPAYER*{day}*0900*{int(control)}*X*005010X212",
        *body,
        f"SE*{len(body) + 1}*0001",
        f"GE*1*{int(control)}",
        f"IEA*1*{control}",
    ]
    text = "".join(f"{segment}~\n" for segment in segments)
    for old, new in (changes or {}).items():
        assert old in text, old
        text = text.replace(old, new, 1)
    return text.encode()
