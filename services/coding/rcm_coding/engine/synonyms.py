"""Curated clinical wording: what clinicians write beside what the tabular list says.

`PHRASES` maps a written phrase to words of the tabular list (the phrase then counts as those words too).
`TERMS` adds surface terms for a code or category, as the Alphabetic Index does; refinement still walks from
there.
`SITES` says which smaller sites count as which documented site of the tabular list.
"""

PHRASES = """
pigmented mole = melanocytic nevus
mole = melanocytic nevus
moles = melanocytic nevus
pigmented nevus = melanocytic nevus
heart attack = myocardial infarction
mi = myocardial infarction
stemi = st elevation myocardial infarction
nstemi = non st elevation myocardial infarction
chf = heart failure
congestive heart failure = heart failure
cardiac failure = heart failure
hfref = systolic heart failure
hfpef = diastolic heart failure
systolic dysfunction = systolic heart failure
reduced ejection fraction = systolic
preserved ejection fraction = diastolic
copd = chronic obstructive pulmonary disease
chronic obstructive lung disease = chronic obstructive pulmonary disease
ckd = chronic kidney disease
chronic renal disease = chronic kidney disease
chronic renal insufficiency = chronic kidney disease
aki = acute kidney failure
acute kidney injury = acute kidney failure
acute renal failure = acute kidney failure
esrd = end stage renal disease
htn = hypertension
high blood pressure = hypertension
t2dm = type 2 diabetes mellitus
dm2 = type 2 diabetes mellitus
dm type 2 = type 2 diabetes mellitus
type ii diabetes = type 2 diabetes mellitus
type 2 diabetes = type 2 diabetes mellitus
type ii diabetes mellitus = type 2 diabetes mellitus
diabetes type 2 = type 2 diabetes mellitus
diabetes mellitus type 2 = type 2 diabetes mellitus
diabetes mellitus type ii = type 2 diabetes mellitus
t1dm = type 1 diabetes mellitus
type 1 diabetes = type 1 diabetes mellitus
niddm = type 2 diabetes mellitus
uti = urinary tract infection
uri = acute upper respiratory infection
gerd = gastro-esophageal reflux disease
acid reflux = gastro-esophageal reflux disease
reflux disease = gastro-esophageal reflux disease
afib = atrial fibrillation
a-fib = atrial fibrillation
cad = coronary artery atherosclerotic heart disease native
coronary artery disease = atherosclerotic heart disease native coronary artery
pe = pulmonary embolism
dvt = deep vein thrombosis
deep venous thrombosis = deep vein thrombosis
cva = cerebral infarction
stroke = cerebral infarction
ischemic stroke = cerebral infarction
tia = transient cerebral ischemic attack
osteoarthritis = osteoarthritis primary
degenerative joint disease = osteoarthritis primary
djd = osteoarthritis primary
gallstones = calculus gallbladder
gallstone = calculus gallbladder
cholelithiasis = calculus gallbladder
kidney stone = calculus kidney
kidney stones = calculus kidney
nephrolithiasis = calculus kidney
ureteral stone = calculus ureter
renal stone = calculus kidney
distal radius = lower end radius
distal radial = lower end radius
distal radius fracture = fracture lower end radius
proximal humerus = upper end humerus
distal tibia = lower end tibia
distal fibula = lower end fibula
proximal femur = upper end femur
hip fracture = fracture neck femur
broken hip = fracture neck femur
colles = colles' fracture
colles fracture = colles' fracture
colles-type = colles' fracture
non displaced = nondisplaced
undisplaced = nondisplaced
low back = low back
lbp = low back pain
lumbago = low back pain
lumbar pain = low back pain
lower back pain = low back pain
bph = benign prostatic hyperplasia
enlarged prostate = benign prostatic hyperplasia
hld = hyperlipidemia
high cholesterol = hypercholesterolemia
dyslipidemia = hyperlipidemia
hypothyroid = hypothyroidism
ra = rheumatoid arthritis
ms = multiple sclerosis
osa = obstructive sleep apnea
sleep apnea = sleep apnea
pna = pneumonia
bronchopneumonia = bronchopneumonia
community acquired pneumonia = pneumonia
community-acquired pneumonia = pneumonia
lobar consolidation = consolidation
lung nodule = pulmonary nodule
nodule of the lung = pulmonary nodule
pvd = peripheral vascular disease
pad = peripheral vascular disease
anxiety disorder = anxiety disorder
mdd = major depressive disorder
ptsd = post-traumatic stress disorder
adhd = attention-deficit hyperactivity disorder
ibs = irritable bowel syndrome
sob = shortness breath
dyspnea = dyspnea
otitis = otitis
ear infection = otitis media
pink eye = conjunctivitis
strep throat = streptococcal pharyngitis
strep pharyngitis = streptococcal pharyngitis
sore throat = pharyngitis
shingles = zoster
chickenpox = varicella
frozen shoulder = adhesive capsulitis shoulder
tennis elbow = lateral epicondylitis
carpal tunnel = carpal tunnel
torn meniscus = tear meniscus
rotator cuff tear = rotator cuff tear rupture
heel spur = calcaneal spur
bed sore = pressure ulcer
bedsore = pressure ulcer
decubitus ulcer = pressure ulcer
bcc = basal cell carcinoma
scc = squamous cell carcinoma
wart = viral wart
warts = viral wart
verruca = viral wart
verrucae = viral wart
sk = seborrheic keratosis
seborrheic keratoses = seborrheic keratosis
ak = actinic keratosis
actinic keratoses = actinic keratosis
skin tag = skin tag
skin tags = skin tag
lipoma = lipomatous neoplasm
cancer = malignant neoplasm
carcinoma = malignant neoplasm
womb = uterus
kneecap = patella
collarbone = clavicle
shin = tibia
thighbone = femur
ankle sprain = sprain ligament ankle
sprained ankle = sprain ligament ankle
wrist sprain = sprain wrist
nosebleed = epistaxis
passed out = syncope
fainting = syncope
fainted = syncope
throwing up = vomiting
overweight = overweight
morbidly obese = morbid severe obesity
morbid obesity = morbid severe obesity
tobacco abuse = nicotine dependence
smoker = nicotine dependence
tobacco use disorder = nicotine dependence
alcoholism = alcohol dependence
opioid use disorder = opioid dependence
ards = acute respiratory distress syndrome
"""

TERMS = """
hypertension > I10
essential hypertension > I10
benign hypertension > I10
heart failure > I50.9
systolic heart failure > I50.20
chronic systolic heart failure > I50.22
acute systolic heart failure > I50.21
acute on chronic systolic heart failure > I50.23
diastolic heart failure > I50.30
chronic diastolic heart failure > I50.32
acute diastolic heart failure > I50.31
acute on chronic diastolic heart failure > I50.33
combined systolic diastolic heart failure > I50.40
type 2 diabetes mellitus > E11.9
type 1 diabetes mellitus > E10.9
diabetes > E11.9
diabetes mellitus > E11.9
prediabetes > R73.03
hyperlipidemia > E78.5
hypercholesterolemia > E78.00
mixed hyperlipidemia > E78.2
hypothyroidism > E03.9
obesity > E66.9
morbid severe obesity > E66.01
overweight > E66.3
gout > M10.9
atrial fibrillation > I48.91
paroxysmal atrial fibrillation > I48.0
persistent atrial fibrillation > I48.19
permanent atrial fibrillation > I48.21
atrial flutter > I48.92
myocardial infarction > I21.9
non st elevation myocardial infarction > I21.4
atherosclerotic heart disease native coronary artery > I25.10
deep vein thrombosis > I82.40
pulmonary embolism > I26.99
cerebral infarction > I63.9
transient cerebral ischemic attack > G45.9
peripheral vascular disease > I73.9
asthma > J45.909
asthma exacerbation > J45.901
chronic obstructive pulmonary disease > J44.9
chronic obstructive pulmonary disease exacerbation > J44.1
emphysema > J43.9
pneumonia > J18.9
bronchopneumonia > J18.0
aspiration pneumonia > J69.0
acute bronchitis > J20.9
bronchitis > J40
acute respiratory failure hypoxia > J96.01
acute respiratory failure hypercapnia > J96.02
acute respiratory failure > J96.00
respiratory failure > J96.90
pharyngitis > J02.9
acute pharyngitis > J02.9
viral pharyngitis > J02.8
streptococcal pharyngitis > J02.0
tonsillitis > J03.90
sinusitis > J32.9
acute sinusitis > J01.90
acute upper respiratory infection > J06.9
common cold > J00
influenza > J11.1
allergic rhinitis > J30.9
otitis media > H66.90
acute otitis media > H66.90
conjunctivitis > H10.9
cataract > H26.9
urinary tract infection > N39.0
cystitis > N30.90
pyelonephritis > N12
acute kidney failure > N17.9
chronic kidney disease > N18.9
end stage renal disease > N18.6
calculus kidney > N20.0
calculus ureter > N20.1
benign prostatic hyperplasia > N40.0
gastro-esophageal reflux disease > K21.9
gastritis > K29.70
gastroenteritis > K52.9
constipation > K59.00
irritable bowel syndrome > K58.9
appendicitis > K37
acute appendicitis > K35.80
diverticulitis > K57.92
cholecystitis > K81.9
acute cholecystitis > K81.0
chronic cholecystitis > K81.1
calculus gallbladder > K80.20
calculus gallbladder chronic cholecystitis > K80.10
calculus gallbladder acute cholecystitis > K80.00
calculus gallbladder cholecystitis > K80.10
umbilical hernia > K42.9
inguinal hernia > K40.90
ventral hernia > K43.9
incisional hernia > K43.2
hiatal hernia > K44.9
pancreatitis > K85.90
cirrhosis > K74.60
hemorrhoids > K64.9
melanocytic nevus > D22.9
nevus > D22.9
viral wart > B07.9
plantar wart > B07.0
common wart > B07.8
seborrheic keratosis > L82.1
inflamed seborrheic keratosis > L82.0
actinic keratosis > L57.0
skin tag > L91.8
cellulitis > L03.90
eczema > L30.9
atopic dermatitis > L20.9
contact dermatitis > L25.9
psoriasis > L40.9
acne > L70.0
urticaria > L50.9
ingrown toenail > L60.0
abscess > L02.91
zoster > B02.9
osteoarthritis primary knee > M17
osteoarthritis primary hip > M16
osteoarthritis primary shoulder > M19.01
osteoarthritis primary hand > M19.04
osteoarthritis > M19.90
rheumatoid arthritis > M06.9
osteoporosis > M81.0
low back pain > M54.50
back pain > M54.9
neck pain > M54.2
cervicalgia > M54.2
sciatica > M54.3
lumbar radiculopathy > M54.16
knee pain > M25.56
shoulder pain > M25.51
hip pain > M25.55
ankle pain > M25.57
wrist pain > M25.53
elbow pain > M25.52
foot pain > M79.67
hand pain > M79.64
plantar fasciitis > M72.2
trigger finger > M65.30
carpal tunnel syndrome > G56.0
adhesive capsulitis shoulder > M75.0
rotator cuff tear > M75.10
lateral epicondylitis > M77.1
colles' fracture > S52.53
colles' fracture lower end radius > S52.53
fracture lower end radius > S52.50
fracture wrist > S62.10
fracture neck femur > S72.00
fracture clavicle > S42.00
fracture rib > S22.3
sprain ligament ankle > S93.40
sprain wrist > S63.50
concussion > S06.0
head injury > S09.90
laceration hand > S61.41
laceration forearm > S51.81
laceration finger > S61.21
laceration scalp > S01.01
laceration forehead > S01.81
anemia > D64.9
iron deficiency anemia > D50.9
iron deficiency anemia due to chronic blood loss > D50.0
iron deficiency anemia secondary to blood loss > D50.0
chronic blood loss anemia > D50.0
acute blood loss anemia > D62
sepsis > A41.9
covid-19 > U07.1
dehydration > E86.0
hyponatremia > E87.1
hypernatremia > E87.0
hypokalemia > E87.6
hyperkalemia > E87.5
depression > F32.A
major depressive disorder > F32.9
anxiety > F41.9
anxiety disorder > F41.9
generalized anxiety disorder > F41.1
bipolar disorder > F31.9
insomnia > G47.00
migraine > G43.909
epilepsy > G40.909
seizure > R56.9
parkinson disease > G20.A1
alzheimer disease > G30.9
dementia > F03.90
obstructive sleep apnea > G47.33
alcohol dependence > F10.20
nicotine dependence > F17.200
opioid dependence > F11.20
pulmonary nodule > R91.1
solitary pulmonary nodule > R91.1
multiple pulmonary nodules > R91.8
pleural effusion > J90
chest pain > R07.9
cough > R05.9
fever > R50.9
shortness breath > R06.02
dyspnea > R06.00
headache > R51.9
dizziness > R42
syncope > R55
fatigue > R53.83
nausea > R11.0
vomiting > R11.10
nausea vomiting > R11.2
diarrhea > R19.7
abdominal pain > R10.9
epigastric pain > R10.13
right upper quadrant pain > R10.11
dysuria > R30.0
hematuria > R31.9
epistaxis > R04.0
rash > R21
palpitations > R00.2
edema > R60.9
weight loss > R63.4
wheezing > R06.2
hypoxia > R09.02
hypotension > I95.9
pressure ulcer > L89.90
breast cancer > C50.91
prostate cancer > C61
malignant neoplasm breast > C50.91
malignant neoplasm prostate > C61
malignant neoplasm colon > C18.9
malignant neoplasm lung > C34.9
melanoma > C43.9
basal cell carcinoma > C44.91
squamous cell carcinoma skin > C44.92
slip fall > W01.0
trip fall > W01.0
stumble fall > W01.0
trip over > W01.0
slip on ice > W00.0
fall ice > W00.0
lumbar strain > S39.012
low back strain > S39.012
back strain > S39.012
neck strain > S16.1
cervical strain > S16.1
shoulder strain > S46.91
knee strain > S86.91
knee sprain > S83.9
pituitary adenoma > D35.2
hemianopia bitemporal > H53.47
anxiety depression > F41.8
vitamin d deficiency > E55.9
b12 deficiency > E53.8
polycystic ovarian syndrome > E28.2
endometriosis > N80.9
ovarian cyst > N83.20
uterine fibroid > D25.9
erectile dysfunction > N52.9
aortic stenosis > I35.0
mitral regurgitation > I34.0
aortic aneurysm > I71.9
varicose veins > I83.90
lymphedema > I89.0
sleep disturbance > G47.9
neuropathy > G62.9
peripheral neuropathy > G62.9
vertigo > R42
tinnitus > H93.1
hearing loss > H91.9
glaucoma > H40.9
macular degeneration > H35.30
fatty liver > K76.0
hepatitis c > B18.2
hiv > B20
bursitis > M71.9
tendinitis > M77.9
fibromyalgia > M79.7
lumbar stenosis > M48.06
herniated disc lumbar > M51.26
disc herniation lumbar > M51.26
kyphosis > M40.209
scoliosis > M41.9
carpal tunnel > G56.0
fall stairs > W10.9
fall ladder > W11
fall from bed > W06
fall > W19
dog bite > W54.0
motor vehicle collision > V89.2
motor vehicle accident > V89.2
"""

#: written site -> words of the tabular list that the site counts as
SITES = """
back = trunk
upper back = trunk
lower back = trunk
chest = trunk
abdomen = trunk
flank = trunk
waist = trunk
waistband = trunk
buttock = trunk buttock
groin = trunk
breast skin = trunk
axilla = trunk
chest wall = trunk
shoulder = upper limb shoulder
arm = upper limb shoulder
forearm = upper limb
upper arm = upper limb
elbow = upper limb
wrist = upper limb
hand = upper limb
finger = upper limb
thumb = upper limb
thigh = lower limb hip
leg = lower limb hip
knee = lower limb
calf = lower limb
ankle = lower limb
foot = lower limb
toe = lower limb
hip = lower limb hip
scalp = scalp neck
neck = scalp neck
cheek = face
nose = face nose
forehead = face
chin = face
temple = face
jaw = face
eyelid = eyelid
ear = ear external auricular canal
lip = lip
rll = lobe lower lung
lower extremity = lower limb
upper extremity = upper limb
sacrum = sacral region
sacral = sacral region
coccyx = sacral region
heel = heel
"""

#: Words too general to be a term by themselves or together.
GENERIC = """
allergy allergic allergies attack
disease disorder syndrome condition problem injury pain acute chronic infection inflammation abnormal finding
normal
complication history care examination encounter patient state status reaction change lesion mass defect
failure
deficiency excess body foreign contact exposure use lack loss stress strain pressure deformity malformation
congenital
acquired primary secondary severe mild moderate initial subsequent sequela open closed superficial multiple
single
benign malignant neoplasm ulcer stage grade first second third degree female male adult child newborn infant
skin
scar burn cyst stone tear bite dead death old upper low recurrent persistent mixed transient general local
diffuse
procedure surgery operation test treatment drug medication therapy blood bone joint muscle nerve vessel vein
artery
organ tissue head face limb trunk hand foot leg arm back chest abdomen eye ear nose throat mouth neck total
partial
complete incomplete positive negative abuse dependence withdrawal intoxication remission relapse work home
activity
fracture sprain dislocation contusion laceration abrasion swelling weakness deform stiff present age delay
period
idiopathic essential hereditary familial specific common simple complex classical typical atypical early late
remov
diagnosis symptom sign exacerbation medical clinical hospital surgical result level value range form type
feature
transport travel food water air heat cold light noise fire person family parent mother father unknown intent
discharge irritation discomfort limit limitation follow-up observation screening counsel management monitor
request
obstruct perforat hemorrhag gangren drain prior block dress wear site area region side anterior posterior
lateral
medial central peripheral proximal distal internal external superior inferior
"""
