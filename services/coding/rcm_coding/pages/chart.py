"""The page of one chart, and the one form target behind everything a coder does there."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from pydantic import ValidationError
from rcm_shared.auth import Principal, Role, allow
from rcm_shared.contracts.records import DocumentText
from rcm_shared.errors import NotFound, Poison, Refused, Transient
from rcm_shared.runtime import Runtime
from rcm_shared.web.app import runtime_of
from rcm_shared.web.pages import page

from rcm_coding.api.cases import finalising, grouping_of, starting, validating
from rcm_coding.api.deps import CODERS, Deps, deps_of
from rcm_coding.api.prebill import passing
from rcm_coding.api.shapes import (
    CommentIn,
    DecisionsIn,
    FinaliseIn,
    HoldIn,
    OpinionIn,
    QueryIn,
    ReasonIn,
    additions_of,
    case_out,
    decisions_of,
)
from rcm_coding.domain.case import CaseState, Choice, CodeAssignment, CodingCase
from rcm_coding.domain.edits import Severity
from rcm_coding.domain.worklist import OPEN_STATES, value_cents
from rcm_coding.handlers import charts, commands, handling, prebill
from rcm_coding.handlers.charts import Act, Command
from rcm_coding.handlers.lookup import FoundCode, find_codes
from rcm_coding.pages.highlight import MAX_SHOWN, Cited, Stretch, find_quote, stretches, visible
from rcm_coding.repository import history

router = APIRouter()

Coder = Annotated[Principal, Depends(allow(*CODERS))]
Texts = dict[tuple[UUID, int], DocumentText]
MAX_FIELD = 5000


@dataclass(frozen=True, slots=True)
class ShownDocument:
    """One document as the page shows it."""

    number: int
    kind: str
    version: int
    document_id: UUID
    signed: bool
    stretches: list[Stretch]
    cut: bool


@dataclass(frozen=True, slots=True)
class ShownCode:
    """One code with its number on the page and the words that it cites."""

    number: int
    item: CodeAssignment
    quotes: list[tuple[str, str, str]]  # (words, section, where on the page)


@dataclass(frozen=True, slots=True)
class Said:
    """What one post says back: a problem, or the encoder's answer."""

    problem: str = ""
    words: str = ""
    found: list[FoundCode] | None = None
    status: int = 200


@router.get("/worklist/charts/{encounter_id}")
async def show_chart(
    encounter_id: UUID, request: Request, who: Coder, runtime: Annotated[Runtime, Depends(runtime_of)]
) -> HTMLResponse:
    """Show one chart: its documents with the cited words marked, beside its codes and the encoder."""
    return await _show(request, runtime, who, encounter_id, Said())


@router.post("/worklist/charts/{encounter_id}")
async def act_on_chart(
    encounter_id: UUID, request: Request, who: Coder, runtime: Annotated[Runtime, Depends(runtime_of)]
) -> Response:
    """Do what a form of the page asks; a refused one comes back with the reason and nothing changed."""
    form = {
        name: value
        for name, value in (await request.form()).items()
        if isinstance(value, str) and 0 < len(value) <= MAX_FIELD
    }
    action = form.get("action", "")
    if action == "search":
        return await _search(request, runtime, who, encounter_id, form.get("words", ""))
    try:
        await _do(request, runtime, who, encounter_id, action, form)
    except NotFound:
        raise
    except Refused as refusal:
        return await _show(
            request, runtime, who, encounter_id, Said(problem=str(refusal), status=refusal.status)
        )
    except ValidationError as fault:
        fields = ", ".join(sorted({str(error["loc"][-1]) for error in fault.errors() if error["loc"]}))
        said = Said(problem=f"this is not complete or not in the form that is asked: {fields}", status=422)
        return await _show(request, runtime, who, encounter_id, said)
    after = {
        "accept": "#codes",
        "override": "#codes",
        "reject": "#codes",
        "add": "#codes",
        "validate": "#edits",
    }
    return RedirectResponse(f"/worklist/charts/{encounter_id}{after.get(action, '')}", status_code=303)


async def _do(
    request: Request, runtime: Runtime, who: Principal, key: UUID, action: str, form: Mapping[str, str]
) -> None:
    deps, me = deps_of(request), who.subject
    words: tuple[str, str] | None = None
    reason: str | None = None
    act: Act
    if action == "start":
        act = starting(who)
    elif action == "return":
        act = lambda case, _: commands.give_back(case, me)  # noqa: E731
    elif action == "hold":
        hold = HoldIn(reason=form.get("reason", ""), owner=form.get("owner"))
        reason = hold.reason
        act = lambda case, _: commands.hold(case, me, hold.reason, hold.owner)  # noqa: E731
    elif action == "reopen":
        reason = ReasonIn(reason=form.get("reason", "")).reason
        act = lambda case, _: handling.reopen(case, me, lead=charts.is_lead(who))  # noqa: E731
    elif action in ("accept", "override", "reject", "add"):
        body = await _decision(runtime, who, deps, key, action, form)
        decisions, additions = decisions_of(body), additions_of(body)
        act = lambda case, _: commands.decide(case, me, decisions, additions, deps.code_sets())  # noqa: E731
    elif action == "query":
        asked = QueryIn.model_validate({"gap_id": form.get("gap_id")})
        act = lambda case, _: commands.request_query(case, me, asked.gap_id, asked.provider_id)  # noqa: E731
    elif action == "validate":
        act = validating(deps, await grouping_of(runtime, who, key, deps, required=False))
    elif action == "finalise":
        override = FinaliseIn(override_reason=form.get("reason")).override_reason
        act = finalising(who, deps, await grouping_of(runtime, who, key, deps), override)
        reason = override
    elif action == "qa-pass":
        _leads_only(who)
        act = passing(me, deps, await grouping_of(runtime, who, key, deps))
    elif action == "qa-return":
        _leads_only(who)
        reason = ReasonIn(reason=form.get("reason", "")).reason
        act = lambda case, _: prebill.return_check(case, me)  # noqa: E731
    elif action == "ask-opinion":
        question = OpinionIn(body=form.get("words", ""), colleague=form.get("colleague"))
        words = ("question", question.body)
        act = lambda case, now: handling.ask_opinion(case, me, question.colleague, now.now)  # noqa: E731
    elif action == "give-opinion":
        words = ("opinion", CommentIn(body=form.get("words", "")).body)
        act = lambda case, _: handling.give_opinion(case, me)  # noqa: E731
    elif action == "withdraw-opinion":
        words = ("withdrawn", CommentIn(body=form.get("words", "withdrawn")).body)
        act = lambda case, _: handling.withdraw_opinion(case, me)  # noqa: E731
    else:
        raise Refused("unknown-action", "this page knows no such action", status=400)
    version = form.get("version", "")
    command = Command(
        action="decide" if action in ("accept", "override", "reject", "add") else action,
        act=act,
        expected=int(version) if version.isdecimal() else None,
        reason=reason,
        for_coder=me if action in ("start", "finalise") else None,
        quiet=action == "validate",
        judges=action in ("validate", "finalise", "qa-pass"),
    )
    async with runtime.transaction(me) as uow:
        after = await charts.change(uow, who, key, command)
        if words:
            await charts.say(uow, who, after, *words)


def _leads_only(who: Principal) -> None:
    if not charts.is_lead(who):
        raise Refused("not-allowed", "only an auditor or administrator checks a coded chart", status=403)


async def _decision(
    runtime: Runtime, who: Principal, deps: Deps, key: UUID, action: str, form: Mapping[str, str]
) -> DecisionsIn:
    """Turn a form into the same body that the API takes; quoted words become a place in the record."""
    modifiers = tuple(form.get("modifiers", "").upper().replace(",", " ").split())
    if action != "add":
        one: dict[str, Any] = {"suggestion_id": form.get("suggestion_id"), "action": action}
        one |= {name: form[name] for name in ("code", "reason", "role", "poa") if name in form}
        if "modifiers" in form:
            one["modifiers"] = modifiers
        return DecisionsIn.model_validate({"decisions": (one,)})
    added: dict[str, Any] = {name: form[name] for name in ("reason", "role", "poa") if name in form}
    added["system"], _, added["code"] = (form.get("picked") or "").partition("|")
    if form.get("code"):
        added["system"], added["code"] = form.get("system", ""), form["code"].strip()
    added["modifiers"] = modifiers
    if form.get("units", "").isdecimal():
        added["units"] = int(form["units"])
    if "quote" in form:
        added["evidence"] = (await _place_of(runtime, who, deps, key, form),)
    return DecisionsIn.model_validate({"add": (added,)})


async def _place_of(
    runtime: Runtime, who: Principal, deps: Deps, key: UUID, form: Mapping[str, str]
) -> dict[str, Any]:
    """Return the place of the words that the coder marked or typed: where marked, else where found first."""
    async with runtime.transaction(who.subject) as uow:
        case = await charts.read(uow, who, key)
    texts, _ = await _texts(deps, case)
    marked = form.get("document_id", "")
    for ref in sorted(case.documents, key=lambda item: str(item.document_id) != marked):
        text = texts.get((ref.document_id, ref.version))
        if text is None:
            continue
        at = form.get("start", "")
        begin = int(at) if at.isdecimal() and str(ref.document_id) == marked else 0
        for start in dict.fromkeys((begin, 0)):
            place = find_quote(text.text[start:], form["quote"])
            if place:
                return {
                    "document_id": ref.document_id,
                    "version": ref.version,
                    "start": start + place[0],
                    "end": start + place[1],
                }
    raise Refused("quote-not-found", "these words stand in no document of the chart", status=422)


async def _texts(deps: Deps, case: CodingCase) -> tuple[Texts, bool]:
    """Fetch the chart's texts; (texts, whether intake answered)."""
    try:
        keys = [(item.document_id, item.version) for item in case.documents]
        return (await deps.intake.documents(keys) if keys else {}), True
    except (Transient, Poison):
        return {}, False


async def _search(request: Request, runtime: Runtime, who: Principal, key: UUID, words: str) -> HTMLResponse:
    deps = deps_of(request)
    async with runtime.transaction(who.subject) as uow:
        case = await charts.read(uow, who, key)
    found = await asyncio.to_thread(find_codes, words[:100], deps.code_sets().on(case.day))
    if request.headers.get("hx-request"):
        return page(request, "chart_found.html", found=found, words=words[:100])
    return await _show(request, runtime, who, key, Said(words=words[:100], found=found))


async def _show(request: Request, runtime: Runtime, who: Principal, key: UUID, said: Said) -> HTMLResponse:
    deps = deps_of(request)
    async with runtime.transaction(who.subject) as uow:
        case = await charts.read(uow, who, key)
        uow.record_access(encounter_id=key, subject=who.subject, purpose="coding", what="documents")
        comments = await history.list_comments(uow.conn, key)
    texts, answered = await _texts(deps, case)
    numbered = [
        ShownCode(number, item, _quotes(case, item, texts)) for number, item in enumerate(_in_order(case), 1)
    ]
    coded = case.state is CaseState.FINAL_CODED
    return page(
        request,
        "chart.html",
        status_code=said.status,
        case=case,
        shown=case_out(case),
        documents=_documents(case, texts, numbered),
        answered=answered,
        codes=numbered,
        edits=sorted(case.edits, key=lambda edit: list(Severity).index(edit.severity)),
        comments=comments,
        value=value_cents(case) if coded else None,
        mine=case.assignee == who.subject and case.state in (CaseState.IN_PROGRESS, CaseState.PENDING_QUERY),
        open=case.ready and case.state in OPEN_STATES,
        me=who.subject,
        may_override=Role.AUDITOR in who.roles,
        may_check=charts.is_lead(who) and case.coded_by not in (None, who.subject),
        said=said,
        asked={query.rule for query in case.queries if query.holds},
    )


def _in_order(case: CodingCase) -> list[CodeAssignment]:
    """Diagnoses before procedures, and within them as the engine ranked and the coder added them."""
    return sorted(
        case.assignments,
        key=lambda item: (item.choice is Choice.REJECTED, item.system != "ICD-10-CM", item.position),
    )


def _quotes(case: CodingCase, item: CodeAssignment, texts: Texts) -> list[tuple[str, str, str]]:
    numbers = {(ref.document_id, ref.version): at for at, ref in enumerate(case.documents, 1)}
    found = []
    for place in item.evidence:
        text = texts.get((place.document_id, place.version))
        number = numbers.get((place.document_id, place.version))
        if text is None or number is None:
            found.append(("", place.section, ""))
            continue
        words = " ".join(visible(text.text[place.start : place.end]).split())
        found.append((words[:120], place.section, f"words-{number}-{place.start}"))
    return found


def _documents(case: CodingCase, texts: Texts, codes: list[ShownCode]) -> list[ShownDocument]:
    found = []
    for number, ref in enumerate(case.documents, 1):
        text = texts.get((ref.document_id, ref.version))
        if text is None:
            continue
        cited = [
            Cited(code.number, place)
            for code in codes
            for place in code.item.evidence
            if (place.document_id, place.version) == (ref.document_id, ref.version)
        ]
        found.append(
            ShownDocument(
                number,
                ref.kind,
                ref.version,
                ref.document_id,
                ref.signed,
                stretches(text.text, cited),
                len(text.text) > MAX_SHOWN,
            )
        )
    return found
