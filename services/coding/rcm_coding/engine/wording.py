"""More clinical wording beside `synonyms`: abbreviations, and terms that the tabular list does not spell out.

Same two formats. A term here is written as clinicians write it; refinement still walks from its code.
"""

MORE_PHRASES = """
atn = acute tubular necrosis
buckle fracture = torus fracture
colonic = colon
alzheimer dementia = alzheimer disease dementia
alzheimer's dementia = alzheimer disease dementia
adenocarcinoma = malignant neoplasm
apnoea = apnea
dyspnoea = dyspnea
leukaemia = leukemia
hypoglycaemia = hypoglycemia
hyperglycaemia = hyperglycemia
oesophagitis = esophagitis
orthopnoea = orthopnea
vit = vitamin
painful = pain
gad = generalized anxiety disorder
rls = restless legs syndrome
fibrillation of the atria = atrial fibrillation
atrial fib = atrial fibrillation
a fib = atrial fibrillation
paf = paroxysmal atrial fibrillation
high cholesterol and triglycerides = mixed hyperlipidemia
dyslipidaemia = hyperlipidemia
hypercholesterolaemia = hypercholesterolemia
underactive thyroid = hypothyroidism
overactive thyroid = hyperthyroidism
water on the lungs = pulmonary edema
heart failure with reduced ejection fraction = systolic heart failure
heart failure with preserved ejection fraction = diastolic heart failure
adhf = acute heart failure
aechf = acute heart failure
copd exacerbation = chronic obstructive pulmonary disease exacerbation
aecopd = chronic obstructive pulmonary disease exacerbation
iddm = type 1 diabetes mellitus
dm1 = type 1 diabetes mellitus
dm type 1 = type 1 diabetes mellitus
t1d = type 1 diabetes mellitus
t2d = type 2 diabetes mellitus
type ii dm = type 2 diabetes mellitus
type 2 dm = type 2 diabetes mellitus
dka = diabetes ketoacidosis
renal insufficiency = kidney disease
renal failure = kidney failure
renal disease = kidney disease
end-stage kidney disease = end stage renal disease
eskd = end stage renal disease
kidney injury = kidney failure
pulmonary embolus = pulmonary embolism
pulmonary emboli = pulmonary embolism
blood clot in the lung = pulmonary embolism
ich = intracerebral hemorrhage
brain attack = cerebral infarction
mini stroke = transient cerebral ischemic attack
non-stemi = non st elevation myocardial infarction
nste-mi = non st elevation myocardial infarction
non-st elevation myocardial infarction = non st elevation myocardial infarction
non-st segment elevation myocardial infarction = non st elevation myocardial infarction
st segment elevation myocardial infarction = st elevation myocardial infarction
acs = acute coronary syndrome
afl = atrial flutter
aaa = abdominal aortic aneurysm
ugib = gastrointestinal hemorrhage
gib = gastrointestinal hemorrhage
gi bleed = gastrointestinal hemorrhage
gi bleeding = gastrointestinal hemorrhage
sbo = small bowel obstruction
bowel obstruction = intestinal obstruction
ulcerative colitis = ulcerative colitis
etoh = alcohol
alcohol use disorder = alcohol dependence
bladder infection = cystitis
kidney infection = pyelonephritis
bppv = benign paroxysmal vertigo
tbi = traumatic brain injury
oa = osteoarthritis primary
arthrosis = osteoarthritis primary
degenerative arthritis = osteoarthritis primary
tendonitis = tendinitis
acl = anterior cruciate ligament
mcl = medial collateral ligament
collar bone = clavicle
breastbone = sternum
ddd = disc degeneration
degenerative disc disease = disc degeneration
slipped disc = disc displacement
pcos = polycystic ovarian syndrome
ckd = chronic kidney disease
chronic renal failure = chronic kidney disease
heart burn = heartburn
luts = lower urinary tract symptoms
pre-eclampsia = preeclampsia
diet-controlled = diet controlled
large bowel = large intestine
gallbladder stones = calculus gallbladder
miscarriage = abortion
ocd = obsessive-compulsive disorder
sle = systemic lupus erythematosus
tb = tuberculosis
mrsa = methicillin resistant staphylococcus aureus
mssa = methicillin susceptible staphylococcus aureus
hsv = herpes simplex
poor appetite = anorexia
loss of appetite = anorexia
decreased appetite = anorexia
heart block = atrioventricular block
low sodium = hyponatremia
low potassium = hypokalemia
high potassium = hyperkalemia
low blood sugar = hypoglycemia
high blood sugar = hyperglycemia
low platelets = thrombocytopenia
piles = hemorrhoids
belly pain = abdominal pain
stomach pain = abdominal pain
bellyache = abdominal pain
trouble breathing = shortness breath
difficulty breathing = shortness breath
coughing = cough
tiredness = fatigue
lightheadedness = dizziness
light-headedness = dizziness
lightheaded = dizziness
dizzy = dizziness
"""

MORE_TERMS = """
chronic pain > G89.29
acute tubular necrosis > N17.0
inferior st elevation myocardial infarction > I21.19
anterior st elevation myocardial infarction > I21.09
allergic contact dermatitis > L23.9
foot ulcer > L97.5
plantar ulcer > L97.5
toe ulcer > L97.5
heel ulcer > L97.4
ankle ulcer > L97.3
calf ulcer > L97.2
leg ulcer > L97.9
fall playground > W09.8
fall monkey bars > W09.2
fall jungle gym > W09.2
fall swing > W09.1
fall trampoline > W09.8
venous insufficiency > I87.2
tenosynovitis de quervain > M65.4
vaginal bleeding > N93.9
aspiration pneumonitis > J69.0
pneumonitis aspiration food > J69.0
severe obesity > E66.01
severe obesity excess calories > E66.01
morbid obesity > E66.01
allergic reaction > T78.40
acute calculous cholecystitis > K80.00
calculous cholecystitis > K80.10
chronic calculous cholecystitis > K80.10
knife > W26.0
kitchen knife > W26.0
struck by ball > W21.00
cat bite > W55.01
bee sting > T63.441
hot water burn > X12
fall from bicycle > V18.0
bicycle accident > V19.9
elevated blood pressure > R03.0
acute heart failure > I50.9
acute on chronic heart failure > I50.9
chronic heart failure > I50.9
decompensated heart failure > I50.9
sprain ankle > S93.40
sprain knee > S83.9
sprain foot > S93.60
sprain finger > S63.61
sprain thumb > S63.60
sprain elbow > S53.40
sprain shoulder > S43.40
sprain anterior cruciate ligament > S83.51
sprain medial collateral ligament > S83.41
strain quadriceps > S76.11
strain hamstring > S76.31
strain groin > S76.21
strain calf > S86.11
strain achilles > S86.01
strain rotator cuff > S46.01
strain biceps > S46.21
strain wrist > S66.91
strain hip > S76.01
strain thigh > S76.91
strain forearm > S56.91
rotator cuff strain > S46.01
fracture ankle > S82.89
bimalleolar fracture > S82.84
trimalleolar fracture > S82.85
lateral malleolus fracture > S82.6
medial malleolus fracture > S82.5
fracture femoral neck > S72.00
intertrochanteric fracture > S72.14
fracture hip > S72.00
boxer fracture > S62.33
diverticulitis colon > K57.32
diverticulitis sigmoid > K57.32
diverticulitis large intestine > K57.32
diverticulosis > K57.30
diverticulosis colon > K57.30
moderate protein calorie malnutrition > E44.0
severe malnutrition > E43
severe protein calorie malnutrition > E43
moderate malnutrition > E44.0
mild malnutrition > E44.1
malnutrition > E46
anemia acute blood loss > D62
anemia chronic kidney disease > D63.1
anemia end stage renal disease > D63.1
anemia chronic disease > D63.8
anemia iron deficiency > D50.9
anemia b12 deficiency > D51.9
alcoholic cirrhosis > K70.30
cirrhosis alcohol > K70.30
alcohol dependence withdrawal > F10.239
alcohol withdrawal > F10.939
alcohol dependence uncomplicated withdrawal > F10.230
opioid dependence withdrawal > F11.23
delirium tremens > F10.231
alcohol abuse > F10.10
alcohol intoxication > F10.929
restless legs syndrome > G25.81
benign prostatic hyperplasia lower urinary tract symptoms > N40.1
preeclampsia > O14.9
mild preeclampsia > O14.0
severe preeclampsia > O14.1
gestational hypertension > O13
gestational diabetes > O24.419
gestational diabetes diet controlled > O24.410
gestational diabetes insulin > O24.414
hyperemesis gravidarum > O21.0
mild hyperemesis gravidarum > O21.0
complete placenta previa > O44.0
placenta previa > O44.0
threatened abortion > O20.0
dichorionic diamniotic twin > O30.04
monochorionic diamniotic twin > O30.03
twin pregnancy > O30.00
preterm labor > O60.0
type 2 diabetes mellitus hyperglycemia > E11.65
type 1 diabetes mellitus hyperglycemia > E10.65
type 2 diabetes mellitus hypoglycemia > E11.649
type 1 diabetes mellitus hypoglycemia > E10.649
type 2 diabetes mellitus uncontrolled > E11.65
type 2 diabetes mellitus poorly controlled > E11.65
type 2 diabetes mellitus out of control > E11.65
type 1 diabetes mellitus poorly controlled > E10.65
type 2 diabetes mellitus polyneuropathy > E11.42
type 2 diabetes mellitus peripheral neuropathy > E11.42
type 1 diabetes mellitus polyneuropathy > E10.42
type 2 diabetes mellitus neuropathy > E11.40
type 1 diabetes mellitus neuropathy > E10.40
type 2 diabetes mellitus retinopathy > E11.319
type 1 diabetes mellitus retinopathy > E10.319
type 2 diabetes mellitus nephropathy > E11.21
type 2 diabetes mellitus peripheral vascular disease > E11.51
type 2 diabetes mellitus peripheral angiopathy > E11.51
type 2 diabetes mellitus gastroparesis > E11.43
type 2 diabetes mellitus foot ulcer > E11.621
type 2 diabetes mellitus ketoacidosis > E11.10
type 1 diabetes mellitus ketoacidosis > E10.10
diabetes neuropathy > E11.40
diabetes polyneuropathy > E11.42
diabetes peripheral neuropathy > E11.42
diabetes retinopathy > E11.319
diabetes nephropathy > E11.21
diabetes gastroparesis > E11.43
diabetes foot ulcer > E11.621
diabetes ketoacidosis > E11.10
coronary artery disease angina > I25.119
atherosclerotic heart disease native coronary artery angina > I25.119
unstable angina > I20.0
angina > I20.9
angina pectoris > I20.9
st elevation myocardial infarction > I21.3
old myocardial infarction > I25.2
acute coronary syndrome > I24.9
abdominal aortic aneurysm > I71.40
pulmonary edema acute > J81.0
small bowel obstruction > K56.609
gastrointestinal hemorrhage > K92.2
melena > K92.1
hematemesis > K92.0
rectal bleeding > K62.5
metabolic encephalopathy > G93.41
toxic encephalopathy > G92.8
hepatic encephalopathy > K76.82
encephalopathy > G93.40
delirium > R41.0
altered mental status > R41.82
vascular dementia > F01.50
gram negative pneumonia > J15.69
klebsiella pneumonia > J15.0
pseudomonas pneumonia > J15.1
mrsa pneumonia > J15.212
methicillin resistant staphylococcus aureus pneumonia > J15.212
pneumococcal pneumonia > J13
streptococcus pneumoniae pneumonia > J13
bacterial pneumonia > J15.9
viral pneumonia > J12.9
severe sepsis > R65.20
septic shock > R65.21
acute conjunctivitis > H10.3
nuclear cataract > H25.1
nuclear sclerotic cataract > H25.1
cerumen impaction > H61.2
impingement shoulder > M75.4
impingement syndrome shoulder > M75.4
trochanteric bursitis > M70.6
hallux valgus > M20.1
achilles tendinitis > M76.6
senile osteoporosis > M81.0
anorexia > R63.0
herpes zoster > B02.9
influenza a > J10.1
hypothyroidism acquired > E03.9
lumbar spinal stenosis > M48.061
gout acute > M10.9
chronic gout > M1A.9
uncomplicated zoster > B02.9
"""
