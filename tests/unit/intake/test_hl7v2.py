"""The HL7 v2 reader: what real feeds do, and what hostile ones try."""

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rcm_intake.domain.changes import Action, DocumentAction, EncounterMessage, Progress
from rcm_intake.gateways.hl7v2 import read_hl7v2
from rcm_intake.gateways.hl7v2_syntax import Delimiters, split_messages
from rcm_intake.gateways.readers import read_message
from rcm_intake.gateways.reading import Reading, Refusal
from rcm_shared.contracts.intake import Setting
from unit.intake.messages import PID, PV1, hl7


def reading(raw: bytes) -> Reading:
    judged = read_message(raw, "hl7v2")
    assert isinstance(judged, Reading), judged
    return judged


def message(raw: bytes) -> EncounterMessage:
    (only,) = reading(raw).messages
    return only


def refusal(raw: bytes) -> Refusal:
    judged = read_message(raw, "hl7v2")
    assert isinstance(judged, Refusal), judged
    return judged


def test_registration_gives_identity_patient_and_setting() -> None:
    said = message(hl7("EVN|A04|20260901120000", PID, PV1))
    assert said.key == ("F1", "ehr", "V1")
    assert (said.action, said.progress, said.setting) == (Action.UPDATE, Progress.UNDER_WAY, Setting.ED)
    assert said.service_from == date(2026, 9, 1)
    assert said.patient is not None
    assert said.patient.medical_record_number == "MR1"


@pytest.mark.parametrize("ending", ["\r", "\n", "\r\n"])
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
def test_line_endings_and_byte_order_mark_do_not_matter(ending: str, mark: bytes) -> None:
    raw = mark + hl7(PID, PV1).replace(b"\r", ending.encode())
    assert message(raw) == message(hl7(PID, PV1))


def test_delimiters_come_from_the_message() -> None:
    raw = hl7(PID, PV1).replace(b"^~\\&", b"!*%@").replace(b"|", b"#").replace(b"^", b"!")
    assert message(raw) == message(hl7(PID, PV1))


def test_charset_of_the_header_is_used() -> None:
    pid = PID.replace("ZQTESTER", "ZQMÜLLER")
    latin = hl7(pid, PV1, charset="8859/1").decode().encode("iso-8859-1")
    assert message(latin) == message(hl7(pid, PV1, charset="UNICODE UTF-8"))
    wrong = hl7(pid, PV1, charset="UNICODE UTF-8").decode().encode("iso-8859-1")
    assert refusal(wrong).code == "charset-mismatch"
    assert refusal(hl7(PID, PV1, charset="EBCDIC")) == replace(
        refusal(hl7(PID, PV1, charset="EBCDIC")), code="charset-unsupported", position="MSH-18"
    )


def test_record_number_is_picked_by_type_then_facility() -> None:
    typed = PID.replace("MR1^^^F1^MR", "9^^^X^SS~8^^^F1^PI~7^^^X^MR")
    here = PID.replace("MR1^^^F1^MR", "9^^^X^SS~8^^^F1^PI~7^^^X^PI")
    for pid, expected in ((typed, "7"), (here, "8")):
        patient = message(hl7(pid, PV1)).patient
        assert patient is not None
        assert patient.medical_record_number == expected


def test_local_segments_are_ignored() -> None:
    assert message(hl7(PID, PV1, "ZPD|any^thing|~&")) == message(hl7(PID, PV1))


@pytest.mark.parametrize(
    ("trigger", "action", "progress"),
    [
        ("A01", Action.UPDATE, Progress.UNDER_WAY),
        ("A03", Action.UPDATE, Progress.FINISHED),
        ("A08", Action.UPDATE, None),
        ("A11", Action.CANCEL, None),
        ("A13", Action.CANCEL_DISCHARGE, None),
    ],
)
def test_triggers_mean_what_the_standard_says(
    trigger: str, action: Action, progress: Progress | None
) -> None:
    said = message(hl7(PID, PV1, kind=f"ADT^{trigger}^ADT_A01"))
    assert (said.action, said.progress) == (action, progress)


def test_merge_names_the_prior_visit() -> None:
    said = message(hl7(PID, "MRG|MR0||||V0", PV1, kind="ADT^A40^ADT_A39"))
    assert (said.action, said.merged_external_id) == (Action.MERGE, "V0")
    assert reading(hl7(PID, "MRG|MR0", kind="ADT^A40^ADT_A39")).ignored == "merge-without-visit"


def test_other_types_are_ignored() -> None:
    assert reading(hl7(PID, PV1, kind="ADT^A31^ADT_A05")).ignored == "message-type-not-used"
    assert reading(hl7(PID, kind="SIU^S12^SIU_S12")).ignored == "message-type-not-used"


@pytest.mark.parametrize(
    ("trigger", "action"),
    [
        ("T02", DocumentAction.FILE),
        ("T06", DocumentAction.ADDENDUM),
        ("T10", DocumentAction.REPLACE),
        ("T11", DocumentAction.CANCEL),
    ],
)
def test_documents_come_with_text_kind_and_signature(trigger: str, action: DocumentAction) -> None:
    txa = "TXA|1|ED|TX|20260901||20260901130500+0200|||1245319599^Osei^M^^^^^^NPI|||D2^X|D1^X|||Note|AU"
    obx = ("OBX|1|TX|1^N^LN||a line \\T\\ more||||||F", "OBX|2|FT|1^N^LN||two\\.br\\three||||||F")
    (document,) = message(hl7(PID, PV1, txa, *obx, kind=f"MDM^{trigger}^MDM_T02")).documents
    assert document.action is action
    if action is not DocumentAction.CANCEL:
        assert document.text == "a line & more\ntwo\nthree"
        assert document.signed
        assert document.written_at == datetime(2026, 9, 1, 11, 5, tzinfo=UTC)
        assert document.replaces == "D1"
        assert document.author_id is not None
        assert document.author_id.startswith("prv-")
        assert "1245319599" not in document.author_id


def test_unauthenticated_document_is_unsigned() -> None:
    txa = "TXA|1|ED|TX|20260901||||||||D2|||||IP"
    (document,) = message(hl7(PID, PV1, txa, "OBX|1|TX|||x", kind="MDM^T02")).documents
    assert not document.signed


def test_charges_and_credits_are_read() -> None:
    lines = (
        "FT1|1|C1||20260901||CG|99283^^C4^0450^^NUBC|||1|410.00&USD" + "|" * 15 + "25~LT",
        "FT1|2|C2||20260901||CG|0450^^NUBC|||2||12.50",
        "FT1|3|C1||20260901||CR|99283^^C4|||1|410",
        "FT1|4|P1||20260901||PY|X|||1|5",
    )
    first, second, credit = message(hl7(PID, PV1, *lines, kind="DFT^P03^DFT_P03")).charges
    assert (first.code, first.revenue_code, first.cents, first.modifiers) == (
        "99283",
        "0450",
        41000,
        ("25", "LT"),
    )
    assert (second.code, second.revenue_code, second.cents, second.units) == ("", "0450", 2500, 2)
    assert credit.credit


@pytest.mark.parametrize(
    ("ft1", "code"),
    [
        ("FT1|1|C1||20260901||CG|99283^^C4|||1|1.005", "amount-invalid"),
        ("FT1|1|C1||20260901||CG|99283^^C4|||1|1e9", "amount-invalid"),
        ("FT1|1|C1||20260931||CG|99283^^C4|||1|1", "invalid-date"),
        ("FT1|1|C1||20260901||CG|LOCAL77^^L|||1|1", "charge-code-unknown"),
        ("FT1|1|C1||20260901||CG|99283^^C4|||0|1", "invalid-value"),
        ("FT1|1|C1||20260901||CG|99283^^C4|||1", "missing-field"),
    ],
)
def test_broken_charge_is_refused_with_its_place(ft1: str, code: str) -> None:
    refused = refusal(hl7(PID, PV1, ft1, kind="DFT^P03^DFT_P03"))
    assert refused.code == code
    assert refused.message_id == "M1"


@pytest.mark.parametrize("kind", ["ADT^A08^ADT_A01", "DFT^P03^DFT_P03"])
def test_surgeon_of_a_procedure_is_the_operating_provider(kind: str) -> None:
    pr1 = "PR1|1||47562^^C4||20260901||||||1245319599^Osei^M^^^^^^NPI"
    ft1 = "FT1|1|C1||20260901||CG|47562^^C4|||1|1"
    provider = message(hl7(PID, PV1, pr1, ft1, kind=kind)).providers[0]
    assert (provider.role, provider.npi, provider.last_name) == ("operating", "1245319599", "Osei")
    assert "1245319599" not in provider.provider_id


def test_final_imaging_report_comes_with_its_order() -> None:
    obr = "OBR|1|O1|R1|71260^CT chest|||20260901" + "|" * 17 + "CT|F"
    texts = ("OBX|1|TX|||FINDINGS: none.||||||F", "OBX|2|TX|||draft||||||P")
    said = message(hl7(PID, PV1, obr, *texts, kind="ORU^R01^ORU_R01"))
    assert [(d.kind, d.external_id) for d in said.documents] == [
        ("order", "order:O1"),
        ("imaging-report", "report:R1"),
    ]
    assert said.documents[1].text == "FINDINGS: none."
    preliminary = hl7(PID, PV1, obr.replace("CT|F", "CT|P"), *texts, kind="ORU^R01^ORU_R01")
    assert reading(preliminary).ignored == "result-without-final-text"


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        (b"", "not-hl7"),
        (b"\x00\x01\x02", "not-hl7"),
        (b"MSH", "not-hl7"),
        (b"MSH|^^^^|a|b|c|d|e||ADT^A04|1", "delimiters-invalid"),
        (b"MSHA^~\\&AaAbAc", "delimiters-invalid"),
        (hl7(PID, PV1) + hl7(PID, PV1), "second-header"),
        (hl7(PID, PV1, "OBX|1|TX|||a\rfree text of a note"), "segment-malformed"),
        (hl7(PID.replace("19700102", "19701302"), PV1), "invalid-date"),
        (hl7(PID.replace("19700102", ""), PV1), "missing-field"),
        (hl7(PID), "visit-number-missing"),
        (hl7(PID, PV1 + "'; --"), "identifier-malformed"),
        (hl7(PID.replace("Ada", "A\x1b[31m"), PV1), "control-character"),
        (hl7(PID, PV1, control="x" * 300), "identifier-malformed"),
        (b"MSH|^~\\&|e|f|" + b"x" * 4_000_001, "message-too-large"),
    ],
)
def test_broken_message_is_refused_with_a_code(raw: bytes, code: str) -> None:
    assert refusal(raw).code == code


def test_refusal_never_repeats_a_value() -> None:
    refused = refusal(hl7(PID.replace("19700102", "ZQBADDATE"), PV1))
    assert "ZQ" not in refused.code + refused.position


@pytest.mark.parametrize(
    ("raw", "plain"),
    [
        ("a\\F\\b\\S\\c\\T\\d\\R\\e\\E\\f", "a|b^c&d~e\\f"),
        ("bare \\ end", "bare \\ end"),
        ("unclosed \\F", "unclosed \\F"),
        ("\\", "\\"),
        ("\\\\", "\\\\"),
        ("x\\.br\\y", "x\ny"),
        ("\\H\\bold\\N\\", "bold"),
        ("\\X41\\", "A"),
        ("C:\\temp\\F\\", "C:\\temp|"),
    ],
)
def test_escapes_are_decoded_and_broken_ones_kept(raw: str, plain: str) -> None:
    assert Delimiters().decode(raw) == plain


@given(st.text(alphabet="ab|^~\\&", max_size=40))
def test_escaped_text_survives(text: str) -> None:
    escaped = "".join(
        {"|": "\\F\\", "^": "\\S\\", "~": "\\R\\", "\\": "\\E\\", "&": "\\T\\"}.get(c, c) for c in text
    )
    assert Delimiters().decode(escaped) == text


@given(st.binary(max_size=300))
def test_any_bytes_are_judged(raw: bytes) -> None:
    for candidate in (raw, b"MSH|^~\\&|" + raw, hl7(PID, PV1) + raw):
        assert isinstance(read_message(candidate, "hl7v2"), Reading | Refusal)


@given(st.integers(0, 200), st.binary(min_size=1, max_size=4))
def test_damaged_messages_are_judged(at: int, noise: bytes) -> None:
    raw = hl7(PID, PV1, "FT1|1|C1||20260901||CG|99283^^C4|||1|1", kind="DFT^P03")
    assert isinstance(read_message(raw[:at] + noise + raw[at:], "hl7v2"), Reading | Refusal)


def test_file_is_split_at_its_headers() -> None:
    one, two = hl7(PID, PV1, control="A"), hl7(PID, PV1, control="B")
    pieces = split_messages(b"FHS|^~\\&|x\rBHS|^~\\&|x\r" + one + two + b"BTS|2\rFTS|1\r")
    assert [read_hl7v2(piece).message_id for piece in pieces] == ["A", "B"]
