"""Facts that generated notes are made of: what is true of the patient and the ICD-10-CM codes that it has.

Every wording comes twice, once for each part, so that nothing tuned on one part has seen the other's sentences.
`{s}` stands for the side.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Plain:
    """A condition with one set of codes. `train` and `test` are its wordings, separated by "|"."""

    codes: str
    train: str
    test: str


@dataclass(frozen=True, slots=True)
class Sided:
    """A condition with a code for each side; an empty code: that side is not generated."""

    right: str
    left: str
    both: str
    train: str
    test: str


@dataclass(frozen=True, slots=True)
class Injury:
    """An injury without its 7th character for right and left."""

    right: str
    left: str
    train: str
    test: str


#: Everyday conditions beside the case; none of them joins with another code.
FILLERS = (
    Plain("E785", "hyperlipidemia|HLD", "elevated lipids (hyperlipidemia)|dyslipidemia"),
    Plain("E039", "hypothyroidism", "acquired hypothyroidism|underactive thyroid (hypothyroidism)"),
    Plain("K219", "GERD|gastroesophageal reflux disease", "acid reflux disease (GERD)|reflux, GERD"),
    Plain("G4733", "obstructive sleep apnea|OSA", "OSA on CPAP|obstructive sleep apnoea"),
    Plain("E559", "vitamin D deficiency", "vit D deficiency|deficiency of vitamin D"),
    Plain("M810", "osteoporosis", "senile osteoporosis|age-related osteoporosis"),
    Plain("J309", "allergic rhinitis", "rhinitis, allergic"),
    Plain("F411", "generalized anxiety disorder|GAD", "anxiety disorder, generalized"),
    Plain("N401", "BPH with lower urinary tract symptoms", "benign prostatic hyperplasia with LUTS"),
    Plain("G2581", "restless legs syndrome", "RLS (restless leg syndrome)"),
    Plain("M1A9XX0", "chronic gout", "gout, chronic"),
    Plain("D509", "iron deficiency anemia", "anemia due to iron deficiency"),
)
#: Conditions of a short visit.
SIMPLE = (
    Plain("J029", "acute pharyngitis", "pharyngitis, acute"),
    Plain("N390", "urinary tract infection|UTI", "lower UTI|infection of the urinary tract"),
    Plain("J069", "acute upper respiratory infection|URI", "upper respiratory tract infection, acute"),
    Plain("M5450", "low back pain", "lumbago|lower back pain"),
    Plain("G43909", "migraine", "migraine headaches"),
    Plain("J0190", "acute sinusitis", "sinusitis, acute"),
    Plain("K5900", "constipation", "constipation, unspecified"),
    Plain("I10", "hypertension|essential hypertension|HTN", "high blood pressure|hypertension, benign"),
    Plain("E119", "type 2 diabetes|type 2 diabetes mellitus", "T2DM|diabetes mellitus type 2"),
    Plain("I4891", "atrial fibrillation", "A-fib|atrial fib"),
    Plain("J449", "COPD", "chronic obstructive pulmonary disease"),
    Plain("I2510", "coronary artery disease", "CAD, native vessels|coronary atherosclerosis"),
    Plain("F32A", "depression", "depression, unspecified"),
    Plain("L700", "acne vulgaris", "acne (vulgaris)"),
    Plain("B029", "herpes zoster|shingles", "zoster without complication"),
    Plain("K580", "irritable bowel syndrome with diarrhea", "IBS, diarrhea predominant"),
    Plain("I5022", "chronic systolic heart failure", "chronic HFrEF|heart failure, chronic systolic"),
    Plain("I5032", "chronic diastolic heart failure", "HFpEF, chronic|heart failure, chronic diastolic"),
    Plain("N184", "chronic kidney disease stage 4|CKD stage 4", "stage IV CKD|stage 4 chronic renal disease"),
    Plain("N1831", "CKD stage 3a", "stage 3a chronic kidney disease"),
    Plain("J4540", "moderate persistent asthma", "asthma, moderate persistent"),
    Plain(
        "J4521",
        "mild intermittent asthma with acute exacerbation",
        "exacerbation of mild intermittent asthma",
    ),
    Plain("L89153", "stage 3 pressure ulcer of the sacrum", "sacral decubitus ulcer, stage III"),
    Plain("C61", "prostate cancer", "adenocarcinoma of the prostate"),
    Plain("I480", "paroxysmal atrial fibrillation", "PAF|atrial fibrillation, paroxysmal"),
    Plain("F331", "major depressive disorder, recurrent, moderate", "recurrent MDD, moderate"),
)
SIDED = (
    Sided("M1711", "M1712", "M170", "osteoarthritis of the {s} knee", "{s} knee osteoarthritis|{s} knee OA"),
    Sided("M1611", "M1612", "M160", "osteoarthritis of the {s} hip|{s} hip osteoarthritis", "{s} hip OA"),
    Sided("G5601", "G5602", "G5603", "{s} carpal tunnel syndrome", "carpal tunnel syndrome, {s} wrist"),
    Sided("H6691", "H6692", "H6693", "{s} otitis media", "otitis media of the {s} ear|{s} ear otitis media"),
    Sided("H6121", "H6122", "H6123", "impacted cerumen of the {s} ear", "cerumen impaction, {s} ear"),
    Sided("M7711", "M7712", "", "{s} lateral epicondylitis", "tennis elbow, {s}"),
    Sided("M7661", "M7662", "", "{s} Achilles tendinitis", "Achilles tendonitis on the {s}"),
    Sided(
        "L03115",
        "L03116",
        "",
        "cellulitis of the {s} lower leg|{s} leg cellulitis",
        "{s} lower extremity cellulitis",
    ),
    Sided("M25561", "M25562", "", "{s} knee pain|pain in the {s} knee", "painful {s} knee|knee pain, {s}"),
    Sided("M25511", "M25512", "", "{s} shoulder pain", "pain of the {s} shoulder"),
    Sided("M5431", "M5432", "", "{s} sciatica", "sciatica, {s} side"),
    Sided("M7061", "M7062", "", "trochanteric bursitis of the {s} hip", "{s} trochanteric bursitis"),
    Sided("M2011", "M2012", "", "hallux valgus of the {s} foot", "{s} hallux valgus"),
    Sided(
        "H2511",
        "H2512",
        "H2513",
        "age-related nuclear cataract, {s} eye",
        "nuclear sclerotic cataract of the {s} eye",
    ),
    Sided("M7541", "M7542", "", "impingement syndrome of the {s} shoulder", "{s} shoulder impingement"),
    Sided(
        "C50911",
        "C50912",
        "",
        "breast cancer, {s}",
        "{s} breast carcinoma|malignant neoplasm of the {s} breast",
    ),
    Sided("H1031", "H1032", "H1033", "acute conjunctivitis of the {s} eye", "{s} acute conjunctivitis"),
)
INJURIES = (
    Injury("S52531", "S52532", "Colles' fracture of the {s} radius", "{s} Colles fracture"),
    Injury("S93401", "S93402", "sprain of the {s} ankle|{s} ankle sprain", "sprained {s} ankle"),
    Injury("S63501", "S63502", "{s} wrist sprain", "sprain of the {s} wrist"),
    Injury(
        "S42001", "S42002", "fracture of the {s} clavicle", "{s} clavicle fracture|{s} collarbone fracture"
    ),
    Injury("S8001X", "S8002X", "contusion of the {s} knee", "{s} knee contusion"),
    Injury(
        "S82841",
        "S82842",
        "displaced bimalleolar fracture of the {s} ankle",
        "{s} bimalleolar ankle fracture, displaced",
    ),
    Injury("S76111", "S76112", "strain of the {s} quadriceps", "{s} quadriceps strain"),
    Injury("S83511", "S83512", "sprain of the anterior cruciate ligament of the {s} knee", "{s} ACL sprain"),
    Injury("S51811", "S51812", "laceration of the {s} forearm", "{s} forearm laceration"),
    Injury("S72001", "S72002", "fracture of the neck of the {s} femur", "{s} femoral neck fracture"),
)
#: Combinations and "with" conventions. Inpatient only where said in COMBINED_INPATIENT.
COMBINED = (
    Plain(
        "E1122 N184", "type 2 diabetes // Chronic kidney disease, stage 4", "T2DM with diabetic CKD stage 4"
    ),
    Plain(
        "E1122 N1830", "type 2 diabetes with stage 3 chronic kidney disease", "CKD stage 3 in type 2 diabetes"
    ),
    Plain("E1142", "type 2 diabetes with polyneuropathy", "diabetic polyneuropathy in type 2 diabetes"),
    Plain("E1140", "type 2 diabetes with neuropathy", "diabetic neuropathy, type 2 diabetes"),
    Plain(
        "E1165", "type 2 diabetes with hyperglycemia", "poorly controlled type 2 diabetes with hyperglycemia"
    ),
    Plain("E1065", "type 1 diabetes with hyperglycemia", "type 1 diabetes mellitus, hyperglycemia"),
    Plain("E11649", "type 2 diabetes with hypoglycemia", "hypoglycemia in type 2 diabetes"),
    Plain("E11319", "type 2 diabetes with diabetic retinopathy", "diabetic retinopathy, type 2 diabetes"),
    Plain(
        "E1151",
        "type 2 diabetes with peripheral angiopathy",
        "peripheral vascular disease due to type 2 diabetes",
    ),
    Plain("E119 Z794", "type 2 diabetes, on long-term insulin", "T2DM, long term insulin use"),
    Plain(
        "I110 I5022",
        "hypertension // Chronic systolic heart failure",
        "chronic systolic heart failure with hypertension",
    ),
    Plain(
        "I110 I5033",
        "hypertension // Acute on chronic diastolic heart failure",
        "HTN, acute on chronic HFpEF",
    ),
    Plain("I129 N1832", "hypertension // CKD stage 3b", "stage 3b CKD with hypertension"),
    Plain("I120 N186", "hypertension with ESRD", "end-stage renal disease, hypertensive"),
    Plain(
        "I130 I5022 N184",
        "hypertension, chronic systolic heart failure and CKD stage 4",
        "hypertensive heart and kidney disease with chronic systolic heart failure and stage 4 CKD",
    ),
    Plain("J441", "COPD exacerbation|acute exacerbation of COPD", "COPD with acute exacerbation|AECOPD"),
    Plain(
        "J440 J209",
        "COPD with acute bronchitis",
        "acute bronchitis and chronic obstructive pulmonary disease",
    ),
    Plain(
        "J4541",
        "moderate persistent asthma with acute exacerbation",
        "exacerbation of moderate persistent asthma",
    ),
    Plain("N390 B9620", "urinary tract infection due to E. coli", "E coli UTI"),
    Plain(
        "E6601 Z6841",
        "morbid obesity with BMI 41.3",
        "severe obesity due to excess calories, body mass index of 42",
    ),
    Plain("N186 D631", "ESRD // Anemia in chronic kidney disease", "anemia due to end stage renal disease"),
    Plain("I25119", "coronary artery disease with angina", "CAD with angina pectoris"),
    Plain("K8010", "cholelithiasis with chronic cholecystitis", "gallstones // Chronic cholecystitis"),
    Plain("G309 F0280", "Alzheimer's disease with dementia", "Alzheimer dementia"),
    Plain("K5732", "diverticulitis of the colon", "sigmoid diverticulitis|colonic diverticulitis"),
    Plain(
        "F10230",
        "alcohol dependence with uncomplicated withdrawal",
        "alcohol withdrawal, uncomplicated, in alcohol dependence",
    ),
    Plain(
        "I69351",
        "right-sided hemiplegia following stroke, right dominant",
        "right dominant side hemiplegia as sequela of cerebral infarction",
    ),
    Plain("K7030", "alcoholic cirrhosis of the liver", "cirrhosis due to alcohol"),
    Plain("M069", "rheumatoid arthritis", "RA (rheumatoid arthritis)"),
)
COMBINED_INPATIENT = (
    Plain(
        "A4151 R6520 N179",
        "severe sepsis due to E. coli with acute kidney injury",
        "E coli sepsis, severe, with AKI",
    ),
    Plain("A419 R6521 J189", "septic shock due to pneumonia", "pneumonia with sepsis and septic shock"),
    Plain("J440 J189", "COPD with pneumonia", "pneumonia, chronic obstructive pulmonary disease"),
    Plain(
        "J9601 J189",
        "pneumonia with acute hypoxic respiratory failure",
        "acute respiratory failure with hypoxia, pneumonia",
    ),
    Plain(
        "J9622 J441",
        "acute on chronic hypercapnic respiratory failure, COPD exacerbation",
        "AECOPD with acute on chronic respiratory failure with hypercapnia",
    ),
    Plain(
        "I110 I5023",
        "hypertension // Acute on chronic systolic heart failure",
        "acute on chronic HFrEF, hypertension",
    ),
    Plain("I214", "NSTEMI", "non-ST elevation myocardial infarction"),
    Plain("N179 E875", "acute kidney injury with hyperkalemia", "AKI // Hyperkalemia"),
    Plain("J690", "aspiration pneumonia", "pneumonitis due to aspiration of food"),
    Plain("G9341", "metabolic encephalopathy", "encephalopathy, metabolic"),
    Plain("E871", "hyponatremia", "low sodium (hyponatremia)"),
    Plain("I2699", "acute pulmonary embolism", "pulmonary embolus, acute"),
    Plain("K810", "acute cholecystitis", "cholecystitis, acute"),
    Plain("E43", "severe protein-calorie malnutrition", "severe malnutrition"),
    Plain("D62", "acute blood loss anemia", "anemia due to acute blood loss"),
)
#: Pregnancy: codes with {t} for the trimester's digit (1, 2, 3), for these trimesters.
PREGNANT: tuple[tuple[Plain, str], ...] = (
    (
        Plain(
            "O24410", "gestational diabetes, diet controlled", "diet-controlled gestational diabetes mellitus"
        ),
        "23",
    ),
    (Plain("O13{t}", "gestational hypertension", "gestational hypertension without proteinuria"), "23"),
    (Plain("O140{t}", "mild preeclampsia", "mild pre-eclampsia"), "23"),
    (Plain("O141{t}", "severe preeclampsia", "severe pre-eclampsia"), "23"),
    (Plain("O234{t}", "urinary tract infection in pregnancy", "UTI in pregnancy"), "123"),
    (Plain("O210", "mild hyperemesis gravidarum", "hyperemesis gravidarum, mild"), "1"),
    (
        Plain(
            "O440{t}", "complete placenta previa without hemorrhage", "placenta previa, complete, no bleeding"
        ),
        "23",
    ),
    (
        Plain("O3004{t}", "dichorionic diamniotic twin pregnancy", "twin pregnancy, dichorionic/diamniotic"),
        "123",
    ),
    (Plain("O200", "threatened abortion", "threatened miscarriage"), "1"),
)
#: Conditions that get denied, feared, suspected or belong to a relative: (forbidden codes' prefixes, wordings).
ABSENT = (
    Plain("J18", "pneumonia", "pneumonia"),
    Plain("I26", "pulmonary embolism", "pulmonary embolus"),
    Plain("I21", "myocardial infarction", "heart attack"),
    Plain("I63", "stroke", "cerebral infarction"),
    Plain("E11", "diabetes", "type 2 diabetes"),
    Plain("C18", "colon cancer", "cancer of the colon"),
    Plain("C50", "breast cancer", "carcinoma of the breast"),
    Plain("I82", "deep vein thrombosis", "DVT"),
    Plain("J45", "asthma", "bronchial asthma"),
    Plain("G40", "epilepsy", "seizure disorder"),
    Plain("K35", "acute appendicitis", "appendicitis"),
    Plain("A41", "sepsis", "septicemia"),
    Plain("M05 M06", "rheumatoid arthritis", "rheumatoid arthritis"),
    Plain("N20", "kidney stones", "nephrolithiasis"),
    Plain("D64 D50", "anemia", "anaemia"),
    Plain("G35", "multiple sclerosis", "multiple sclerosis"),
)
#: Suspected in an outpatient: the sign is coded, the suspicion is not.
SUSPECTED = (
    Plain("R059", "cough", "coughing"),
    Plain("R509", "fever", "fever"),
    Plain("R0602", "shortness of breath", "shortness of breath"),
    Plain("R109", "abdominal pain", "abdominal pain"),
    Plain("R079", "chest pain", "chest pain"),
    Plain("R42", "dizziness", "dizziness"),
    Plain("R5383", "fatigue", "fatigue"),
    Plain("R630", "loss of appetite", "poor appetite"),
)
SUSPICIONS = (
    Plain("J18", "pneumonia", "pneumonia"),
    Plain("I26", "pulmonary embolism", "pulmonary embolus"),
    Plain("K57", "diverticulitis", "diverticulitis"),
    Plain("E03", "hypothyroidism", "hypothyroidism"),
    Plain("D50 D64", "anemia", "iron deficiency anemia"),
    Plain("C34", "lung cancer", "carcinoma of the lung"),
    Plain("I20", "angina", "angina"),
    Plain("H81", "Meniere's disease", "vestibular neuronitis"),
    Plain("K50", "Crohn's disease", "Crohn disease"),
)
#: Old conditions that have a history code of their own.
PAST = (
    Plain("Z853", "history of breast cancer", "personal history of breast cancer"),
    Plain("Z8546", "history of prostate cancer", "personal history of prostate cancer"),
    Plain("Z8673", "history of stroke without residual deficits", "prior stroke, no residual deficits"),
    Plain("Z87891", "former smoker", "quit smoking ten years ago, ex-smoker"),
    Plain("I252", "old myocardial infarction", "prior MI"),
    Plain("Z86718", "history of deep vein thrombosis", "personal history of DVT"),
)
