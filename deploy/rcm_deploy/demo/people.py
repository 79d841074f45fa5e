"""The demo's coder, provider, biller and operator: they use the public HTTP APIs and nothing else."""

import asyncio
from collections.abc import Callable
from typing import Any
from uuid import UUID

import httpx
from rcm_shared.ids import uuid7

from rcm_deploy.engines.system import System

FACILITY = "DEMO-GENERAL"
CODER, BILLER, OPERATOR = "demo-coder", "demo-biller", "demo-operator"
POLL_S = 0.15
PATIENCE_S = 60.0


class GaveUp(Exception):
    """Somebody waited in vain, or was refused."""


class Person:
    """One signed-in person with a client for each service."""

    def __init__(self, system: System, subject: str, *roles: str, facility: str = FACILITY) -> None:
        self.subject = subject
        self._system = system
        self._roles = roles
        self._facility = facility
        self._http = httpx.AsyncClient(timeout=20, trust_env=False, limits=httpx.Limits(max_connections=8))

    async def close(self) -> None:
        """Leave."""
        await self._http.aclose()

    async def look(self, service: str, path: str) -> Any:
        """Read something; None when it does not exist (yet)."""
        answer = await self._send("GET", service, path, None)
        if answer.status_code == httpx.codes.NOT_FOUND:
            return None
        return self._judged(answer, path)

    async def do(self, service: str, path: str, body: dict[str, Any], *, method: str = "POST") -> Any:
        """Do something once: the command is repeated under the same key while the service is away."""
        return self._judged(await self._send(method, service, path, body, key=str(uuid7())), path)

    async def wait(
        self, service: str, path: str, until: Callable[[Any], bool], what: str, patience_s: float = PATIENCE_S
    ) -> Any:
        """Look again and again until something holds."""
        found: Any = None
        try:
            async with asyncio.timeout(patience_s):
                while not ((found := await self.look(service, path)) is not None and until(found)):
                    await asyncio.sleep(POLL_S)
        except TimeoutError:
            state = {k: v for k, v in (found or {}).items() if k in {"state", "claim_state", "waiting_for"}}
            raise GaveUp(f"waited {patience_s:.0f} s for {what}; it stands at {state or 'nothing'}") from None
        return found

    async def _send(
        self, method: str, service: str, path: str, body: dict[str, Any] | None, key: str | None = None
    ) -> httpx.Response:
        token = self._system.keys.token(self.subject, self._roles, (self._facility,))
        headers = {"authorization": f"Bearer {token}"}
        if key:
            headers["idempotency-key"] = key
        for _ in range(60):
            try:
                answer = await self._http.request(
                    method, f"{self._system.urls[service]}{path}", json=body, headers=headers
                )
            except httpx.TransportError:
                await asyncio.sleep(0.5)
                continue
            if answer.status_code != httpx.codes.SERVICE_UNAVAILABLE:
                return answer
            await asyncio.sleep(0.5)
        raise GaveUp(f"{service} did not answer")

    @staticmethod
    def _judged(answer: httpx.Response, path: str) -> Any:
        if answer.is_success:
            return answer.json()
        said = answer.json() if "json" in answer.headers.get("content-type", "") else {}
        faults = ", ".join(f"{e.get('pointer')} {e.get('code')}" for e in said.get("errors", ()))
        raise GaveUp(
            f"{path} was refused: {answer.status_code} {said.get('code', '')} {said.get('detail', '')} {faults}"
        )


async def ask_provider(coder: Person, provider: Person, encounter_id: str, query: dict[str, Any]) -> str:
    """The coder asks about a gap, the provider answers, and coding goes on with the addendum. Returns the outcome."""
    chart = f"/v1/cases/{encounter_id}"
    case = await coder.look("coding", chart)
    gaps = [gap for gap in case["gaps"] if gap["rule"] == query["rule"]]
    if not gaps:
        raise GaveUp(f"coding found no gap {query['rule']}")
    await coder.do("coding", f"{chart}/query", {"gap_id": gaps[0]["gap_id"], "provider_id": provider.subject})
    inbox = f"/v1/queries?provider_id={provider.subject}&encounter_id={encounter_id}"
    listed = await provider.wait(
        "query", inbox, lambda found: bool(found["queries"]), "the query in the inbox"
    )
    query_id = UUID(listed["queries"][0]["query_id"])
    shown = await provider.look("query", f"/v1/queries/{query_id}")
    chosen = next(
        (
            option["key"]
            for option in shown["options"]
            if query["answer"].casefold() == option["label"].casefold()
        ),
        None,
    )
    if chosen is None:
        raise GaveUp(f"the query offers no option like {query['answer']!r}")
    answered = await provider.do("query", f"/v1/queries/{query_id}/answer", {"option": chosen, "text": ""})
    before = case["record_version"]
    await coder.wait(
        "coding",
        chart,
        lambda now: now["suggested"] and now["record_version"] > before and now["state"] != "pending_query",
        "the answer to reach the chart",
    )
    return str(answered["outcome"])


async def code_chart(coder: Person, encounter_id: str, expected: dict[str, Any]) -> dict[str, Any]:
    """Decide every suggestion as the chart's coder would, add what is missing with a reason, and finalise."""
    chart = f"/v1/cases/{encounter_id}"
    case = await coder.look("coding", chart)
    if case["state"] not in {"in_progress"}:
        await coder.do("coding", f"{chart}/start", {})
    wanted = {
        (item["system"], item["code"]): item for item in (*expected["diagnoses"], *expected["procedures"])
    }
    decisions: list[dict[str, Any]] = []
    for suggestion in case["suggestions"]:
        item = wanted.pop((suggestion["system"], suggestion["code"]), None)
        decision = {"suggestion_id": suggestion["suggestion_id"], "action": "accept" if item else "reject"}
        if item is None:
            decision["reason"] = "not a condition or service of this encounter"
        else:
            decision |= {
                name: item[name] for name in ("role", "modifiers", "poa") if item.get(name) is not None
            }
        decisions.append(decision)
    additions = [
        {
            "system": item["system"],
            "code": item["code"],
            "role": item.get("role", "procedure"),
            "poa": item.get("poa"),
            "modifiers": item.get("modifiers", []),
            "reason": "documented in the record",
        }
        for item in wanted.values()
    ]
    await coder.do("coding", f"{chart}/decisions", {"decisions": decisions, "add": additions})
    done: dict[str, Any] = await coder.do("coding", f"{chart}/finalise", {})
    return done
