"""A claim version in a person's words, from what billing's API says about it."""

from collections.abc import Iterator
from typing import Any

from rcm_shared.money import dollars

_FREQUENCY = {
    "1": "original",
    "2": "interim, first",
    "3": "interim, continuing",
    "4": "interim, last",
    "7": "replacement",
    "8": "void",
}
_ORDER = {"P": "primary", "S": "secondary", "T": "tertiary"}
_FORM = {"837P": "professional", "837I": "institutional"}
_MEASURE = {"MJ": "minute", "DA": "day"}
_SEVERITY = {"R": "must be fixed", "H": "a person has to look", "W": "worth knowing"}
_QUEUE = {
    "biller": "the biller",
    "coder": "the coder",
    "registration": "registration",
    "provider": "the provider",
}


def in_words(claim: dict[str, Any]) -> Iterator[str]:
    """Give the lines that tell where a claim stands, what it bills and what happened to it."""
    frequency = _FREQUENCY.get(claim["frequency"], claim["frequency"])
    yield (
        f"Claim {claim['claim_control']}, version {claim['version']} ({frequency}), "
        f"{_FORM.get(claim['form'], claim['form'])}, to {claim['payer_id']} "
        f"as {_ORDER.get(claim['order'], claim['order'])} payer"
    )
    waits = f"; it waits for {_QUEUE.get(claim['owner_queue'], claim['owner_queue'])}"
    yield f"It is {_plain(claim['state'])}{waits if claim['owner_queue'] else ''}."
    if claim["payer_control"]:
        yield f"The payer calls it {claim['payer_control']}."
    yield f"Service {_span(claim)}, charge {dollars(claim['charge_cents'])}."
    yield from _codes(claim)
    yield from _lines(claim)
    yield from _before(claim)
    yield from _hits(claim)
    yield from _attempts(claim)
    yield ""
    yield (
        f"Of the encounter's {dollars(claim['charged_cents'])}: paid {dollars(claim['paid_cents'])}, "
        f"adjusted {dollars(claim['adjusted_cents'])}, patient owes {dollars(claim['patient_cents'])}, "
        f"insurance owes {dollars(claim['balance_cents'])}."
    )
    if claim["waiting_for"]:
        yield f"What has to happen next: {_plain(claim['waiting_for'])}."
    else:
        yield "Nothing has to happen any more."


def _plain(word: str) -> str:
    return word.replace("_", " ")


def _span(claim: dict[str, Any]) -> str:
    first, last = claim["service_from"], claim["service_through"]
    return f"on {first}" if first == last else f"from {first} to {last}"


def _codes(claim: dict[str, Any]) -> Iterator[str]:
    yield ""
    yield "Diagnoses"
    for number, one in enumerate(claim["diagnoses"], 1):
        present = f", present on admission {one['poa']}" if one["poa"] else ""
        yield f"  {number:2}  {one['code']:8} {one['role']}{present}"
    if claim["procedures"]:
        yield f"  procedures {', '.join(claim['procedures'])}"
    if claim["drg"]:
        yield f"  DRG {claim['drg']}"


def _lines(claim: dict[str, Any]) -> Iterator[str]:
    yield ""
    yield "Lines"
    for line in claim["lines"]:
        service = "-".join([line["code"] or line["revenue_code"], *line["modifiers"]])
        pointed = f", for diagnosis {', '.join(map(str, line['pointers']))}" if line["pointers"] else ""
        measure = _MEASURE.get(line["basis"], "unit") + ("s" if line["units"] != 1 else "")
        drug = f", drug {line['ndc']} {line['ndc_quantity']}" if line["ndc"] else ""
        yield (
            f"  {line['number']:2}  {service:18} {line['units']} {measure} on {line['service_date']}, "
            f"{dollars(line['charge_cents'])}{pointed}{drug}"
        )


def _before(claim: dict[str, Any]) -> Iterator[str]:
    for prior in claim["prior_payers"]:
        yield (
            f"Before it {prior['payer_id']} ({_ORDER.get(prior['order'], prior['order'])}) "
            f"paid {dollars(prior['paid_cents'])} on {prior['adjudicated_on']}, "
            f"left {dollars(prior['remaining_cents'])}."
        )


def _hits(claim: dict[str, Any]) -> Iterator[str]:
    if claim["hits"]:
        yield ""
        yield "Edits"
    for hit in claim["hits"]:
        said = _SEVERITY.get(hit["severity"], hit["severity"])
        yield f"  {hit['rule_id']:8} at {hit['where']}: {said}. {hit['fix']} ({hit['owner']})"
    if claim["not_evaluated"]:
        yield f"Not evaluated, because a table is missing: {', '.join(claim['not_evaluated'])}"


def _attempts(claim: dict[str, Any]) -> Iterator[str]:
    yield ""
    if not claim["attempts"]:
        yield "It was never sent."
        return
    yield "Sent"
    for attempt in claim["attempts"]:
        heard = ", ".join(attempt["acknowledgements"]) or "nothing came back"
        yield f"  in interchange {attempt['interchange_control']}: {_plain(attempt['state'])}; {heard}"
