"""One scrub of one claim, the rules of the installation included, with a record from which it can be done again.

The record names rules with versions and the editions of every table, and keeps what the claim's own document does not
say: the day, the payer's limits, open queries, duplicates, the patient's history.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields, replace
from datetime import date, timedelta
from functools import cached_property
from typing import Any

from pydantic import BaseModel, ConfigDict

from rcm_billing.domain.claim import VOID
from rcm_billing.domain.code_set import ICD10CM, NO_CODE_SETS, CodeSets
from rcm_billing.domain.document import ClaimDocument
from rcm_billing.domain.history import PriorClaim
from rcm_billing.domain.master import Payer
from rcm_billing.domain.payer_rule import NO_PAYER_RULES, PayerRule, PayerRules
from rcm_billing.domain.reference import NO_REFERENCE, Dated, Reference
from rcm_billing.domain.rules import RULES
from rcm_billing.domain.scrubbing import Hit, Regroup, Rule, ScrubContext, ScrubRun, in_force, scrub

BACK_DAYS = timedelta(days=90)  # how far before the claim a rule looks tables up (global periods)


class Circumstances(BaseModel):
    """What a scrub depends on beside document, rules and tables."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    open_queries: int = 0
    recoding: bool = False
    duplicate: bool = False
    history: tuple[PriorClaim, ...] | None = None


class Basis(BaseModel):
    """What a claim was judged by: the day, rules with versions, editions by table, the payer's limits."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    ran_on: date
    rules: tuple[tuple[str, int], ...]
    editions: tuple[tuple[str, str], ...]
    payer: Payer | None

    @cached_property
    def body(self) -> str:
        """Return the basis as JSON; the same basis gives the same text."""
        return json.dumps(self.model_dump(mode="json"), sort_keys=True, separators=(",", ":"))

    @cached_property
    def digest(self) -> bytes:
        """Return the SHA-256 of the body: claims that were judged alike share it."""
        return hashlib.sha256(self.body.encode()).digest()


@dataclass(frozen=True, slots=True)
class Scrubbed:
    """A run with the record of what it was judged by."""

    run: ScrubRun
    basis: Basis
    circumstances: Circumstances

    @property
    def result(self) -> bytes:
        """Return a digest of what was found and what was not evaluated."""
        return result_digest(self.run)


def result_digest(run: ScrubRun) -> bytes:
    """Return a digest of a run's hits, in order, and of the rules that were not evaluated."""
    found = [(hit.rule_id, hit.rule_version, str(hit.severity), hit.where, hit.edition) for hit in run.hits]
    return hashlib.sha256(json.dumps([found, run.not_evaluated]).encode()).digest()


class Judging:
    """What judges a batch of claims on one day."""

    def __init__(
        self,
        today: date,
        payers: Mapping[str, Payer],
        *,
        code_sets: CodeSets = NO_CODE_SETS,
        reference: Reference = NO_REFERENCE,
        payer_rules: PayerRules = NO_PAYER_RULES,
        regroup: Regroup | None = None,
        rules: tuple[Rule, ...] = RULES,
    ) -> None:
        self._today = today
        self._payers = payers
        self._code_sets = code_sets
        self._reference = reference
        self._payer_rules = payer_rules
        self._regroup = regroup
        self._rules = rules
        self._tables: list[tuple[str, str, date, date]] = list(_tables(reference, code_sets))
        self._bases: dict[tuple[Any, ...], Basis] = {}

    def scrub(self, claim: ClaimDocument, circumstances: Circumstances) -> Scrubbed:
        """Judge one claim."""
        payer = self._payers.get(claim.coverage.payer_id)
        context = ScrubContext(
            today=self._today,
            payer=payer,
            code_sets=self._code_sets,
            open_queries=circumstances.open_queries,
            recoding=circumstances.recoding,
            duplicate=circumstances.duplicate,
            reference=self._reference,
            history=circumstances.history,
            regroup=self._regroup,
        )
        run = scrub(claim, context, self._rules)
        own = self._payer_rules.applying(claim) if claim.frequency != VOID else []
        if own:
            more = self._payer_rules.run(claim, self._today)
            run = ScrubRun((*run.hits, *more.hits), (*run.not_evaluated, *more.not_evaluated))
        return Scrubbed(run, self._basis(claim, payer, own), circumstances)

    def _basis(self, claim: ClaimDocument, payer: Payer | None, own: list[PayerRule]) -> Basis:
        first, last = claim.service_from - BACK_DAYS, claim.service_through
        rules = in_force(self._rules, claim.form, last, claim.coverage.payer_id, claim.frequency)
        editions = tuple(
            (table, name) for table, name, begins, ends in self._tables if begins <= last and first <= ends
        )
        key = (claim.coverage.payer_id, rules, editions, tuple((r.rule_id, r.version) for r in own))
        basis = self._bases.get(key)
        if basis is None:
            versions = (*((r.rule_id, r.version) for r in rules), *((r.rule_id, r.version) for r in own))
            basis = Basis(ran_on=self._today, rules=versions, editions=editions, payer=payer)
            self._bases[key] = basis
        return basis


def _tables(reference: Reference, code_sets: CodeSets) -> Iterable[tuple[str, str, date, date]]:
    """Yield every edition at hand: table, edition, first and last day."""
    for edition in code_sets.editions:
        yield ICD10CM, edition.edition, edition.effective_from, edition.effective_to or date.max
    for item in fields(reference):
        dated: Dated[Any] = getattr(reference, item.name)
        for table in dated.editions:
            yield item.name, table.name, table.effective_from or date.min, table.effective_to or date.max


@dataclass(frozen=True, slots=True)
class Again:
    """A scrub done again by the record of an earlier one."""

    run: ScrubRun
    missing_editions: tuple[str, ...]  # of the record, that nobody has any more
    missing_rules: tuple[str, ...]  # versions of the record that the program no longer has


def scrub_again(
    claim: ClaimDocument,
    basis: Basis,
    circumstances: Circumstances,
    *,
    code_sets: CodeSets,
    reference: Reference,
    payer_rules: Iterable[PayerRule],
    regroup: Regroup | None = None,
    rules: tuple[Rule, ...] = RULES,
) -> Again:
    """Judge a stored document exactly by the rules and editions of a record, whatever is in force today.

    `payer_rules` are all versions that there ever were; the tables given may hold later editions too.
    """
    versions, editions = set(basis.rules), set(basis.editions)
    kept = tuple(rule for rule in rules if (rule.rule_id, rule.version) in versions)
    own = tuple(rule for rule in payer_rules if (rule.rule_id, rule.version) in versions)
    judging = Judging(
        basis.ran_on,
        {claim.coverage.payer_id: basis.payer} if basis.payer else {},
        code_sets=CodeSets(tuple(s for s in code_sets.editions if (ICD10CM, s.edition) in editions)),
        reference=_only(reference, editions),
        payer_rules=PayerRules(own),
        regroup=regroup,
        rules=kept,
    )
    at_hand = {(table, name) for table, name, _, _ in _tables(reference, code_sets)}
    known = {(r.rule_id, r.version) for r in kept} | {(r.rule_id, r.version) for r in own}
    return Again(
        judging.scrub(claim, circumstances).run,
        tuple(sorted(f"{table}:{name}" for table, name in editions - at_hand)),
        tuple(sorted(f"{rule_id}:{version}" for rule_id, version in versions - known)),
    )


def _only(reference: Reference, editions: set[tuple[str, str]]) -> Reference:
    """Return the tables with no other editions than these."""
    changed: dict[str, Any] = {}
    for item in fields(reference):
        dated: Dated[Any] = getattr(reference, item.name)
        kept = tuple(table for table in dated.editions if (item.name, table.name) in editions)
        if len(kept) != len(dated.editions):
            changed[item.name] = replace(dated, editions=kept)
    return replace(reference, **changed) if changed else reference


def differences(before: Iterable[Hit], after: Iterable[Hit]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return what an earlier run found and this one does not, and the other way round, as "rule place"."""
    first = {f"{hit.rule_id} {hit.where}" for hit in before}
    second = {f"{hit.rule_id} {hit.where}" for hit in after}
    return tuple(sorted(first - second)), tuple(sorted(second - first))
