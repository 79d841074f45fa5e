"""A model: for each code system a forest, calibration, thresholds and perhaps a phrase memory; aliases; plain JSON."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from rcm_coding.engine.evidence import Document, Suggestion, Suppressed
from rcm_coding.engine.ranking.aliases import add_aliases
from rcm_coding.engine.ranking.features import FEATURES, Candidate, candidates
from rcm_coding.engine.ranking.memory import PhraseMemory
from rcm_coding.engine.ranking.trees import Calibration, Forest
from rcm_coding.engine.ranking.words import Language
from rcm_coding.engine.reading import Record
from rcm_coding.engine.tabular import Tabular

FORMAT = 1
DIAGNOSES, PROCEDURES = "ICD-10-CM", "ICD-10-PCS"


class BadModelError(ValueError):
    """A model that cannot be used. The message is one sentence."""


@dataclass(frozen=True, slots=True)
class Scorer:
    """What was learned for one code system. Suggestions below `threshold` are not shown.

    `taught_threshold` is the like for showing all that the corpus' coders would code (Model.rank, `as_taught`).
    """

    forest: Forest
    calibration: Calibration
    threshold: float
    taught_threshold: float
    memory: PhraseMemory | None = None

    def probabilities(self, gathered: Sequence[Candidate]) -> list[float]:
        """Return for each candidate the calibrated probability that a coder would keep the code."""
        return [self.calibration(given) for given in self.forest.probabilities([one.row for one in gathered])]


@dataclass(frozen=True, slots=True)
class Model:
    """Everything learned, and from what: `facts` are the manifest's lines for people.

    `aliases` are the promoted aliases of each facility; nobody else's notes are read by them.
    """

    name: str
    language: Language
    scorers: Mapping[str, Scorer]
    facts: Mapping[str, Any]
    aliases: Mapping[str, PhraseMemory] = field(default_factory=dict)

    def rank(
        self,
        documents: Sequence[Document],
        system: str = DIAGNOSES,
        *,
        record: Record | None = None,
        suggestions: Sequence[Suggestion] = (),
        suppressed: Sequence[Suppressed] = (),
        tabular: Tabular | None = None,
        as_taught: bool = False,
        facility: str = "",
    ) -> tuple[list[Suggestion], list[Suppressed]]:
        """Score every candidate of a code system: what to show, and what is held back and why.

        The rules' suggestions keep their order, which is that of the record; what only the memory knows follows.

        Codes that are not in force, and those that the record denies, are held back. `as_taught` shows them too: it
        measures the agreement with a corpus whose coders worked under another edition or another policy.
        The aliases of `facility` come last.
        """
        scorer = self.scorers.get(system)
        if scorer is None:
            return list(suggestions), []
        threshold = scorer.taught_threshold if as_taught else scorer.threshold
        shown: list[tuple[float, Suggestion]] = []
        held: list[Suppressed] = []
        for candidate, probability in self.scored(
            documents, system, record=record, suggestions=suggestions, suppressed=suppressed, tabular=tabular
        ):
            if not candidate.evidence:
                continue
            if as_taught:
                if probability >= threshold:
                    shown.append((probability, _suggestion(candidate, probability, system, tabular)))
            elif candidate.denied or (candidate.suggestion is None and probability < threshold):
                continue  # the rules hold it back already, or its phrase stands only where it is denied
            elif tabular and system == DIAGNOSES and not tabular.billable(candidate.code):
                held.append(Suppressed(candidate.code, "not-in-force", candidate.evidence))
            elif probability >= threshold:
                shown.append((probability, _suggestion(candidate, probability, system, tabular)))
            else:
                held.append(Suppressed(candidate.code, "unlikely", candidate.evidence))
        order = {item.code: at for at, item in enumerate(suggestions)}
        shown.sort(key=lambda item: (order.get(item[1].code, len(order)), -item[0], item[1].code))
        ranked = [item for _, item in shown]
        memory = self.aliases.get(facility)
        if memory is None or system != DIAGNOSES or record is None or tabular is None or as_taught:
            return ranked, held
        return add_aliases(ranked, held, suppressed, record, memory, tabular)

    def scored(
        self,
        documents: Sequence[Document],
        system: str = DIAGNOSES,
        *,
        record: Record | None = None,
        suggestions: Sequence[Suggestion] = (),
        suppressed: Sequence[Suppressed] = (),
        tabular: Tabular | None = None,
    ) -> list[tuple[Candidate, float]]:
        """Return every candidate with its probability."""
        scorer = self.scorers[system]
        gathered = candidates(
            documents,
            scorer.memory,
            record=record,
            suggestions=suggestions,
            suppressed=suppressed,
            tabular=tabular,
            role="diagnosis" if system == DIAGNOSES else "procedure",
        )
        return list(zip(gathered, scorer.probabilities(gathered), strict=True))


def _suggestion(candidate: Candidate, probability: float, system: str, tabular: Tabular | None) -> Suggestion:
    score = round(probability, 4)
    if candidate.suggestion is not None:
        return replace(candidate.suggestion, score=score)
    known = tabular is not None and tabular.billable(candidate.code)
    return Suggestion(
        system=system,
        code=candidate.code,
        description=tabular.title(candidate.code) if tabular and known else "",
        score=score,
        role="secondary" if system == DIAGNOSES else "procedure",
        evidence=candidate.evidence,
        rules=("memory:phrase",),
    )


def dump_model(model: Model) -> bytes:
    """Write a model; the same model gives the same bytes."""
    body: dict[str, Any] = {
        "format": FORMAT,
        "name": model.name,
        "language": model.language,
        "features": FEATURES,
        "facts": dict(model.facts),
        "systems": {
            system: {
                "threshold": scorer.threshold,
                "taught_threshold": scorer.taught_threshold,
                "calibration": scorer.calibration.dump(),
                "forest": scorer.forest.dump(),
                "memory": scorer.memory.dump() if scorer.memory else None,
            }
            for system, scorer in sorted(model.scorers.items())
        },
    }
    if model.aliases:
        body["aliases"] = {name: memory.dump() for name, memory in sorted(model.aliases.items())}
    return json.dumps(body, separators=(",", ":"), ensure_ascii=False, sort_keys=True).encode()


def load_model(data: bytes) -> Model:
    """Read what `dump_model` wrote; reading runs no code.

    Raises: BadModelError when it is damaged or was made for other features.
    """
    try:
        body = json.loads(data)
        if body["format"] != FORMAT or tuple(body["features"]) != FEATURES:
            raise BadModelError("the model was made for another version of the engine; train it again")
        scorers = {
            system: Scorer(
                Forest.load(part["forest"]),
                Calibration.load(part["calibration"]),
                part["threshold"],
                part["taught_threshold"],
                PhraseMemory.load(part["memory"]) if part["memory"] else None,
            )
            for system, part in body["systems"].items()
        }
        aliases = {name: PhraseMemory.load(part) for name, part in body.get("aliases", {}).items()}
        return Model(body["name"], body["language"], scorers, body["facts"], aliases)
    except (ValueError, KeyError, TypeError, IndexError) as error:
        if isinstance(error, BadModelError):
            raise
        raise BadModelError("the model file is damaged") from None
