"""Appeals: draft with a letter, file, hand over to the payer, take in what the payer writes back."""

import asyncio
import hashlib
import json
from dataclasses import dataclass
from datetime import date
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from rcm_shared.auth import Principal
from rcm_shared.contracts.billing import AppealFiled
from rcm_shared.contracts.event import Event
from rcm_shared.errors import NotFound, Refused
from rcm_shared.ids import uuid7
from rcm_shared.messaging.uow import UnitOfWork

from rcm_billing import repository
from rcm_billing.domain import denial_work
from rcm_billing.domain.account import Account, Claim, Denial
from rcm_billing.domain.denial import DenialState
from rcm_billing.domain.denial_attribution import denied_line
from rcm_billing.domain.denial_cases import answer_appeal
from rcm_billing.domain.denial_clock import levels_of, payer_of
from rcm_billing.domain.denial_letter_fields import letter_fields
from rcm_billing.domain.denial_letters import SHIPPED, LetterRefused, LetterTemplate, choose, render
from rcm_billing.domain.denial_work import Order, appealable
from rcm_billing.domain.document import ClaimDocument
from rcm_billing.domain.master import AppealLevel
from rcm_billing.gateways.letter_pdf import render_pdf
from rcm_billing.handlers.contents import word
from rcm_billing.handlers.denial_triage import follow
from rcm_billing.handlers.denying import Wish, case_of, keep
from rcm_billing.handlers.deps import Deps
from rcm_billing.handlers.proving import prove, zipped
from rcm_billing.handlers.submitting import Begin, channel_of
from rcm_billing.repository import Unmatched, appeals
from rcm_billing.repository.appeals import StoredTemplate

PROOF = "proof-of-timely-filing.zip"
TIMELY_FILING = "timely-filing"


@dataclass(frozen=True, slots=True)
class Attachment:
    """One thing that goes with an appeal: a document of the record by its id, what it is, its name in the letter."""

    kind: str
    label: str
    document_id: UUID | None = None
    sha256: str = ""

    def listed(self) -> dict[str, str]:
        """Return it as the payer reads it."""
        listed = {"kind": self.kind, "label": self.label}
        if self.document_id is not None:
            listed["document_id"] = str(self.document_id)
        if self.sha256:
            listed["sha256"] = self.sha256
        return listed


@dataclass(frozen=True, slots=True)
class Letter:
    """What the person wants in the letter; without a template the narrowest fitting one is used."""

    argument: str = ""
    template: str | None = None
    attachments: tuple[Attachment, ...] = ()


async def draft_appeal(
    deps: Deps, uow: UnitOfWork, wish: Wish, who: Principal, letter: Letter
) -> tuple[Account, UUID]:
    """Draft the next level of appeal with its letter; drafting again takes the place of the former draft."""
    account, case = await case_of(uow, wish.denial_id, who, wish.seen)
    levels = levels_of(deps.master.payers.get(payer_of(account, case)))
    order = Order(who.subject, uow.now, wish.reason)
    if case.state is DenialState.APPEAL_DRAFTED:
        level = appealable(case, levels, uow.now)
        events: tuple[Event, ...] = ()
    else:
        step = denial_work.draft(account, case, order)
        level = appealable(case, levels, uow.now)
        account, events = step.account, step.events
    appeal_id = await _write(deps, uow, account, case, level, letter, who)
    return await keep(deps, uow, account, events), appeal_id


async def _write(
    deps: Deps,
    uow: UnitOfWork,
    account: Account,
    case: Denial,
    level: AppealLevel,
    letter: Letter,
    who: Principal,
) -> UUID:
    claim = account.claim(case.claim_id)
    stored = (await repository.get_documents(uow.conn, [case.claim_id])).get(case.claim_id)
    if claim is None or stored is None:
        raise NotFound("claim")
    document = ClaimDocument.model_validate_json(stored)
    appeal_id = uuid7()
    attachments = list(letter.attachments)
    proof = await _proof(uow, case)
    if proof is not None:
        attachments.append(
            Attachment("proof", "Proof of timely filing", sha256=hashlib.sha256(proof).hexdigest())
        )
    template = await _template(uow, account, case, letter.template)
    decided = await repository.list_decisions(uow.conn, [case.claim_id])
    paid = [one.paid for one in decided if one.payer_order == case.order]
    line = denied_line(document, paid[-1] if paid else None, case.line)
    codes = [diagnosis.code for diagnosis in document.diagnoses]
    pointed = [codes[at - 1] for at in line.pointers if 0 < at <= len(codes)] if line else []
    fields = letter_fields(
        document,
        case,
        deps.master,
        level,
        payer_control=claim.payer_control,
        code=line.code if line else "",
        modifiers=line.modifiers if line else (),
        diagnoses=pointed or codes,
        argument=letter.argument.strip(),
        enclosed=[one.label for one in attachments],
        today=uow.now.date(),
    )
    try:
        text = render(template, fields)
    except LetterRefused as error:
        raise Refused("letter-refused", f"the letter cannot be written: {error.code}", status=422) from None
    pdf = await asyncio.to_thread(render_pdf, text, f"Appeal {appeal_id}")
    await appeals.insert_draft(
        uow.conn,
        appeals.Draft(
            appeal_id,
            case.denial_id,
            account.encounter_id,
            account.facility_id,
            case.claim_id,
            case.level + 1,
            template.name,
            template.version,
            text,
            pdf,
            hashlib.sha256(pdf).digest(),
            [one.listed() for one in attachments],
            who.subject,
            uow.now,
        ),
    )
    if proof is not None:
        await appeals.insert_enclosure(uow.conn, appeal_id, PROOF, proof)
    uow.record_access(encounter_id=account.encounter_id, subject=who.subject, purpose="appeal", what="letter")
    return appeal_id


async def _proof(uow: UnitOfWork, case: Denial) -> bytes | None:
    """Return the packet that shows when the claim was filed, for a denial that says it was filed late."""
    if case.category != TIMELY_FILING:
        return None
    packet = await prove(uow.conn, case.claim_id)
    return zipped(packet) if packet else None


async def _template(uow: UnitOfWork, account: Account, case: Denial, name: str | None) -> LetterTemplate:
    stored = [_from_stored(one) for one in await appeals.list_templates(uow.conn) if not one.retired]
    known = {
        one.name: one for one in (*SHIPPED, *stored)
    }  # the operator's own stands for a shipped one of its name
    if name is not None:
        if name not in known:
            raise NotFound("template")
        return known[name]
    return choose(
        known.values(), payer_id=payer_of(account, case), category=case.category, level=case.level + 1
    )


def _from_stored(stored: StoredTemplate) -> LetterTemplate:
    return LetterTemplate(
        stored.name,
        stored.version,
        stored.subject,
        stored.body,
        stored.payer_id,
        stored.category,
        stored.level,
    )


async def withdraw_draft(deps: Deps, uow: UnitOfWork, wish: Wish, who: Principal) -> Account:
    """Put a drafted appeal away and go on with the case."""
    account, case = await case_of(uow, wish.denial_id, who, wish.seen)
    if case.state is not DenialState.APPEAL_DRAFTED:
        raise Refused("denial-step-illegal", f"a denial that is {case.state} has no drafted appeal")
    await appeals.withdraw_draft(uow.conn, wish.denial_id)
    order = Order(who.subject, uow.now, wish.reason)
    step = denial_work.take(account, case, order, case.assignee or who.subject, take_over=True)
    return await keep(deps, uow, step.account, step.events)


async def file_appeal(deps: Deps, uow: UnitOfWork, wish: Wish, who: Principal) -> Account:
    """File the next level of appeal while the payer's clock still runs; without a draft one is written first."""
    account, case = await case_of(uow, wish.denial_id, who, wish.seen)
    if case.state is not DenialState.APPEAL_DRAFTED:
        await draft_appeal(deps, uow, wish, who, Letter())
        account, case = await case_of(uow, wish.denial_id, who)
    level = appealable(case, levels_of(deps.master.payers.get(payer_of(account, case))), uow.now)
    drafted = await appeals.find_drafted(uow.conn, case.denial_id)
    claim = account.claim(case.claim_id)
    if drafted is None or claim is None:
        raise Refused("denial-not-appealable", "there is no draft of this appeal")
    step = denial_work.submit(account, case, Order(who.subject, uow.now, wish.reason))
    filed = AppealFiled(
        actor=who.subject,
        facility_id=account.facility_id,
        claim_id=claim.claim_id,
        denial_id=case.denial_id,
        level=case.level + 1,
        deadline_at=case.deadline_at,
    )
    body = _filed(case, claim, drafted, level, payer_of(account, case), wish.reason, uow.now.date())
    await appeals.file_appeal(
        uow.conn, drafted["appeal_id"], body=body, filed_by=who.subject, filed_at=uow.now
    )
    return await keep(deps, uow, step.account, (*step.events, filed))


def _filed(
    case: Denial, claim: Claim, drafted: Any, level: AppealLevel, payer_id: str, reason: str, today: date
) -> dict[str, Any]:
    return {
        "claim_control": claim.claim_control,
        "payer_control": claim.payer_control,
        "payer_id": payer_id,
        "level": case.level + 1,
        "level_name": level.name,
        "group": case.group,
        "carc": case.carc,
        "denied_cents": case.cents,
        "reason_code": reason,
        "filed_on": today.isoformat(),
        "letter": {"name": f"{drafted['appeal_id']}.appeal.pdf", "sha256": drafted["sha256"]},
        "attachments": json.loads(drafted["attachments"]),
    }


async def send_appeals(deps: Deps) -> int:
    """Hand over appeals that were filed: letter and enclosures first, so that the appeal never waits for them."""
    rows = await appeals.list_filed(deps.pool)
    for row in rows:
        appeal_id = row["appeal_id"]
        channel = channel_of(deps, row["payer_id"] or "")
        for name, body in await appeals.list_enclosures(deps.pool, appeal_id):
            await deps.exchange.send(f"{appeal_id}.{name}", body, channel)
        if row["letter_pdf"] is not None:
            await deps.exchange.send(f"{appeal_id}.appeal.pdf", bytes(row["letter_pdf"]), channel)
        await deps.exchange.send(f"{appeal_id}.appeal.json", row["body"].encode(), channel)
        await appeals.mark_sent(deps.pool, appeal_id)
    return len(rows)


# --- what the payer writes back --------------------------------------------------------------------------

APPEAL_ANSWERS = ".appeal-answer.json"


class AppealAnswer(BaseModel):
    """A payer's letter about an appeal; money follows in an 835, a denial that stands brings none."""

    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)

    claim_control: Annotated[str, Field(min_length=1, max_length=38)]
    payer_control: Annotated[str, Field(max_length=50)] = ""
    level: Annotated[int, Field(ge=1, le=9)] = 1
    outcome: Literal["upheld", "partly-overturned", "overturned"]


async def take_answer(deps: Deps, begin: Begin, data: bytes) -> None:
    """Apply a payer's letter about an appeal: upheld moves the case, an overturn waits for its payment."""
    digest = repository.digest_of(data)
    try:
        answer = AppealAnswer.model_validate_json(data)
    except ValidationError:
        await _put_aside(begin, digest, "appeal-answer-unreadable", "")
        return
    async with begin() as uow:
        found = await repository.find_claims(uow.conn, [answer.claim_control], [])
        known = found[0].get(answer.claim_control)
        accounts = await repository.load_accounts(uow.conn, [known[1]]) if known else {}
        account = accounts.get(known[1]) if known else None
        claim = account.claim(known[0]) if known and account else None
        noted = 0
        if claim is not None and account is not None:
            noted = await appeals.note_answer(
                uow.conn,
                claim.claim_id,
                level=answer.level,
                outcome=answer.outcome,
                answered_at=uow.now,
            )
        if not noted or account is None or claim is None:
            reference = word(answer.claim_control)
            await repository.insert_unmatched(
                uow.conn, [Unmatched(uuid7(), digest, "appeal-answer", 1, "unknown-appeal", reference)]
            )
        elif answer.outcome == "upheld":
            await uow.follow([account.encounter_id])
            account, events = answer_appeal(
                account, claim, level=answer.level, now=uow.now, reason="payer-letter"
            )
            for event in events:
                uow.emit(account.encounter_id, event)
            account = follow(deps.master.payers, uow, account)
            await repository.save_accounts(uow.conn, {account.encounter_id: account})
        await repository.mark_inbound(uow.conn, digest, "applied")


async def _put_aside(begin: Begin, digest: bytes, reason: str, reference: str) -> None:
    async with begin() as uow:
        await repository.insert_unmatched(
            uow.conn, [Unmatched(uuid7(), digest, "appeal-answer", 1, reason, reference)]
        )
        await repository.mark_inbound(uow.conn, digest, "unreadable")
