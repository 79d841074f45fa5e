"""Values of FHIR R4 resources as the domain takes them: short texts, days, instants, practitioners."""

import re
from collections.abc import Iterable
from datetime import UTC, date, datetime

from rcm_shared.contracts.records import ProviderRecord

from rcm_intake.domain.errors import MessageRefused
from rcm_intake.gateways.fhir_models import (
    EncounterR4,
    HumanName,
    Practitioner,
    Reference,
    Resources,
)
from rcm_intake.gateways.reading import practitioner_id, refuse_controls

NPI_SYSTEM = "http://hl7.org/fhir/sid/us-npi"
_TAXONOMY = "http://nucc.org/provider-taxonomy"


def short(value: str, position: str) -> str:
    """Return a name or a code without blanks around it.

    Raises: MessageRefused for control characters, line feeds and too long a text.
    """
    value = value.strip()
    refuse_controls(value, position)
    if "\n" in value or len(value) > 250:
        raise MessageRefused("invalid-value", position)
    return value


def opaque(practitioner: Practitioner, source: str) -> tuple[str, str]:
    """Return (opaque id, NPI) of a practitioner."""
    npi = next((i.value for i in practitioner.identifier if i.system == NPI_SYSTEM), "")
    npi = npi if re.fullmatch(r"\d{10}", npi) else ""
    local = next((i.value for i in practitioner.identifier if i.value), "") or practitioner.id
    return practitioner_id(npi, source, local), npi


def provider(practitioner: Practitioner, role: str, source: str) -> ProviderRecord:
    """Return a practitioner in a role of the encounter."""
    identity, npi = opaque(practitioner, source)
    name = practitioner.name[0] if practitioner.name else HumanName()
    codes = (code for q in practitioner.qualification for code in q.code.codes(_TAXONOMY))
    return ProviderRecord(
        provider_id=identity,
        role=role,
        npi=npi,
        last_name=short(name.family, "Practitioner.name"),
        first_name=short(name.given[0] if name.given else "", "Practitioner.name"),
        taxonomy=short(next(codes, ""), "Practitioner.qualification"),
    )


def belongs(references: Iterable[Reference], names: tuple[str, ...], resources: Resources) -> bool:
    """Tell whether a resource belongs to the encounter; without a reference only a lone encounter owns it."""
    targets = [reference.reference for reference in references if reference.reference]
    if targets:
        return any(target in names for target in targets)
    return len(resources.all(EncounterR4, "Encounter")) == 1


_DATE_TIME = re.compile(r"\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}:\d{2}))?")


def day(text: str, position: str) -> date | None:
    """Return the calendar day as written."""
    if not text:
        return None
    try:
        if not _DATE_TIME.fullmatch(text):
            raise ValueError
        return date.fromisoformat(text[:10])
    except ValueError:
        raise MessageRefused("invalid-date", position) from None


def whole_day(text: str) -> date | None:
    """Return the calendar day of a complete date; a year or a month alone names none."""
    try:
        return day(text, "")
    except MessageRefused:
        return None


def instant(text: str, position: str) -> datetime | None:
    """Return an instant in UTC; a bare day counts as its midnight UTC."""
    if not text:
        return None
    try:
        if not _DATE_TIME.fullmatch(text):
            raise ValueError
        parsed = datetime.fromisoformat(text)
    except ValueError:
        raise MessageRefused("invalid-date", position) from None
    return parsed.replace(tzinfo=UTC) if parsed.tzinfo is None else parsed.astimezone(UTC)
