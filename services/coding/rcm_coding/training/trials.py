"""The notes that the gate compares models on: coded notes answered by both, and the safety suite of generated notes."""

from collections.abc import Sequence

from rcm_coding.engine.knowledge import Knowledge
from rcm_coding.engine.ranking.aliases import RULE as ALIAS
from rcm_coding.engine.ranking.model import DIAGNOSES, Model
from rcm_coding.engine.suggest import THRESHOLD, settle
from rcm_coding.training.codiesp import Corpus
from rcm_coding.training.gate import Answer, SafetyCase, Trial
from rcm_coding.training.generated import generated_notes
from rcm_coding.training.lessons import Read, read_case, read_generated

SAFETY_NOTES, SAFETY_SEED = 400, 31


def corpus_trials(
    knowledge: Knowledge, active: Model | None, candidate: Model, corpus: Corpus
) -> list[Trial]:
    """Answer every note of a corpus with the model in use (none: the rules alone) and with the candidate."""
    trials = []
    for note in corpus.notes:
        read = read_case(note, candidate.language, knowledge)
        gold = note.codes[DIAGNOSES]
        trials.append(
            Trial(
                note.note,
                gold,
                answered(read, active, knowledge, gold),
                answered(read, candidate, knowledge, gold),
            )
        )
    return trials


def safety_cases(
    knowledge: Knowledge,
    candidate: Model,
    count: int = SAFETY_NOTES,
    seed: int = SAFETY_SEED,
    facility: str = "",
) -> list[SafetyCase]:
    """Run the safety suite: generated notes that deny conditions or tell them of relatives. English only."""
    if candidate.language != "en":
        return []
    cases = []
    for number, note in enumerate(generated_notes("test", count, seed)):
        shown = answered(
            read_generated(note, number, knowledge), candidate, knowledge, note.gold, facility
        ).shown
        denied = tuple(note.forbidden)
        cases.append(
            SafetyCase(
                shown,
                frozenset(code for code in shown if not knowledge.tabular.billable(code)),
                frozenset(code for code in shown if denied and code.startswith(denied)),
            )
        )
    return cases


def answered(
    read: Read, model: Model | None, knowledge: Knowledge, gold: frozenset[str], facility: str = ""
) -> Answer:
    """Return what the product would show for a note, and every calibrated probability with whether it was right."""
    record, suggestions, suppressed = read.considered
    if model is None:
        return Answer(frozenset(item.code for item in suggestions if item.score >= THRESHOLD))
    documents: Sequence = record.documents if record else read.documents  # type: ignore[type-arg]
    shown, _ = model.rank(
        documents,
        record=record,
        suggestions=suggestions,
        suppressed=suppressed,
        tabular=knowledge.tabular,
        facility=facility,
    )
    shown, _ = settle(shown, knowledge.tabular) if facility in model.aliases else (shown, [])
    scored = model.scored(
        documents,
        record=record,
        suggestions=suggestions,
        suppressed=suppressed,
        tabular=knowledge.tabular,
    )
    given = {candidate.code: probability for candidate, probability in scored}
    given.update({item.code: item.score for item in shown if ALIAS in item.rules})
    return Answer(
        frozenset(item.code for item in shown),
        tuple((probability, code in gold) for code, probability in given.items()),
    )
