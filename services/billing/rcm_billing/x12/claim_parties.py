"""Who stands on a claim: people, providers, places and payers, as both 837 guides write them."""

from rcm_shared.contracts.records import (
    Address,
    CoverageRecord,
    PatientPhi,
    ProviderRecord,
    ServiceFacilityRecord,
)

from rcm_billing.x12.segment import day, identifier, name, segment, text


def person(role: str, who: PatientPhi, member_id: str) -> str:
    """Write NM1 of a person."""
    return segment(
        "NM1",
        role,
        "1",
        name(who.last_name, "NM103"),
        text(who.first_name, 35),
        text(who.middle_name, 25),
        "",
        "",
        "MI" if member_id else "",
        member_id,
    )


def address(where: Address | None) -> str:
    """Write N3 and N4; nothing for no address."""
    if where is None:
        return ""
    return segment("N3", name(where.line, "N301", 55)) + segment(
        "N4",
        name(where.city, "N401", 30),
        identifier(where.state, "N402", 2),
        identifier(where.postal_code.replace("-", ""), "N403", 15),
    )


def demographics(who: PatientPhi) -> str:
    """Write DMG."""
    return segment("DMG", "D8", day(who.birth_date), identifier(who.sex, "DMG03", 1))


def payer(coverage: CoverageRecord) -> str:
    """Write NM1 of a payer."""
    return segment(
        "NM1",
        "PR",
        "2",
        name(coverage.payer_name, "NM103"),
        "",
        "",
        "",
        "",
        "PI",
        identifier(coverage.payer_id, "NM109"),
    )


def provider(role: str, who: ProviderRecord, taxonomy: str = "") -> str:
    """Write NM1 of a provider, with PRV when a taxonomy qualifier is asked for."""
    npi = identifier(who.npi, "NM109", 10)
    written = segment(
        "NM1",
        role,
        "1",
        name(who.last_name, "NM103"),
        text(who.first_name, 35),
        "",
        "",
        "",
        "XX" if npi else "",
        npi,
    )
    if taxonomy and who.taxonomy:
        written += segment("PRV", taxonomy, "PXC", identifier(who.taxonomy, "PRV03", 10))
    return written


def service_facility(where: ServiceFacilityRecord | None, billing_npi: str, billing: Address) -> str:
    """Write the place of service (2310C of an 837P, 2310E of an 837I), when it is not the billing address."""
    if where is None or (where.address == billing and where.npi in ("", billing_npi)):
        return ""
    npi = identifier(where.npi, "NM109", 10)
    head = segment("NM1", "77", "2", name(where.name, "NM103"), "", "", "", "", "XX" if npi else "", npi)
    return head + address(where.address)
