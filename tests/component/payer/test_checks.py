"""Every planted envelope and syntax fault gets its TA1 or 999 code; sound files get none."""

import pytest
from component.payer.oracles import pyx12_findings
from rcm_deploy.payer.acknowledgement_999 import write_999
from rcm_deploy.payer.checks import GroupFindings, check_envelope, check_group
from rcm_deploy.payer.parser import parse_file
from unit.deploy.payer.samples import File, Sample, emergency, scan, secondary_visit, stay, visit


def findings(content: bytes) -> GroupFindings:
    (interchange,) = parse_file(content)
    return check_group(interchange.groups[0], interchange.delimiters)


def located(content: bytes) -> list[tuple[str, int, str, str]]:
    return [(fault.tag, fault.position, fault.loop, fault.code) for fault in findings(content).sets[0].faults]


@pytest.mark.parametrize(
    "samples",
    [
        [visit("C1", "PF1"), scan("C2", "PD1"), secondary_visit("C3", "SS1")],
        [visit("C1", "PF1", frequency="7", payer_control="260928000000001")],
        [emergency("E1", "PF1"), stay("I1", "PF1")],
    ],
    ids=["837P", "corrected 837P", "837I"],
)
def test_sound_file_is_accepted_here_and_by_pyx12(samples: list[Sample]) -> None:
    content = File([samples]).encode()
    assert pyx12_findings(content) == []
    assert findings(content).verdict == "A"
    assert check_envelope(parse_file(content)[0], already_seen=False) == "000"


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        ("IEA*1*000000101", "IEA*1*000000102", "001"),
        ("IEA*1*", "IEA*2*", "021"),
        ("IEA*1*000000101~\n", "", "023"),
        ("*00501*0", "*00401*0", "017"),
        ("*000000101*0*T", "*00000X101*0*T", "018"),
        ("*ZZ*DEMOGENERAL", "*99*DEMOGENERAL", "005"),
        ("*ZZ*DEMOPAYER", "*QQ*DEMOPAYER", "007"),
        ("*260928*0830", "*260231*0830", "014"),
        ("*260928*0830", "*260928*2930", "015"),
        ("*0*T*:", "*0*X*:", "020"),
        ("*0*T*:", "*3*T*:", "019"),
        ("GE*1*101~", "GE*1*101~\nN3*STRAY~", "022"),
    ],
)
def test_bad_envelope_gets_its_ta1_code(old: str, new: str, code: str) -> None:
    content = File([[visit("C1", "PF1")]], changes={old: new}).encode()
    assert check_envelope(parse_file(content)[0], already_seen=False) == code


def test_interchange_seen_before_is_a_duplicate() -> None:
    (interchange,) = parse_file(File([[visit("C1", "PF1")]]).encode())
    assert check_envelope(interchange, already_seen=True) == "025"


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [("SE*", "SE*9", "4"), ("*0001~\nGE", "*0002~\nGE", "3"), ("ST*837*", "ST*270*", "1")],
)
def test_bad_set_trailer_or_header_rejects_the_set(old: str, new: str, code: str) -> None:
    found = findings(File([[visit("C1", "PF1")]], changes={old: new}).encode())
    assert found.verdict == "R"
    assert code in found.sets[0].codes


def test_set_without_trailer_is_rejected() -> None:
    content = File([[visit("C1", "PF1")]]).encode()
    start = content.index(b"SE*")
    found = findings(content[:start] + content[content.index(b"GE*") :])
    assert found.sets[0].codes == ["2"]


@pytest.mark.parametrize(
    ("old", "new", "code"), [("GE*1*101", "GE*1*102", "4"), ("GE*1*", "GE*2*", "5"), ("GS*HC", "GS*HP", "1")]
)
def test_bad_group_rejects_everything_in_it(old: str, new: str, code: str) -> None:
    found = findings(File([[visit("C1", "PF1")]], changes={old: new}).encode())
    assert (found.verdict, found.accepted) == ("R", 0)
    assert code in found.codes


def test_repeated_set_control_number_is_rejected() -> None:
    changes = {"ST*837*0002": "ST*837*0001", "*0002~\nGE": "*0001~\nGE"}
    found = findings(File([[visit("C1", "PF1")], [visit("C2", "PF1")]], changes=changes).encode())
    assert [one.verdict for one in found.sets] == ["A", "R"]
    assert found.sets[1].codes == ["23"]


def test_one_bad_claim_rejects_only_its_set() -> None:
    content = File([[visit("C1", "PF1")], [visit("C2", "PF1", charge="231")]]).encode()
    found = findings(content)
    assert (found.verdict, found.accepted) == ("P", 1)
    body = write_999(found)
    assert ["CTX", "CLM01:C2"] in body
    assert ["IK4", "2", "782", "I12"] in body
    assert body[-1] == ["AK9", "P", "2", "2", "1"]


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("HI*ABK:I10~\n", "", ("HI", 21, "2300", "3")),
        ("HI*ABK", "HI*BK", ("HI", 20, "2300", "8")),
        ("HL*2*1*22*0", "HL*2*9*22*0", ("HL", 11, "2000B", "8")),
        ("HL*2*1*22*0", "HL*2*1*22*1", ("HL", 11, "2000", "8")),
        ("HL*2*1*22*0", "HL*3*1*22*0", ("HL", 11, "2000B", "8")),
        ("NM1*IL*1*ZQDOE*PAT****MI*PF1", "NM1*IL*1*ZQDOE*PAT", ("NM1", 13, "2010BA", "8")),
        ("NM1*PR*2*DEMO HEALTH PLAN*****PI*DHP01~\n", "", ("NM1", 17, "2010BB", "3")),
        ("SBR*P*", "SBR*X*", ("SBR", 12, "2000B", "8")),
        ("REF*EI*123456789~\n", "", ("REF", 10, "2010AA", "3")),
        ("DMG*D8*19600102*F~\n", "", ("DMG", 17, "2010BA", "3")),
        ("DMG*D8*19600102*F", "DMG*D8*19601302*F", ("DMG", 16, "2010BA", "8")),
        ("PER*IC*BILLING*TE*2175550100~\n", "", ("PER", 5, "1000A", "3")),
        ("DTP*472*D8*20260903~\n", "", ("DTP", 25, "2400", "3")),
        ("DTP*472*D8*20260903", "DTP*472*D8*20260931", ("DTP", 24, "2400", "8")),
        ("SV1*HC:99213:25*150*UN*1***1", "SV1*HC:99213:25*150*UN*1***2", ("SV1", 23, "2400", "8")),
        ("SV1*HC:99213:25*150*UN", "SV1*HC:99213:25*150*DA", ("SV1", 23, "2400", "8")),
        ("LX*2", "LX*3", ("LX", 26, "2400", "8")),
        ("11:B:1", "11:A:1", ("CLM", 18, "2300", "8")),
        ("11:B:1", "11:B:5", ("CLM", 18, "2300", "8")),
        ("CLM*C1*230", "CLM*C1*2x30", ("CLM", 18, "2300", "8")),
        ("CLM*C1*230", f"CLM*{'C' * 21}*230", ("CLM", 18, "2300", "8")),
        ("REF*D9*TC1", "XYZ*D9*TC1", ("XYZ", 19, "2300", "1")),
        ("BHT*0019*", "BHT*0018*", ("BHT", 2, "HEADER", "8")),
    ],
)
def test_syntax_fault_is_located(old: str, new: str, expected: tuple[str, int, str, str]) -> None:
    content = File([[visit("C1", "PF1")]], changes={old: new}).encode()
    assert expected in located(content)
    assert findings(content).verdict == "R"


@pytest.mark.parametrize(
    ("old", "new", "tag"),
    [
        ("CL1*1*1*01~\n", "", "CL1"),
        ("DTP*434*RD8*20260903-20260903~\n", "", "DTP"),
        ("DTP*434*RD8*20260903-20260903", "DTP*434*RD8*20260903-20260901", "DTP"),
        ("13:A:1**", "13:A:1*Y*", "CLM"),
        ("SV2*0450", "SV2*450", "SV2"),
        ("SV2*0450*HC:99283:25*300*UN*1", "SV1*HC:99283:25*300*UN*1***1", "SV1"),
    ],
)
def test_institutional_fault_is_found(old: str, new: str, tag: str) -> None:
    content = File([[emergency("E1", "PF1")]], changes={old: new}).encode()
    assert tag in {fault[0] for fault in located(content)}


def test_short_billing_postal_code_is_accepted_with_errors() -> None:
    changes = {"N4*SPRINGFIELD*IL*627010001": "N4*SPRINGFIELD*IL*62701"}
    found = findings(File([[visit("C1", "PF1")]], changes=changes).encode())
    assert (found.verdict, found.sets[0].verdict, found.accepted) == ("E", "E", 1)


def test_999_never_echoes_values() -> None:
    found = findings(File([[visit("C1", "PF1")]], changes={"MI*PF1": "MI*"}).encode())
    text = str(write_999(found))
    assert found.verdict == "R"
    assert "ZQDOE" not in text


def test_names_the_guide_leaves_out_are_not_missed() -> None:
    changes = {
        "REF*EI*123456789~\n": "REF*EI*123456789~\nNM1*87*2~\nN3*PO BOX 1~\nN4*SPRINGFIELD*IL*62701~\n",
        "PI*DMC01~\n": "PI*DMC01~\nNM1*82*1~\nREF*G2*A1~\n",
        "SE*43": "SE*48",
    }
    content = File([[secondary_visit("C1", "SS1")]], changes=changes).encode()
    assert pyx12_findings(content) == []
    assert findings(content).verdict == "A"
