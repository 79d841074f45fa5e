"""Cases of DX."""

from datetime import date

from rcm_billing.domain import reference_rows as rows
from rcm_billing.domain.code_set import NO_CODE_SETS
from rcm_billing.domain.document import ClaimDocument, Diagnosis
from rcm_billing.domain.reference import Reference, table_of
from rcm_shared.contracts.records import ClaimFacts
from unit.billing.rules.claims import clean, diagnosed, facts, hit, inpatient, line, office, patient, unknown

PAIRS = Reference(
    diagnosis_pairs=table_of(
        "diagnosis_pairs",
        [
            rows.CodePair(code="E11", other="E10", kind="excludes1"),
            rows.CodePair(code="G63", other="E11", kind="code-first"),
            rows.CodePair(code="I50", other="I11", kind="code-first"),
            rows.CodePair(code="E119", other="Z79", kind="use-additional"),
        ],
    )
)
VAGUE = Reference(unspecified=table_of("unspecified", [rows.Code(code="S5290XA"), rows.Code(code="J189")]))
SIDES = Reference(
    diagnosis_sides=table_of(
        "diagnosis_sides",
        [
            rows.DiagnosisSide(code="S52531", side="R"),
            rows.DiagnosisSide(code="S52532", side="L"),
            rows.DiagnosisSide(code="H2513", side="B"),
        ],
    )
)
LIMITS = Reference(
    diagnosis_limits=table_of(
        "diagnosis_limits",
        [
            rows.PatientLimit(code="P", age_to=0),
            rows.PatientLimit(code="O", sex="F", age_from=9, age_to=64),
            rows.PatientLimit(code="N40", sex="M"),
        ],
    )
)
FIRST = Reference(
    principal_limits=table_of(
        "principal_limits",
        [rows.PrincipalLimit(code="Z8781"), rows.PrincipalLimit(code="G63", kind="manifestation")],
    )
)
SURE = Diagnosis(code="D225", role="first-listed", uncertain=False)
SUSPECTED = Diagnosis(code="J189", role="first-listed", uncertain=True)


def sided(code: str, *modifiers: str) -> ClaimDocument:
    """Return the office claim with one diagnosis and these modifiers on its line."""
    return line(modifiers=modifiers).model_copy(update={"diagnoses": diagnosed(code).diagnoses})


def stay(*codes: str) -> ClaimDocument:
    """Return the inpatient claim with other diagnoses, the first one principal."""
    first, *rest = (Diagnosis(code=code, role="secondary", poa="Y") for code in codes)
    return inpatient(diagnoses=(first.model_copy(update={"role": "principal"}), *rest))


def at_medicare(claim: ClaimDocument) -> ClaimDocument:
    """Return a claim billed to Medicare."""
    return claim.model_copy(update={"coverage": claim.coverage.model_copy(update={"filing_indicator": "MB"})})


def man(*codes: str) -> ClaimDocument:
    """Return the claim of a man."""
    return patient(sex="M").model_copy(update={"diagnoses": diagnosed(*codes).diagnoses})


def born(day: date, *codes: str) -> ClaimDocument:
    """Return the claim of a patient who was born on a day."""
    return patient(birth_date=day).model_copy(update={"diagnoses": diagnosed(*codes).diagnoses})


CASES = (
    hit("DX-01", "category", lambda: diagnosed("D22"), "diagnosis-1"),
    hit("DX-01", "admitting", lambda: inpatient(admitting="J18"), "admitting"),
    hit(
        "DX-01",
        "other year",
        lambda: office(release="ICD-10-CM:2026-10-01"),
        "release",
        code_sets=NO_CODE_SETS,
    ),
    clean("DX-01", "billable", office),
    unknown("DX-01", "no edition", lambda: diagnosed("ZZZ"), code_sets=NO_CODE_SETS),
    hit("DX-02", "no 7th", lambda: diagnosed("S52532"), "diagnosis-1"),
    clean("DX-02", "7th", lambda: diagnosed("S52532A", "W010XXA")),
    unknown("DX-02", "no edition", lambda: diagnosed("ZZZ"), code_sets=NO_CODE_SETS),
    hit(
        "DX-03",
        "both",
        lambda: diagnosed("E1065", "I10", "E119"),
        "diagnosis-1",
        "diagnosis-3",
        reference=PAIRS,
    ),
    clean("DX-03", "one of them", lambda: diagnosed("E119", "I10"), reference=PAIRS),
    clean("DX-03", "a single one", office),
    unknown("DX-03", "no list", lambda: diagnosed("E1065", "E119")),
    hit("DX-04", "manifestation first", lambda: diagnosed("G63", "E1142"), "diagnosis-1", reference=PAIRS),
    hit("DX-04", "no cause at all", lambda: diagnosed("I10", "I5022"), "diagnosis-2", reference=PAIRS),
    hit("DX-04", "additional first", lambda: diagnosed("Z794", "E119"), "diagnosis-2", reference=PAIRS),
    clean("DX-04", "in order", lambda: diagnosed("E1142", "G63"), reference=PAIRS),
    clean("DX-04", "additional after", lambda: diagnosed("E119", "Z794"), reference=PAIRS),
    unknown("DX-04", "no list", office),
    hit("DX-05", "modifier knows the side", lambda: sided("S5290XA", "LT"), "diagnosis-1", reference=VAGUE),
    hit(
        "DX-05",
        "neighbour is precise",
        lambda: diagnosed("S5290XA", "S52532A"),
        "diagnosis-1",
        reference=VAGUE,
    ),
    hit("DX-05", "stay", lambda: stay("J189"), "diagnosis-1", reference=VAGUE),
    clean("DX-05", "nothing more is known", lambda: diagnosed("S5290XA"), reference=VAGUE),
    clean("DX-05", "precise", lambda: sided("S52532A", "LT"), reference=VAGUE),
    unknown("DX-05", "no list", office),
    hit("DX-06", "right and left", lambda: sided("S52531A", "LT"), "line-1", reference=SIDES),
    hit("DX-06", "left and a right finger", lambda: sided("S52532A", "F5"), "line-1", reference=SIDES),
    clean("DX-06", "left", lambda: sided("S52532A", "LT"), reference=SIDES),
    clean("DX-06", "both sides", lambda: sided("H2513", "LT"), reference=SIDES),
    clean("DX-06", "bilateral", lambda: sided("S52532A", "50"), reference=SIDES),
    clean("DX-06", "no side named", lambda: sided("D225", "LT"), reference=SIDES),
    clean("DX-06", "no modifier", office),
    unknown("DX-06", "no list", lambda: sided("S52532A", "LT")),
    hit("DX-07", "newborn code", lambda: diagnosed("D225", "P0700"), "diagnosis-2", reference=LIMITS),
    hit("DX-07", "too young", lambda: born(date(2018, 9, 3), "O80"), "diagnosis-1", reference=LIMITS),
    clean("DX-07", "birthday", lambda: born(date(2017, 9, 2), "O80"), reference=LIMITS),
    unknown("DX-07", "no list", office),
    hit("DX-08", "woman", lambda: diagnosed("N401"), "diagnosis-1", reference=LIMITS),
    hit("DX-08", "man", lambda: man("O80"), "diagnosis-1", reference=LIMITS),
    clean("DX-08", "man's", lambda: man("N401"), reference=LIMITS),
    clean("DX-08", "Medicare asks no more", lambda: at_medicare(diagnosed("N401")), reference=LIMITS),
    clean(
        "DX-08",
        "condition code 45",
        lambda: facts(condition_codes=("45",)).model_copy(update={"diagnoses": diagnosed("N401").diagnoses}),
        reference=LIMITS,
    ),
    unknown("DX-08", "no list", office),
    hit("DX-09", "first", lambda: diagnosed("W010XXA", "S52532A"), "diagnosis-1"),
    hit("DX-09", "principal", lambda: stay("W19XXXA"), "diagnosis-1"),
    clean("DX-09", "second", lambda: diagnosed("S52532A", "W010XXA")),
    hit("DX-10", "unacceptable", lambda: stay("Z8781"), "diagnosis-1", reference=FIRST),
    hit("DX-10", "manifestation", lambda: diagnosed("G63"), "diagnosis-1", reference=FIRST),
    clean("DX-10", "history on a visit", lambda: diagnosed("Z8781"), reference=FIRST),
    clean("DX-10", "second", lambda: stay("J189", "Z8781"), reference=FIRST),
    unknown("DX-10", "no list", office),
    hit("DX-11", "suspected", lambda: office(diagnoses=(SUSPECTED,)), "diagnosis-1"),
    hit("DX-11", "note", lambda: office(diagnoses=(SURE,), facts=ClaimFacts(note="R/O pneumonia")), "NTE"),
    clean("DX-11", "confirmed", lambda: office(diagnoses=(SURE,))),
    clean("DX-11", "stay", lambda: inpatient(diagnoses=(SUSPECTED,))),
    unknown("DX-11", "coding did not say", office),
)
