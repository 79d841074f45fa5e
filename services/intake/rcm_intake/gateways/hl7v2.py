"""HL7 v2 reader: ADT, MDM, DFT and ORU messages become encounter messages.

Mapping: A01/A04 register, A03 discharge, A08 update, A11 cancel, A13 cancel discharge, A40 merge,
MDM T02/T06/T10/T11 new, addendum, replacement and cancel, DFT P03 charges and credits, ORU R01 final results.
Other types are ignored.
"""

import base64
import binascii
import re
from collections.abc import Iterator
from typing import Any

from rcm_shared.contracts.intake import Setting
from rcm_shared.contracts.records import Address, PatientPhi, ProviderRecord, StayRecord
from rcm_shared.money import cents_from_decimal

from rcm_intake.domain.changes import (
    PERFORMING,
    Action,
    ChargeChange,
    CoverageChange,
    DocumentAction,
    DocumentChange,
    EncounterMessage,
    Progress,
)
from rcm_intake.domain.errors import MessageRefused
from rcm_intake.gateways import hl7v2_claim
from rcm_intake.gateways.hl7v2_syntax import (
    Segment,
    day_of,
    first_segment,
    instant_of,
    normalise,
    read_header,
    split_segments,
)
from rcm_intake.gateways.reading import (
    Reading,
    clean_id,
    clean_text,
    content_id,
    practitioner_id,
)

_HCPCS = re.compile(r"[A-Z0-9]\d{3}[A-Z0-9]")
_CODE_SYSTEMS = frozenset({"C4", "CPT", "CPT4", "C5", "HCPCS", "HPC", "HCPT"})
#: TXA-2, HL7 table 0270.
_KIND_BY_TXA = {
    "CN": "consultation",
    "DI": "imaging-report",
    "DS": "discharge-summary",
    "ED": "ed-note",
    "HP": "history-and-physical",
    "OP": "operative-note",
    "PN": "procedure-note",
    "PR": "progress-note",
    "SP": "pathology-report",
}
_SIGNED_STATUS = frozenset({"AU", "LA"})  # TXA-17 authenticated, legally authenticated
_SETTING_BY_CLASS = {"I": Setting.INPATIENT, "E": Setting.ED}
_SETTING_BY_SERVICE = {
    "SUR": Setting.SURGERY,
    "RAD": Setting.IMAGING,
    "DI": Setting.IMAGING,
    "LAB": Setting.LAB,
}
_RELATIONSHIP = {"SEL": "18", "18": "18", "SPO": "01", "01": "01", "CHD": "19", "19": "19"}
_IMAGING_SECTIONS = frozenset({"RAD", "CT", "MR", "NMR", "RUS", "IMG", "XR", "US", "NMS"})  # OBR-24

_ADT_ACTIONS = {
    "A01": (Action.UPDATE, Progress.UNDER_WAY),
    "A04": (Action.UPDATE, Progress.UNDER_WAY),
    "A03": (Action.UPDATE, Progress.FINISHED),
    "A08": (Action.UPDATE, None),
    "A11": (Action.CANCEL, None),
    "A13": (Action.CANCEL_DISCHARGE, None),
    "A40": (Action.MERGE, None),
}
_MDM_ACTIONS = {
    "T02": DocumentAction.FILE,
    "T06": DocumentAction.ADDENDUM,
    "T10": DocumentAction.REPLACE,
    "T11": DocumentAction.CANCEL,
}


def read_hl7v2(raw: bytes, *, source: str = "", facility: str = "") -> Reading:
    """Read one HL7 v2 message. `source` and `facility` stand in for an empty MSH-3 and MSH-4.

    Raises: MessageRefused.
    """
    text = normalise(raw)
    header = read_header(text)
    sender = _slug(header.application) or source
    place = _slug(header.facility) or facility
    if not sender:
        raise MessageRefused("missing-identifier", "MSH-3")
    if not place:
        raise MessageRefused("missing-identifier", "MSH-4")
    if not header.message_type:
        raise MessageRefused("missing-identifier", "MSH-9")
    message_id = clean_id(header.control_id, "MSH-10") if header.control_id else content_id(raw)
    segments = split_segments(text, header.delimiters)
    reading = Reading(place, sender, message_id, "hl7v2")

    kind, trigger = header.message_type, header.trigger
    if kind == "ADT" and trigger in _ADT_ACTIONS:
        message = _read_adt(segments, reading, *_ADT_ACTIONS[trigger])
    elif kind == "MDM" and trigger in _MDM_ACTIONS:
        message = _read_mdm(segments, reading, _MDM_ACTIONS[trigger])
    elif kind == "DFT" and trigger == "P03":
        message = _read_dft(segments, reading)
    elif kind == "ORU" and trigger == "R01":
        message = _read_oru(segments, reading)
    else:
        return Reading(place, sender, message_id, "hl7v2", ignored="message-type-not-used")
    if isinstance(message, str):
        return Reading(place, sender, message_id, "hl7v2", ignored=message)
    return Reading(place, sender, message_id, "hl7v2", (message,))


def _slug(value: str) -> str:
    """Return a sending application or facility as an identifier: blanks become hyphens."""
    slug = re.sub(r"[^A-Za-z0-9._:-]+", "-", value).strip("-.:")
    return slug[:60]


def _visit_number(segments: dict[str, list[Segment]]) -> str:
    pv1, pid = first_segment(segments, "PV1"), first_segment(segments, "PID")
    number = (pv1.get(19) if pv1 else "") or (pid.get(18) if pid else "")
    if not number:
        raise MessageRefused("visit-number-missing", "PV1-19")
    return clean_id(number.strip(), "PV1-19")


def _common(segments: dict[str, list[Segment]], reading: Reading) -> dict[str, Any]:
    """Return what every message says about the encounter: identity, patient, visit, providers, coverage."""
    pid, pv1 = first_segment(segments, "PID"), first_segment(segments, "PV1")
    said: dict[str, Any] = {
        "facility_id": reading.facility_id,
        "source": reading.source,
        "external_id": _visit_number(segments),
        "source_format": "hl7v2",
        "patient": _patient(pid, reading) if pid else None,
    }
    admitted = discharged = None
    if pv1:
        admitted, discharged = instant_of(pv1, 44), instant_of(pv1, 45)
        said["setting"] = _setting(pv1)
        said["providers"] = (*_providers(pv1, reading), *_surgeons(segments, reading))
        said["stay"] = StayRecord(
            admitted_at=admitted,
            discharged_at=discharged,
            admission_type=_ADMISSION_TYPE.get(pv1.name_of(4), pv1.name_of(4)[:1]),
            admission_source=pv1.name_of(14)[:2],
            discharge_status=pv1.name_of(36)[:2],
        )
    start = day_of(pv1, 44) if pv1 else None
    said["service_from"] = (
        start or day_of(first_segment(segments, "EVN"), 2) or day_of(first_segment(segments, "MSH"), 7)
    )
    said["service_through"] = day_of(pv1, 45) if pv1 else None
    if "IN1" in segments:
        said["coverages"] = tuple(
            _coverage(segment, order, hl7v2_claim.certification(segments, segment))
            for segment, order in zip(segments["IN1"], "PST", strict=False)
        )
    said |= hl7v2_claim.accident(segments)
    said["claim"] = hl7v2_claim.facts(segments, said.get("setting"))
    return said


_ADMISSION_TYPE = {
    "E": "1",
    "U": "2",
    "C": "3",
    "R": "3",
    "L": "3",
    "N": "4",
    "A": "5",
}  # table 0007 to UB-04


def _setting(pv1: Segment) -> Setting:
    patient_class = pv1.name_of(2).upper()
    if patient_class in _SETTING_BY_CLASS:
        return _SETTING_BY_CLASS[patient_class]
    return _SETTING_BY_SERVICE.get(pv1.name_of(10).upper(), Setting.OFFICE)


def _patient(pid: Segment, reading: Reading) -> PatientPhi:
    born = day_of(pid, 7)
    if born is None:
        raise MessageRefused("missing-field", "PID-7")
    sex = pid.name_of(8).upper()[:1]
    address = None
    if pid.get(11):
        address = Address(
            line=pid.name_of(11, 1),
            city=pid.name_of(11, 3),
            state=pid.name_of(11, 4),
            postal_code=pid.name_of(11, 5),
        )
    if not pid.name_of(5):
        raise MessageRefused("missing-field", "PID-5")
    return PatientPhi(
        last_name=pid.name_of(5),
        first_name=pid.name_of(5, 2),
        middle_name=pid.name_of(5, 3),
        birth_date=born,
        sex=sex if sex in ("M", "F") else "U",
        address=address,
        medical_record_number=_record_number(pid, 3, reading),
        death_date=hl7v2_claim.whole_day(pid, 29),
    )


def _record_number(segment: Segment, index: int, reading: Reading) -> str:
    """Pick the medical record number: by type MR (CX.5), then by our facility (CX.4), then the first."""
    repetitions = range(1, segment.repetitions(index) + 1)
    numbers = [
        (segment.name_of(index, 1, n), segment.name_of(index, 4, n), segment.name_of(index, 5, n))
        for n in repetitions
    ]
    typed = [number for number, _, kind in numbers if kind == "MR" and number]
    here = [number for number, place, _ in numbers if _slug(place) == reading.facility_id and number]
    rest = [number for number, _, kind in numbers if kind in ("", "PI", "PT", "PN") and number]
    return next(iter([*typed, *here, *rest]), "")


def _providers(pv1: Segment, reading: Reading) -> tuple[ProviderRecord, ...]:
    roles = ((7, "attending"), (8, "referring"), (9, "consulting"), (17, "admitting"))
    found = (_practitioner(pv1, index, role, reading) for index, role in roles)
    return tuple(provider for provider in found if provider is not None)


def _surgeons(segments: dict[str, list[Segment]], reading: Reading) -> Iterator[ProviderRecord]:
    """Give the surgeon of each procedure (PR1-11) as the operating provider of the claim."""
    for procedure in segments.get("PR1", []):
        surgeon = _practitioner(procedure, 11, "operating", reading)
        if surgeon is not None:
            yield surgeon


def _practitioner(segment: Segment, index: int, role: str, reading: Reading) -> ProviderRecord | None:
    """Read an XCN field; the repetition typed NPI gives the NPI."""
    npi = local = last = first = ""
    for n in range(1, segment.repetitions(index) + 1):
        number = segment.name_of(index, 1, n)
        kinds = (segment.name_of(index, 9, n).upper(), segment.name_of(index, 13, n).upper())
        if "NPI" in kinds and re.fullmatch(r"\d{10}", number):
            npi = npi or number
        elif number:
            local = local or number
        last = last or segment.name_of(index, 2, n)
        first = first or segment.name_of(index, 3, n)
    if not (npi or local):
        return None
    return ProviderRecord(
        provider_id=practitioner_id(npi, reading.source, local),
        role=role,
        npi=npi,
        last_name=last,
        first_name=first,
    )


def _coverage(in1: Segment, order: str, certification: str) -> CoverageChange:
    member = in1.name_of(36) or in1.name_of(49)
    payer = in1.name_of(3) or in1.name_of(2)
    position = f"IN1 {order}"
    plan = in1.name_of(15).upper()
    relationship = _RELATIONSHIP.get(in1.name_of(17).upper(), "G8" if in1.name_of(17) else "18")
    subscriber = None
    born = day_of(in1, 18)
    if relationship != "18" and born and in1.name_of(16):
        subscriber = PatientPhi(
            last_name=in1.name_of(16), first_name=in1.name_of(16, 2), birth_date=born, sex="U"
        )
    return CoverageChange(
        order=order,
        payer_id=clean_id(payer, position),
        payer_name=in1.name_of(4),
        member_id=member,
        filing_indicator=plan if re.fullmatch(r"[A-Z0-9]{2}", plan) else "CI",
        relationship=relationship,
        group_number=in1.name_of(8),
        subscriber=subscriber,
        active_from=day_of(in1, 12),
        active_to=day_of(in1, 13),
        authorization=in1.name_of(14) or certification,
    )


def _read_adt(
    segments: dict[str, list[Segment]], reading: Reading, action: Action, progress: Progress | None
) -> EncounterMessage | str:
    if action is Action.MERGE:
        mrg, pv1 = first_segment(segments, "MRG"), first_segment(segments, "PV1")
        prior = (mrg.get(5) or mrg.get(3)) if mrg else ""
        if mrg is None:
            raise MessageRefused("missing-field", "MRG")
        if not prior or not pv1:
            return "merge-without-visit"  # patients are held per encounter; only merged visits change one
        said = _common(segments, reading)
        return EncounterMessage(**said, action=action, merged_external_id=clean_id(prior, "MRG-5"))
    pv1 = first_segment(segments, "PV1")
    if progress is Progress.UNDER_WAY and pv1 is not None and pv1.name_of(2) == "P":
        progress = Progress.PLANNED
    return EncounterMessage(**_common(segments, reading), action=action, progress=progress)


def _read_mdm(
    segments: dict[str, list[Segment]], reading: Reading, action: DocumentAction
) -> EncounterMessage:
    txa = first_segment(segments, "TXA")
    if txa is None:
        raise MessageRefused("missing-field", "TXA")
    said = _common(segments, reading)
    external_id = clean_id(txa.name_of(12, 1) or txa.name_of(12, 3), "TXA-12")
    parent = txa.name_of(13, 1) or txa.name_of(13, 3)
    if action is DocumentAction.CANCEL:
        change = DocumentChange(external_id=external_id, action=action)
        return EncounterMessage(**said, documents=(change,))
    kind = _KIND_BY_TXA.get(txa.name_of(2).upper(), "other")
    if kind == "progress-note" and said.get("setting") is Setting.OFFICE:
        kind = "office-note"
    if action is DocumentAction.ADDENDUM:
        kind = "addendum"
    author = _practitioner(txa, 9, "author", reading)
    change = DocumentChange(
        external_id=external_id,
        kind=kind,
        text=_obx_text(segments.get("OBX", [])),
        action=action,
        replaces=clean_id(parent, "TXA-13") if parent else "",
        title=txa.name_of(16),
        signed=txa.name_of(17).upper() in _SIGNED_STATUS,
        author_id=author.provider_id if author else None,
        written_at=instant_of(txa, 6) or instant_of(txa, 4),
    )
    return EncounterMessage(**said, documents=(change,))


def _obx_text(observations: list[Segment]) -> str:
    """Join the text of TX, FT, ST and base64 text ED observations; one line each."""
    lines: list[str] = []
    for obx in observations:
        kind = obx.name_of(2).upper()
        if kind in ("TX", "FT", "ST", ""):
            repetitions = max(obx.repetitions(5), 1)
            lines.extend(_whole(obx, 5, n) for n in range(1, repetitions + 1))
        elif kind == "ED":
            lines.append(_embedded(obx))
    text = "\n".join(lines)
    if not text.strip():
        raise MessageRefused("document-without-text", "OBX-5")
    return clean_text(text, "OBX-5")


def _whole(obx: Segment, index: int, repetition: int) -> str:
    """Return a text value whole: some feeds leave component separators in a note unescaped."""
    if index >= len(obx.fields) or repetition > len(obx.fields[index]):
        return ""
    return obx.delimiters.decode(str(obx.fields[index][repetition - 1]))


def _embedded(obx: Segment) -> str:
    media = f"{obx.get(5, 2)}/{obx.get(5, 3)}".lower()
    if obx.get(5, 4).lower() != "base64" or not media.startswith(("text/", "tx/", "ft/")):
        raise MessageRefused("document-media-type", f"OBX {obx.number}")
    try:
        return base64.b64decode(obx.get(5, 5), validate=True).decode()
    except (binascii.Error, ValueError):
        raise MessageRefused("document-encoding", f"OBX {obx.number}") from None


def _read_dft(segments: dict[str, list[Segment]], reading: Reading) -> EncounterMessage | str:
    said = _common(segments, reading)
    charges = tuple(_charges(segments.get("FT1", []), reading))
    if not charges:
        return "no-charges"
    surgeons = (_practitioner(pr1, 11, "operating", reading) for pr1 in segments.get("PR1", []))
    operating = tuple(surgeon for surgeon in surgeons if surgeon is not None)[:1]
    said["providers"] = (*said.get("providers", ()), *operating)
    named = {provider.npi for provider in said["providers"]}
    said["providers"] += tuple(_performers(segments.get("FT1", []), reading, named))
    return EncounterMessage(**said, charges=charges)


def _performer(ft1: Segment, reading: Reading) -> ProviderRecord | None:
    """Read FT1-20; only somebody with an NPI and a name can stand on a claim's line."""
    who = _practitioner(ft1, 20, PERFORMING, reading)
    return who if who is not None and who.npi and who.last_name else None


def _performers(lines: list[Segment], reading: Reading, named: set[str]) -> Iterator[ProviderRecord]:
    """Give those who performed a line and have no role in the encounter, each once."""
    for ft1 in lines:
        who = _performer(ft1, reading)
        if who is not None and who.npi not in named:
            named.add(who.npi)
            yield who


def _charges(lines: list[Segment], reading: Reading) -> Iterator[ChargeChange]:
    for number, ft1 in enumerate(lines, start=1):
        kind = ft1.name_of(6).upper()
        if kind not in ("CG", "CR"):
            continue  # payments and adjustments are billing's own facts
        position = f"FT1 {number}"
        served = day_of(ft1, 4)
        if served is None:
            raise MessageRefused("missing-field", f"{position} FT1-4")
        code, revenue = _service(ft1, position)
        units = _units(ft1.name_of(10), position)
        modifiers = tuple(
            ft1.name_of(26, 1, n) for n in range(1, ft1.repetitions(26) + 1) if ft1.name_of(26, 1, n)
        )
        if any(not re.fullmatch(r"[A-Z0-9]{2}", modifier) for modifier in modifiers) or len(modifiers) > 4:
            raise MessageRefused("invalid-value", f"{position} FT1-26")
        external = ft1.name_of(2)
        performer = _performer(ft1, reading)
        yield ChargeChange(
            external_id=clean_id(external, f"{position} FT1-2")
            if external
            else f"{reading.message_id}:{number}",
            code=code,
            cents=_amount(ft1, units, position),
            service_date=served,
            units=units,
            modifiers=modifiers,
            revenue_code=revenue,
            credit=kind == "CR",
            ndc=hl7v2_claim.ndc(ft1),
            rendering_npi=performer.npi if performer else "",
        )


def _service(ft1: Segment, position: str) -> tuple[str, str | None]:
    """Return (CPT or HCPCS code, revenue code) of FT1-7 with its alternate and FT1-25."""
    code, revenue = "", None
    for index, part in ((7, 1), (7, 4), (25, 1), (25, 4)):
        value, system = ft1.name_of(index, part).upper(), ft1.name_of(index, part + 2).upper()
        if system == "NUBC" and re.fullmatch(r"\d{3,4}", value):
            revenue = revenue or value.zfill(4)
        elif value and not code and _HCPCS.fullmatch(value) and (system in _CODE_SYSTEMS or not system):
            code = value
    if not code and not revenue:
        raise MessageRefused("charge-code-unknown", f"{position} FT1-7")
    return code, revenue


def _units(text: str, position: str) -> int:
    if not text:
        return 1
    if not re.fullmatch(r"\d{1,5}(\.0*)?", text) or int(text.split(".")[0]) < 1:
        raise MessageRefused("invalid-value", f"{position} FT1-10")
    return int(text.split(".")[0])


def _amount(ft1: Segment, units: int, position: str) -> int:
    """Return the line total in cents: FT1-11 extended, else FT1-12 times the units."""
    try:
        if ft1.get(11):
            return abs(cents_from_decimal(ft1.get(11)))
        if ft1.get(12):
            return abs(cents_from_decimal(ft1.get(12))) * units
    except ValueError:
        raise MessageRefused("amount-invalid", f"{position} FT1-11") from None
    raise MessageRefused("missing-field", f"{position} FT1-11")


def _read_oru(segments: dict[str, list[Segment]], reading: Reading) -> EncounterMessage | str:
    """Read a report: final or corrected results only, as one document with its order."""
    obr = first_segment(segments, "OBR")
    if obr is None:
        raise MessageRefused("missing-field", "OBR")
    status = obr.name_of(25).upper()
    final = [obx for obx in segments.get("OBX", []) if obx.name_of(11).upper() in ("F", "C")]
    texts = [obx for obx in final if obx.name_of(2).upper() in ("TX", "FT", "ST", "ED")]
    if status not in ("", "F", "C") or not texts:
        return "result-without-final-text"
    said = _common(segments, reading)
    number = obr.name_of(3) or obr.name_of(2)
    imaging = obr.name_of(24).upper() in _IMAGING_SECTIONS
    reader = _practitioner(obr, 32, "rendering", reading)
    orderer = _practitioner(obr, 16, "ordering", reading)
    documents = [
        DocumentChange(
            external_id=f"report:{clean_id(number, 'OBR-3')}",
            kind="imaging-report" if imaging else "lab-report",
            text=_obx_text(texts),
            title=obr.name_of(4, 2),
            author_id=reader.provider_id if reader else None,
            written_at=instant_of(obr, 22),
        )
    ]
    if obr.get(2):
        documents.insert(
            0,
            DocumentChange(
                external_id=f"order:{clean_id(obr.name_of(2), 'OBR-2')}",
                kind="order",
                text=f"Order for {obr.name_of(4, 2) or obr.name_of(4)}",
                title="Order",
                author_id=orderer.provider_id if orderer else None,
                written_at=instant_of(obr, 6),
            ),
        )
    said["providers"] = (*said.get("providers", ()), *(p for p in (reader, orderer) if p is not None))
    return EncounterMessage(**said, documents=tuple(documents))
