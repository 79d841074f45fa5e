"""Notes of many styles and what a certified coder codes from them.

Each states the codes that must come (in any order) and prefixes that must not; the first code listed is first.
"""

from collections.abc import Callable
from dataclasses import dataclass

import pytest
from rcm_coding.engine.evidence import Suggestions

Read = Callable[..., Suggestions]


@dataclass(frozen=True)
class Case:
    """A note with its expected answer. `forbidden` are prefixes of ICD-10-CM codes."""

    name: str
    setting: str
    kind: str
    note: str
    codes: str
    forbidden: str = ""
    claim_form: str = "837P"


CASES = (
    Case(
        "finger laceration",
        "ed",
        "ed-note",
        "CC: cut finger\nHPI: 34 yo M who lacerated his left index finger with a kitchen knife at"
        " home. Denies numbness.\n"
        "PE: 2.5 cm laceration volar left index finger, no tendon involvement.\n"
        "Procedure: Digital block, irrigated, closed with 5 simple interrupted 4-0 nylon sutures. Tdap given.\n"
        "Dx: Laceration of left index finger without foreign body\nPlan: Suture removal in 10 days.\n",
        "S61211A W260XXA 12001-F1 90715 90471",
        "A35",
    ),
    Case(
        "COPD exacerbation, terse",
        "office",
        "note",
        "Progress Note\nS: 68 yo M c/o increased SOB & productive cough x3d. Known COPD, 50 pk-yr ex-smoker. No CP.\n"
        "PMHx: COPD, HTN, CAD s/p stent 2018\nO: RR 22, SpO2 91% RA. Diffuse exp wheezes b/l.\n"
        "A/P:\n1. AECOPD - prednisone 40 mg x5d\n2. HTN - at goal, cont lisinopril\n3. CAD - stable\n",
        "J441 I10 I2510 Z955 Z87891 99214",
        "J449 I27 M069 R05 R06",
    ),
    Case(
        "child with ear infection",
        "office",
        "note",
        "Subjective: 8 y.o. brought in by mother for ear pain x 2 days. Mom denies vomiting.\nFH:"
        " diabetes in grandmother.\n"
        "Objective: R TM erythematous and bulging. Lungs clear no wheeze.\n"
        "Assessment: Acute suppurative otitis media of right ear. Mild intermittent asthma, stable.\n"
        "Plan: Amoxicillin 400mg/5ml BID x10d. Albuterol prn refilled.",
        "H66001 J4520 99213",
        "E11 R11",
    ),
    Case(
        "heart failure stay",
        "inpatient",
        "discharge-summary",
        "Principal Diagnosis: Acute on chronic systolic congestive heart failure\n"
        "Secondary Diagnoses:\n1. Hypertension\n"
        "2. CKD stage 3b\n3. Type 2 DM with diabetic nephropathy, on insulin\n"
        "4. Atrial fibrillation, persistent, on Eliquis\n"
        "5. Hypokalemia\nHOSPITAL COURSE: 71 y/o F presented with dyspnea. Treated with IV Lasix."
        " She developed acute hypoxic"
        " respiratory failure on HD2 requiring BiPAP for 30 hours. She does not smoke. Thoracentesis"
        " on the right was performed.\n"
        "Code status: DNR\n",
        "I130 I5023 N1832 E1122 Z794 I4819 Z7901 E876 J9601 Z66 5A09457 0W993ZZ",
        "I10 F17 R06 E119",
        "837I",
    ),
    Case(
        "septic shock",
        "inpatient",
        "discharge-summary",
        "78F from nursing home w/ fever. Blood cx grew E. coli.\nDischarge Diagnoses: Septic shock"
        " due to E. coli UTI; acute"
        " metabolic encephalopathy; AKI (ATN); stage 2 pressure ulcer right heel present on"
        " admission; hypernatremia; dysphagia"
        " s/p old CVA; DNR\nHospital course: Intubated on arrival and remained on ventilator 3 days."
        " Central line placed R IJ with"
        " tip in SVC.",
        "A4151 R6521 N390 B9620 G9341 N170 L89612 E870 I69391 Z66 0BH17EZ 5A1945Z 02HV33Z",
        "A419 R50 I63",
        "837I",
    ),
    Case(
        "inferior infarction",
        "inpatient",
        "history-and-physical",
        "HPI: 59M w/ HTN, HLD, T2DM presents with 2 hours of chest pressure. Taken emergently for"
        " PCI: DES placed to RCA.\n"
        "PMH: HTN, HLD, T2DM on metformin, tobacco use 1 ppd\nFH: father MI at 50\nAssessment/Plan:\n"
        "1. Inferior STEMI, s/p PCI with DES to RCA. Admit to CCU.\n2. HTN - hold lisinopril\n3. T2DM - A1c 8.9, with"
        " hyperglycemia.\n",
        "I2119 I10 E1165 F17210 99223 027034Z",
        "I219 Z955 Z9861 R07",
    ),
    Case(
        "diabetic foot ulcer",
        "office",
        "note",
        "Pt seen for DM foot check. Has ulcer R plantar foot with fat layer exposed, 1.5 x 1 cm. No"
        " signs of osteo. Excisional"
        " debridement performed with curette to subcutaneous tissue.\nDx: 1) Diabetic foot ulcer R"
        " plantar foot w/ fat layer"
        " exposed\n2) T2DM with peripheral neuropathy\nOn Lantus 20u qhs.",
        "E11621 L97512 E1142 Z794 11042",
        "M86 E119",
    ),
    Case(
        "screening colonoscopy",
        "surgery",
        "procedure-note",
        "Indication: Screening colonoscopy, average risk.\nProcedure: The colonoscope was advanced"
        " to the cecum. A 7 mm sessile"
        " polyp in the ascending colon was removed with cold snare.\nImpression: 1. Ascending colon polyp. 2. Sigmoid"
        " diverticulosis. 3. Internal hemorrhoids\n",
        "Z1211 K635 K5730 K648 45385",
    ),
    Case(
        "laparoscopic groin hernia",
        "surgery",
        "operative-note",
        "PREOPERATIVE DIAGNOSIS: Right inguinal hernia\nPOSTOPERATIVE DIAGNOSIS: Right inguinal hernia, reducible\n"
        "PROCEDURE: Laparoscopic right inguinal hernia repair with mesh\nINDICATIONS: bulge in the right groin.\n"
        "DESCRIPTION: A 12 mm trocar was placed. The sac was reduced. A polypropylene mesh was placed and fixed.\n",
        "K4090 49650-RT",
    ),
    Case(
        "appendicitis on CT",
        "imaging",
        "imaging-report",
        "CT ABDOMEN AND PELVIS WITH CONTRAST\nCLINICAL HISTORY: Right lower quadrant pain, rule out appendicitis.\n"
        "TECHNIQUE: Axial images after administration of 100 mL Omnipaque 350 IV.\nFINDINGS: The"
        " appendix is dilated. No abscess"
        " or free air.\nIMPRESSION:\n1. Acute appendicitis without perforation or abscess.\n2."
        " Nonobstructing left renal"
        " calculus.\n",
        "K3580 N200 74177",
        "R10 L02 K37",
    ),
    Case(
        "breast lump imaging",
        "imaging",
        "imaging-report",
        "HISTORY: 52F with palpable lump right breast, upper outer quadrant.\nFINDINGS: There is a"
        " 1.4 cm spiculated mass.\n"
        "IMPRESSION: Suspicious mass right breast upper outer quadrant. Biopsy recommended.\n",
        "N6311",
        "C50",
    ),
    Case(
        "threatened abortion",
        "ed",
        "ed-note",
        "28 y/o G1P0 at 9w3d presents with vaginal bleeding and cramping.\n"
        "Impression: Threatened abortion\nPlan: pelvic rest.",
        "O200 Z3A09 99283",
        "O03",
    ),
    Case(
        "after knee replacement",
        "office",
        "note",
        "POST-OP VISIT\nPt is 2 weeks s/p right TKA for OA. Incision healing well, staples removed.\n"
        "Impression: Doing well 2 weeks s/p right total knee arthroplasty.\nPlan: PT",
        "Z471 Z96651",
        "M17 M19",
    ),
    Case(
        "well child",
        "office",
        "note",
        "Well child visit - 4 yo\nGrowth normal. No concerns.\nAssessment: Well child, normal growth and development.",
        "Z00129",
    ),
    Case(
        "psychiatry follow-up",
        "office",
        "note",
        "45 yo F with MDD, recurrent, moderate; GAD. No SI/HI. Denies hallucinations.\nDx: MDD recurrent moderate; GAD;"
        " insomnia\nPlan: cont sertraline 100 mg.",
        "F331 F411 G4700 99214",
        "R44",
    ),
    Case(
        "buckle fracture",
        "ed",
        "ed-note",
        "HPI: 9 yo M fell off monkey bars onto outstretched R arm.\nX-ray: buckle fracture of distal"
        " right radius. Sugar tong"
        " splint applied.\nDx: Torus fracture distal radius, right. Referral to ortho.",
        "S52521A W092XXA 25600-RT",
    ),
    Case(
        "fracture in the cast",
        "office",
        "note",
        "Interval history: fracture check, 3 weeks out.\nAssessment: Left distal radius fracture,"
        " healing well. Cast changed.",
        "S52502D",
    ),
    Case(
        "severe sepsis without an organism",
        "inpatient",
        "discharge-summary",
        "Discharge diagnoses:\n1. Severe sepsis\n2. Gram-negative pneumonia\n3. Acute respiratory failure with hypoxia",
        "A419 R6520 J1569 J9601",
        "",
        "837I",
    ),
    Case("heart failure alone", "office", "note", "Assessment: Acute heart failure.", "I509"),
    Case(
        "outpatient suspicion",
        "office",
        "note",
        "HPI: Here for cough and fever since Monday.\nAssessment: Cough and fever, likely pneumonia,"
        " r/o PE.\nPlan: chest x-ray.",
        "R059 R509",
        "J18 I26",
    ),
    Case(
        "inpatient suspicion",
        "inpatient",
        "discharge-summary",
        "Discharge diagnosis:\n1. Probable aspiration pneumonia\n2. Possible COVID-19",
        "J690",
        "U07",
        "837I",
    ),
    Case(
        "advice is no disease",
        "office",
        "note",
        "HPI: Seen for blood pressure check.\nAssessment: Hypertension, controlled.\nPlan: Continue"
        " amlodipine 5 mg. Stroke and"
        " heart attack prevention discussed. Heating pad and cold packs for the back. Fall precautions.\n",
        "I10",
        "I63 I21 I73 J00 W",
    ),
    Case(
        "frozen keratoses",
        "office",
        "note",
        "HPI: Here for rough spots on the scalp.\nAssessment: Actinic keratoses, scalp.\nProcedure:"
        " Six actinic keratoses were"
        " frozen with liquid nitrogen.",
        "L570 17000 17003",
    ),
)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_note_of_a_coder(read: Read, case: Case) -> None:
    found = read(case.note, setting=case.setting, kind=case.kind, claim_form=case.claim_form)
    got = ["-".join((item.code, *item.modifiers)) for item in found.suggestions]
    wanted = case.codes.split()
    missing = [
        code for code in wanted if code not in got and not any(item.split("-")[0] == code for item in got)
    ]
    assert not missing, f"missing {missing} in {got}"
    diagnoses = [item.code for item in found.suggestions if item.system == "ICD-10-CM"]
    wrong = [code for code in diagnoses if case.forbidden and code.startswith(tuple(case.forbidden.split()))]
    assert not wrong
    assert diagnoses[0] == wanted[0]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_every_suggestion_shows_words_of_the_note(read: Read, case: Case) -> None:
    found = read(case.note, setting=case.setting, kind=case.kind, claim_form=case.claim_form)
    for item in found.suggestions:
        assert all(case.note[place.start : place.end].strip() for place in item.evidence)
