"""The loops that both 837 guides share: subscriber, payer, patient, other payers, providers; and a claim's
wire form.
"""

from dataclasses import dataclass

from rcm_shared.contracts.intake import ClaimForm
from rcm_shared.contracts.records import Address, PatientPhi, ProviderRecord

from rcm_billing.domain.document import Adjustment, ClaimDocument, PriorPayer
from rcm_billing.x12.segment import amount, composite, day, identifier, segment, text

SELF = "18"


@dataclass(frozen=True, slots=True)
class ClaimWire:
    """One claim as segments, but for its HL segments, whose numbers depend on its place in the batch."""

    subscriber: str  # loops 2000B on, after HL; with loop 2300 when the patient is the subscriber
    dependent: str = ""  # loops 2000C on, after HL

    def subscriber_loop(self, level: int) -> str:
        """Return loop 2000B under the billing provider (level 1)."""
        return segment("HL", str(level), "1", "22", "1" if self.dependent else "0") + self.subscriber

    def dependent_loop(self, level: int, parent: int) -> str:
        """Return loop 2000C under its subscriber."""
        return segment("HL", str(level), str(parent), "23", "0") + self.dependent


def wire(claim: ClaimDocument, claim_loop: str) -> ClaimWire:
    """Put loop 2300 (already written) below the subscriber, or below the dependent when there is one."""
    coverage = claim.coverage
    own = coverage.relationship == SELF
    subscriber = coverage.subscriber if not own and coverage.subscriber else claim.patient
    parts = [
        segment(
            "SBR",
            coverage.order,
            SELF if own else "",
            identifier(coverage.group_number, "SBR03", 50),
            "",
            "",
            "",
            "",
            "",
            identifier(coverage.filing_indicator, "SBR09", 2),
        ),
        person("IL", subscriber, identifier(coverage.member_id, "NM109")),
    ]
    if own:
        parts += [address(subscriber.address), demographics(subscriber)]
    parts.append(
        segment(
            "NM1",
            "PR",
            "2",
            text(coverage.payer_name),
            "",
            "",
            "",
            "",
            "PI",
            identifier(coverage.payer_id, "NM109"),
        )
    )
    if own:
        return ClaimWire("".join(parts) + claim_loop)
    patient = [
        segment("PAT", identifier(coverage.relationship, "PAT01", 2)),
        person("QC", claim.patient, ""),
        address(claim.patient.address),
        demographics(claim.patient),
        claim_loop,
    ]
    return ClaimWire("".join(parts), "".join(patient))


def person(role: str, who: PatientPhi, member_id: str) -> str:
    """Write NM1 of a person."""
    return segment(
        "NM1",
        role,
        "1",
        text(who.last_name),
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
    return segment("N3", text(where.line, 55)) + segment(
        "N4",
        text(where.city, 30),
        identifier(where.state, "N402", 2),
        identifier(where.postal_code.replace("-", ""), "N403", 15),
    )


def demographics(who: PatientPhi) -> str:
    """Write DMG."""
    return segment("DMG", "D8", day(who.birth_date), who.sex)


def provider(role: str, who: ProviderRecord, taxonomy: str = "") -> str:
    """Write NM1 of a provider, with PRV when a taxonomy qualifier is asked for."""
    name = segment(
        "NM1",
        role,
        "1",
        text(who.last_name),
        text(who.first_name, 35),
        "",
        "",
        "",
        "XX",
        identifier(who.npi, "NM109", 10),
    )
    if taxonomy and who.taxonomy:
        name += segment("PRV", taxonomy, "PXC", identifier(who.taxonomy, "PRV03", 10))
    return name


def references(claim: ClaimDocument) -> str:
    """Write the claim's REF segments: prior authorisation (G1) and the payer's control number (F8)."""
    parts = ""
    if claim.coverage.authorization:
        parts += segment("REF", "G1", identifier(claim.coverage.authorization, "REF02", 50))
    if claim.original_reference:
        parts += segment("REF", "F8", identifier(claim.original_reference, "REF02", 50))
    return parts


def adjustments(found: tuple[Adjustment, ...]) -> str:
    """Write CAS segments, one per group, at most six reasons each; a seventh starts another.

    Wire: CAS*PR*1*10**2*5~
    """
    groups: dict[str, list[Adjustment]] = {}
    for adjustment in found:
        groups.setdefault(adjustment.group, []).append(adjustment)
    parts = []
    for group, members in groups.items():
        for start in range(0, len(members), 6):
            elements: list[str] = []
            for adjustment in members[start : start + 6]:
                elements += [identifier(adjustment.code, "CAS02", 5), amount(adjustment.cents), ""]
            parts.append(segment("CAS", identifier(group, "CAS01", 2), *elements))
    return "".join(parts)


def prior_payer(claim: ClaimDocument, prior: PriorPayer) -> str:
    """Write loops 2320, 2330A and 2330B of a payer that decided before."""
    coverage = prior.coverage
    own = coverage.relationship == SELF
    subscriber = coverage.subscriber if not own and coverage.subscriber else claim.patient
    return "".join(
        (
            segment(
                "SBR",
                coverage.order,
                identifier(coverage.relationship, "SBR02", 2),
                identifier(coverage.group_number, "SBR03", 50),
                "",
                "",
                "",
                "",
                "",
                identifier(coverage.filing_indicator, "SBR09", 2),
            ),
            adjustments(prior.adjustments),
            segment("AMT", "D", amount(prior.paid_cents)),
            segment("AMT", "EAF", amount(prior.remaining_cents)),
            segment("OI", "", "", "Y", "", "", "Y"),
            person("IL", subscriber, identifier(coverage.member_id, "NM109")),
            address(subscriber.address),
            segment(
                "NM1",
                "PR",
                "2",
                text(coverage.payer_name),
                "",
                "",
                "",
                "",
                "PI",
                identifier(coverage.payer_id, "NM109"),
            ),
            segment("DTP", "573", "D8", day(prior.adjudicated_on)) if not prior.lines else "",
            segment("REF", "F8", identifier(prior.payer_control, "REF02", 50)) if prior.payer_control else "",
        )
    )


def prior_lines(claim: ClaimDocument, number: int) -> str:
    """Write loop 2430 of one service line for every prior payer that decided on it."""
    parts = []
    institutional = claim.form is ClaimForm.INSTITUTIONAL
    for prior in claim.prior_payers:
        for line in prior.lines:
            if line.line_number != number:
                continue
            procedure = ""
            if line.code:
                procedure = composite("HC", identifier(line.code, "SVD03", 48), *line.modifiers)
            parts += [
                segment(
                    "SVD",
                    identifier(prior.coverage.payer_id, "SVD01"),
                    amount(line.paid_cents),
                    procedure,
                    identifier(line.revenue_code, "SVD04", 4) if institutional else "",
                    str(line.units),
                ),
                adjustments(line.adjustments),
                segment("DTP", "573", "D8", day(prior.adjudicated_on)),
            ]
    return "".join(parts)
