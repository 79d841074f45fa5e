"""The sentences of generated notes: one set for each part, with no sentence in both.

The test part was written once and is not tuned on; what it shows may change the engine only as a general rule.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Wording:
    """All sentences of one part. A frame is a whole note; the other tuples are picked from at random."""

    office: tuple[str, ...]
    inpatient: tuple[str, ...]
    emergency: tuple[str, ...]
    openings: tuple[str, ...]
    exams: tuple[str, ...]
    reviews: tuple[str, ...]  # review of systems, without codes
    plans: tuple[str, ...]
    lists: tuple[str, ...]  # how one item of the assessment is written; {n} its number, {d} the diagnosis
    initial: tuple[str, ...]
    subsequent: tuple[str, ...]  # {d} the injury
    sequela: tuple[str, ...]
    pregnant: tuple[str, ...]  # {w} weeks
    denied: tuple[str, ...]  # {d} what is denied
    relatives: tuple[str, ...]
    suspected: tuple[str, ...]
    hypothetical: tuple[str, ...]
    uncertain_discharge: tuple[str, ...]
    elsewhere: tuple[str, ...]  # {d} in a section that states no diagnosis
    past: tuple[str, ...]


TRAIN = Wording(
    office=(
        "CHIEF COMPLAINT: Follow-up visit.\n\nHPI: {opening} {story}\n\nREVIEW OF SYSTEMS: {review}\n\n"
        "PHYSICAL EXAM: {exam}\n\nASSESSMENT:\n{assessment}\n\nPLAN: {plan}\n{extra}",
        "SUBJECTIVE: {opening} {story}\nROS: {review}\n\nOBJECTIVE: {exam}\n\nASSESSMENT AND PLAN:\n"
        "{assessment}\n{plan}\n{extra}",
        "History of Present Illness\n{opening} {story}\n\nExam\n{exam}\n\nDiagnosis\n{assessment}\n\n"
        "Treatment Plan\n{plan}\n{extra}",
        "{extra}\nHPI: {opening} {story}\n\nImpression:\n{assessment}\n\nPlan:\n{plan}\n",
    ),
    inpatient=(
        "DISCHARGE SUMMARY\n\nHOSPITAL COURSE: {opening} {story}\n\nDISCHARGE DIAGNOSES:\n{assessment}\n\n"
        "DISPOSITION: Home in stable condition. {plan}\n{extra}",
        "Discharge Summary\nBrief hospital course: {opening} {story}\nFinal"
        " diagnoses:\n{assessment}\nPlan: {plan}\n{extra}",
    ),
    emergency=(
        "EMERGENCY DEPARTMENT NOTE\n\nHPI: {opening} {story}\n\nPHYSICAL EXAM: {exam}\n\n"
        "ED DIAGNOSIS:\n{assessment}\n\nPLAN: {plan}\n{extra}",
    ),
    openings=(
        "Patient is a 54-year-old who comes in for a scheduled visit.",
        "This 61-year-old is seen in the clinic today.",
        "47 y/o returns for reassessment.",
        "The patient is seen with her husband.",
    ),
    exams=(
        "Alert, in no distress. Lungs clear. Heart regular. Abdomen soft, nontender.",
        "Well appearing. No murmur. Extremities without edema.",
        "Vital signs stable. No acute distress. Skin warm and dry.",
    ),
    reviews=(
        "Denies fever, chills, nausea or vomiting.",
        "Negative for chest pain, palpitations and shortness of breath.",
        "No weight loss. No rash. No headache.",
    ),
    plans=(
        "Continue current management. Return in three months.",
        "Medications refilled. Labs before the next visit.",
        "Discussed diet and exercise. Follow up in 6 weeks.",
    ),
    lists=("{n}. {d}.", "{n}) {d}", "- {d}", "{d}."),
    initial=(
        "Seen for a new injury today: {d}.",
        "{d}, injured last night.",
        "Presents with {d} sustained this morning.",
    ),
    subsequent=(
        "{d}, healing well. Cast check today.",
        "Follow-up of {d}, routine healing.",
        "Subsequent encounter for {d}.",
        "Aftercare visit for {d}.",
    ),
    sequela=("Late effect of {d}.", "Sequela of {d}."),
    pregnant=(
        "She is {w} weeks pregnant.",
        "G2P1 at {w} weeks gestation.",
        "Intrauterine pregnancy at {w} weeks.",
    ),
    denied=(
        "No evidence of {d}.",
        "He denies any history of {d}.",
        "Negative for {d}.",
        "{D} was ruled out.",
        "The workup was negative for {d}.",
        "There are no signs of {d}.",
    ),
    relatives=(
        "Family history: mother with {d}.",
        "Her father had {d}.",
        "FAMILY HISTORY: {D} in a brother.",
        "Family history is significant for {d}.",
    ),
    suspected=(
        "{s}, possibly {d}.",
        "{s}, suspected {d}.",
        "{s}; rule out {d}.",
        "{s}, likely due to {d}.",
        "{s}, {d} versus viral illness.",
    ),
    hypothetical=(
        "She was counseled about the risk of {d}.",
        "Return if symptoms of {d} develop.",
        "Screening for {d} was offered.",
        "Aspirin to prevent {d}.",
    ),
    uncertain_discharge=("Probable {d}.", "{d}, suspected.", "Likely {d}."),
    elsewhere=(
        "PATIENT EDUCATION: Handout on {d} given.",
        "INSTRUCTIONS: Call the office for signs of {d}.",
        "CONSENT: Risks including {d} were explained.",
        "ALLERGIES: sulfa (causes {d}).",
    ),
    past=("PAST MEDICAL HISTORY: {d}.", "PMH: {d}"),
)

TEST = Wording(
    office=(
        "Reason for visit: check-up\n\nInterval history: {opening} {story}\n\nReview of Systems\n{review}\n\n"
        "Physical examination:\n{exam}\n\nImpression and plan:\n{assessment}\n\nRecommendations: {plan}\n\n{extra}",
        "CC: recheck\nS: {opening} {story}\n\nO: {exam}\n\nA/P:\n{assessment}\n{plan}\n\n{extra}",
        "{extra}\n\nSubjective\n{opening} {story}\n\nObjective\n{exam}\n\nAssessment\n{assessment}\n\nPlan\n{plan}",
        "**HPI:** {opening} {story}\n**Exam:** {exam}\n**Diagnoses:**\n{assessment}\n**Plan:** {plan}\n{extra}",
    ),
    inpatient=(
        "DEPARTMENT OF MEDICINE - DISCHARGE SUMMARY\nCOURSE IN THE HOSPITAL: {opening} {story}\n\n"
        "PRINCIPAL AND SECONDARY DIAGNOSES:\n{assessment}\n\nFOLLOW-UP: {plan}\n\n{extra}",
        "Hospital Course\n{opening} {story}\n\nDischarge Diagnosis\n{assessment}\n\n{extra}\n\nDisposition\n{plan}",
    ),
    emergency=(
        "ED Provider Note\nPresenting complaint: injury\nHistory: {opening} {story}\nExamination: {exam}\n"
        "Clinical impression:\n{assessment}\nDisposition: {plan}\n{extra}",
    ),
    openings=(
        "A pleasant 58 year old who was last here in spring.",
        "66F here for routine care.",
        "Established patient, age 49, in for a planned appointment.",
        "We saw this 70-year-old man in the office.",
    ),
    exams=(
        "NAD. CTAB. RRR. Abd benign. Neuro grossly intact.",
        "Comfortable. Chest clear to auscultation bilaterally; heart sounds normal. No edema of the legs.",
        "General: looks well. Neck supple. Lungs: no wheezes or crackles.",
    ),
    reviews=(
        "Constitutional: no fevers. Respiratory: denies cough or dyspnea. GI: no vomiting, no diarrhea.",
        "Ten-point review is unremarkable apart from the above.",
        "Patient reports no chest discomfort, no syncope, no dysuria.",
    ),
    plans=(
        "Same regimen. RTC 4 months.",
        "Will get blood work and call with the results.",
        "Reassured. See me again after the holidays.",
    ),
    lists=("#{n} {d}", "• {d}", "{n}. {d} - stable", "* {d}"),
    initial=(
        "{d} after an accident earlier today.",
        "New {d}, happened two hours ago.",
        "Acute {d}; initial encounter.",
    ),
    subsequent=(
        "Here for a cast change; {d} is healing as expected.",
        "{d}, follow-up visit, union progressing.",
        "Suture removal. {d} healing well.",
        "{d} - subsequent visit, routine healing.",
    ),
    sequela=("{d}, late effects.", "Sequelae of an old {d}."),
    pregnant=(
        "EGA {w} weeks.",
        "Gestational age: {w} weeks.",
        "Pregnant patient, {w} weeks gestation by ultrasound.",
    ),
    denied=(
        "There is no indication of {d}.",
        "Patient has never had {d}.",
        "Imaging shows no {d}.",
        "{D} has been excluded.",
        "Not consistent with {d}.",
        "Tests for {d} came back negative.",
    ),
    relatives=(
        "FH: {d} (mother).",
        "A sister was diagnosed with {d}.",
        "Paternal grandfather died of {d}.",
        "Strong family history of {d}.",
    ),
    suspected=(
        "{s} - concern for {d}.",
        "{s}, probable {d}.",
        "{s}. Differential includes {d}.",
        "{s}, question of {d}.",
        "{s}; cannot exclude {d}.",
    ),
    hypothetical=(
        "Educated on warning signs of {d}.",
        "If {d} occurs she should go to the emergency room.",
        "Due for {d} screening.",
        "Statin started to lower the risk of {d}.",
    ),
    uncertain_discharge=("Presumed {d}.", "Suspected {d}.", "{d}, likely."),
    elsewhere=(
        "Education: we reviewed a leaflet about {d}.",
        "Discharge instructions: come back at once if you notice {d}.",
        "Informed consent: possible harms such as {d} were discussed.",
        "Review of systems: {d} asked about.",
    ),
    past=("Past medical history\n{d}", "Medical history: {d}."),
)
