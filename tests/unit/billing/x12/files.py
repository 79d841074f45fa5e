"""X12 files of every type, written by hand from the guides: bodies, and an envelope around them that counts."""

from collections.abc import Sequence

GROUPS = {"837": "HC", "835": "HP", "999": "FA", "276": "HR", "277": "HN", "278": "HI"}


def transaction(kind: str, guide: str, body: Sequence[str], *, control: str = "0001") -> list[str]:
    """ST .. SE; an 835 has no ST03."""
    start = f"ST*{kind}*{control}" + ("" if kind == "835" else f"*{guide}")
    return [start, *body, f"SE*{len(body) + 2}*{control}"]


def group(kind: str, guide: str, sets: Sequence[Sequence[str]], *, control: str = "1") -> list[str]:
    """GS .. GE."""
    start = f"GS*{GROUPS[kind]}*SENDER*RECEIVER*20260928*1200*{control}*X*{guide}"
    return [start, *(segment for one in sets for segment in one), f"GE*{len(sets)}*{control}"]


def interchange(
    content: Sequence[str],
    *,
    groups: int = 1,
    control: str = "000000001",
    delimiters: str = "*:^~",
    behind: str = "",
) -> bytes:
    """ISA .. IEA with other delimiters when asked for; `behind` follows every segment."""
    element, component, repetition, terminator = tuple(delimiters)
    isa = f"ISA*00*{' ' * 10}*00*{' ' * 10}*ZZ*SENDER         *ZZ*RECEIVER       *260928*1200*^*00501*{control}*0*T*:"
    text = "\x00".join([isa, *content, f"IEA*{groups}*{control}"]) + "\x00"
    swapped = text.translate({ord("*"): element, ord(":"): component, ord("^"): repetition})
    return swapped.replace("\x00", terminator + behind).encode()


def whole(kind: str, guide: str, body: Sequence[str], **options: str) -> bytes:
    """One interchange with one group and one transaction set."""
    return interchange(group(kind, guide, [transaction(kind, guide, body)]), **options)  # type: ignore[arg-type]


P_GUIDE, I_GUIDE, REMIT_GUIDE = "005010X222A1", "005010X223A2", "005010X221A1"

_BILLING = [
    "NM1*41*2*SENDING CLINIC*****46*SENDER",
    "PER*IC*DESK*TE*5555550100",
    "NM1*40*2*DEMO PAYER*****46*RECEIVER",
    "HL*1**20*1",
    "NM1*85*2*SENDING CLINIC*****XX*1234567893",
    "N3*1 MAIN STREET",
    "N4*BOSTON*MA*021110000",
    "REF*EI*123456789",
    "HL*2*1*22*0",
]
_SUBSCRIBER = [
    "NM1*IL*1*ZQDOE*JANE****MI*ZQ123",
    "N3*2 SIDE STREET",
    "N4*BOSTON*MA*02111",
    "DMG*D8*19700101*F",
    "NM1*PR*2*DEMO PAYER*****PI*DHP01",
]

CLAIM_837P = [
    "BHT*0019*00*B1*20260928*1200*CH",
    *_BILLING,
    "SBR*P*18*******CI",
    *_SUBSCRIBER,
    "CLM*C0001*150.5***11:B:1*Y*A*Y*Y",
    "HI*ABK:M1711*ABF:I10",
    "LX*1",
    "SV1*HC:99213:25*100.50*UN*1***1:2",
    "DTP*472*D8*20260901",
    "REF*6R*L1",
    "LX*2",
    "SV1*HC:20610:RT*50*UN*1***1",
    "DTP*472*D8*20260901",
    "REF*6R*L2",
]

#: Tertiary claim: two other payers decided before, one with a claim-level share.
COB_837P = [
    "BHT*0019*00*B2*20260928*1200*CH",
    *_BILLING,
    "SBR*T*18*******CI",
    *_SUBSCRIBER,
    "CLM*C0002*100***11:B:1*Y*A*Y*Y",
    "HI*ABK:J449",
    "SBR*P*18*******MB",
    "CAS*PR*1*10",
    "AMT*D*60",
    "AMT*EAF*40",
    "OI***Y***Y",
    "NM1*IL*1*ZQDOE*JANE****MI*ZQ1",
    "NM1*PR*2*FIRST PAYER*****PI*PAY1",
    "SBR*S*18*******CI",
    "AMT*D*25",
    "OI***Y***Y",
    "NM1*IL*1*ZQDOE*JANE****MI*ZQ2",
    "NM1*PR*2*SECOND PAYER*****PI*PAY2",
    "LX*1",
    "SV1*HC:99213*100*UN*1***1",
    "DTP*472*D8*20260901",
    "REF*6R*L1",
    "SVD*PAY1*70*HC:99213**1",
    "CAS*CO*45*30",
    "DTP*573*D8*20260910",
    "SVD*PAY2*25*HC:99213**1",
    "CAS*OA*23*75",
    "DTP*573*D8*20260920",
]

CLAIM_837I = [
    "BHT*0019*00*B3*20260928*1200*CH",
    *_BILLING,
    "SBR*P*18*******CI",
    *_SUBSCRIBER,
    "CLM*C0003*500***13:A:7**A*Y*Y",
    "DTP*434*RD8*20260901-20260901",
    "CL1*3*1*01",
    "REF*F8*ICN9",
    "HI*ABK:S52532A",
    "HI*APR:M25531",
    "NM1*71*1*DOC*ANN****XX*1912301953",
    "LX*1",
    "SV2*0450*HC:99283:25*300*UN*1",
    "DTP*472*D8*20260901",
    "LX*2",
    "SV2*0360*HC:25605:LT*200*UN*1",
    "DTP*472*D8*20260901",
]

#: A reversal with its correction, a denial, interest and a takeback.
REMITTANCE = [
    "BPR*I*65*C*ACH*CCP*01*111000025*DA*123*1999999999**01*111000025*DA*456*20260930",
    "TRN*1*EFT1*1999999999",
    "DTM*405*20260930",
    "N1*PR*DEMO PAYER",
    "N3*1 PAYER ROAD",
    "N4*BOSTON*MA*02111",
    "PER*BL*DESK*TE*5555550100",
    "N1*PE*SENDING CLINIC*XX*1234567893",
    "LX*1",
    "CLP*C0001*22*-100*-80**12*ICN1*11*1",
    "NM1*QC*1*ZQDOE*JANE****MI*ZQ1",
    "SVC*HC:99213*-100*-80**-1",
    "DTM*472*20260901",
    "CAS*CO*45*-15",
    "CAS*PR*3*-5",
    "REF*6R*L1",
    "CLP*C0001*1*100*50*5*12*ICN1*11*1",
    "CAS*CO*253*10",
    "NM1*QC*1*ZQDOE*JANE****MI*ZQ1",
    "SVC*HC:99213*100*60**1",
    "DTM*472*20260901",
    "CAS*CO*45*35",
    "CAS*PR*3*5",
    "REF*6R*L1",
    "CLP*C0002*4*200*0*0*12*ICN2*11*1",
    "NM1*QC*1*ZQROE*JOHN****MI*ZQ2",
    "SVC*HC:99214*200*0**1",
    "DTM*472*20260902",
    "CAS*CO*50*200",
    "LQ*HE*N115",
    "CLP*C0003*1*150*100*50*12*ICN3*11*1",
    "NM1*QC*1*ZQPOE*JILL****MI*ZQ3",
    "SVC*HC:99215*150*100**1",
    "DTM*472*20260903",
    "CAS*PR*1*30**2*20",
    "PLB*1234567893*20261231*L6*-5*WO:ICN0*10",
]

REJECTED_999 = [
    "AK1*HC*1*005010X222A1",
    "AK2*837*0001*005010X222A1",
    "IK3*CLM*22*2300*8",
    "CTX*CLM01:C0001",
    "IK4*2*782*6*ZQVALUE",
    "IK5*R*5",
    "AK2*837*0002*005010X222A1",
    "IK5*A",
    "AK9*P*2*2*1",
]

_277_TOP = [
    "BHT*0085*08*B1*20260929*1200*TH",
    "HL*1**20*1",
    "NM1*PR*2*DEMO PAYER*****PI*DHP01",
    "TRN*1*PAYERTRACE",
    "DTP*050*D8*20260928",
    "DTP*009*D8*20260929",
    "HL*2*1*21*1",
    "NM1*41*2*SENDING CLINIC*****46*SENDER",
    "TRN*2*B1",
]
CLAIM_277CA = [
    *_277_TOP,
    "STC*A1:19:PR*20260929*WQ*250",
    "QTY*90*1",
    "QTY*AA*1",
    "AMT*YU*150",
    "AMT*YY*100",
    "HL*3*2*19*1",
    "NM1*85*2*SENDING CLINIC*****XX*1234567893",
    "TRN*1*0",
    "STC*A1:19:PR**WQ*250",
    "HL*4*3*PT",
    "NM1*QC*1*ZQDOE*JANE****MI*ZQ1",
    "TRN*2*C0001",
    "STC*A2:20:PR*20260929*WQ*150",
    "REF*1K*ICN1",
    "DTP*472*D8*20260901",
    "HL*5*3*PT",
    "NM1*QC*1*ZQROE*JOHN****MI*ZQ2",
    "TRN*2*C0002",
    "STC*A7:164:IL*20260929*U*100*******A6:33:IL",
    "DTP*472*D8*20260901",
]
BATCH_277CA = [
    *_277_TOP,
    "STC*A8:746:40*20260929*U*250",
    "QTY*AA*2",
    "AMT*YY*250",
]
PROVIDER_277CA = [
    *_277_TOP,
    "STC*A1:19:PR*20260929*WQ*250",
    "QTY*AA*2",
    "AMT*YY*250",
    "HL*3*2*19*0",
    "NM1*85*2*SENDING CLINIC*****XX*1234567893",
    "TRN*1*0",
    "STC*A3:562:85*20260929*U*250",
    "QTY*QC*2",
    "AMT*YY*250",
]

STATUS_REQUEST = [
    "BHT*0010*13*Q1*20260930*1200",
    "HL*1**20*1",
    "NM1*PR*2*DEMO PAYER*****PI*DHP01",
    "HL*2*1*21*1",
    "NM1*41*2*SENDING CLINIC*****46*SENDER",
    "HL*3*2*19*1",
    "NM1*1P*2*SENDING CLINIC*****XX*1234567893",
    "HL*4*3*22*0",
    "DMG*D8*19700101*F",
    "NM1*IL*1*ZQDOE*JANE****MI*ZQ1",
    "TRN*1*T1",
    "REF*EJ*C0001",
    "REF*1K*ICN1",
    "AMT*T3*150.5",
    "DTP*472*D8*20260901",
]

_REVIEW_TOP = [
    "HL*1**20*1",
    "NM1*X3*2*DEMO PAYER*****PI*DHP01",
    "HL*2*1*21*1",
    "NM1*1P*2*SENDING CLINIC*****XX*1234567893",
    "HL*3*2*22*1",
    "NM1*IL*1*ZQDOE*JANE****MI*ZQ1",
    "DMG*D8*19700101*F",
]
REVIEW_REQUEST = [
    "BHT*0007*13*R1*20260930*1200",
    *_REVIEW_TOP,
    "HL*4*3*EV*1",
    "TRN*1*AUTH1*9SENDER",
    "UM*HS*I*2*11:B",
    "DTP*472*D8*20261005",
    "HI*ABK:M1711",
    "HL*5*4*SS*0",
    "SV1*HC:20610:RT*150*UN*1",
]
REVIEW_RESPONSE = [
    "BHT*0007*11*R1*20260930*1201*18",
    *_REVIEW_TOP,
    "HL*4*3*EV*1",
    "TRN*2*AUTH1*9SENDER",
    "UM*HS*I*2*11:B",
    "HCR*A1*CERT77",
    "DTP*472*D8*20261005",
    "HL*5*4*SS*0",
    "SV1*HC:20610:RT*150*UN*1",
]

TA1 = "TA1*000000009*260928*1200*R*025"
EVERY_TYPE = {
    "837P": whole("837", P_GUIDE, CLAIM_837P),
    "837P COB": whole("837", P_GUIDE, COB_837P),
    "837I": whole("837", I_GUIDE, CLAIM_837I),
    "835": whole("835", REMIT_GUIDE, REMITTANCE),
    "999": whole("999", "005010X231A1", REJECTED_999),
    "277CA": whole("277", "005010X214", CLAIM_277CA),
    "277CA batch": whole("277", "005010X214", BATCH_277CA),
    "277CA provider": whole("277", "005010X214", PROVIDER_277CA),
    "276": whole("276", "005010X212", STATUS_REQUEST),
    "278 request": whole("278", "005010X217", REVIEW_REQUEST),
    "278 response": whole("278", "005010X217", REVIEW_RESPONSE),
    "TA1": interchange([TA1], groups=0),
}
