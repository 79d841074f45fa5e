"""Words that mean the same in titles and in speech. Each line is one group; single words only."""

_GROUPS = """
stomach gastric
liver hepatic
kidney renal nephric
lung pulmonary
heart cardiac
brain cerebral
bowel intestine intestinal
bladder vesical
breast mammary
womb uterus uterine
ovary ovarian
testis testicle testicular
skin cutaneous dermal
bone osseous
nerve neural
muscle muscular
vein venous
artery arterial
gallbladder cholecystic
tongue lingual
cheek buccal
lip labial
eye ocular ophthalmic
ear otic aural
nose nasal
mouth oral
tooth dental
gum gingival
throat pharynx pharyngeal
voicebox larynx laryngeal
windpipe trachea tracheal
gullet esophagus esophageal
spleen splenic
pancreas pancreatic
rectum rectal
anus anal
colon colonic
duodenum duodenal
ileum ileal
jejunum jejunal
appendix appendiceal
prostate prostatic
thyroid thyroidal
adrenal suprarenal
spine spinal vertebral
neck cervical
back dorsal
chest thorax thoracic
belly tummy abdomen abdominal
ache pain hurt
groin inguinal
navel umbilicus umbilical
armpit axilla axillary
shin tibia tibial
thighbone femur femoral
kneecap patella patellar
collarbone clavicle clavicular
breastbone sternum sternal
shoulderblade scapula scapular
heelbone calcaneus calcaneal
jawbone mandible mandibular
tailbone coccyx
skull cranium cranial
thumb pollex
cancer malignant carcinoma
tumor neoplasm neoplastic
newborn neonatal neonate
pregnancy gestation gestational
child childhood pediatric juvenile
childbirth birth delivery
stone calculus lithiasis
bleeding hemorrhage hemorrhagic
clot thrombus thrombosis
swelling edema
bruise contusion
cut laceration
itching pruritus itch
fainting syncope
dizziness vertigo giddiness
hives urticaria
shingles zoster
chickenpox varicella
whooping pertussis
measles rubeola
mumps parotitis
rabies hydrophobia
tetanus lockjaw
leprosy hansen
rash eruption
yeast candida candidiasis
fungal mycosis mycotic
worm helminthiasis
tick ixodid
itchy pruritic
baldness alopecia
wart verruca
mole nevus
boil furuncle
corn callosity
bedsore decubitus
deafness hearing
blindness vision
cataracts cataract lenticular
squint strabismus
nearsighted myopia
farsighted hypermetropia
jaundice icterus
heartburn pyrosis
hiccup hiccough
piles hemorrhoid
constipated constipation
diarrhea diarrheal
vomiting emesis
bedwetting enuresis
incontinent incontinence
stroke infarction
seizure convulsion
epilepsy epileptic
palsy paralysis paralytic
paralyzed paralysis
numbness anesthesia
tingling paresthesia
tremor shaking
sleeplessness insomnia
anxious anxiety
depressed depression depressive
drunk alcohol alcoholic
smoking tobacco nicotine
addiction dependence
narrowing stenosis stricture
blockage obstruction occlusion
widening dilatation dilation ectasia
softening malacia
hardening sclerosis
scarring fibrosis fibrotic
inflammation inflammatory
infected infection infective
enlarged enlargement hypertrophy
absence agenesis aplasia
underdeveloped hypoplasia
inherited hereditary familial
inborn congenital
acquired nontraumatic
surgical postprocedural postoperative
broken fracture
dislocated dislocation
sprained sprain
torn tear rupture
burned burn
frozen frostbite
drowned drowning
choking asphyxia suffocation
poisoned poisoning toxic
overdose poisoning
splinter superficial
bitten bite
stung sting
murder assault homicide
suicide intentional
car automobile
bike bicycle pedal
sugar glucose
salt sodium
potassium kalemia
calcium calcemia
iron ferric
fat lipid
fatty steatosis steatotic
cholesterol cholesterolemia
overweight obesity
thin underweight
thirst polydipsia
sweating hyperhidrosis
checkup examination
shot immunization vaccination
vaccine immunization vaccination
donor donation
transplant graft
artificial prosthetic
missing absence
removed absence
late sequela
tb tuberculosis
flu influenza
atresia occlusion stenosis
antepartum pregnancy
postpartum puerperium puerperal
jaw mandible mandibular maxilla
fallopian uterine
gangrenous gangrene
fx fracture
dilatation dilated
atheroma atherosclerosis atherosclerotic arteriosclerosis
obstruction stenosis
extrusion exposure protrusion
supernumerary accessory
"""


def groups() -> list[list[str]]:
    """Return the groups as lists of words."""
    return [line.split() for line in _GROUPS.strip().splitlines()]


#: What operations are called, and the words of ICD-10-PCS titles that they stand for.
OPERATIONS = """
laparoscopic = percutaneous endoscopic
laparoscopically = percutaneous endoscopic
thoracoscopic = percutaneous endoscopic
arthroscopic = percutaneous endoscopic
endoscopic = natural artificial opening endoscopic
cholecystectomy = resection gallbladder
appendectomy = resection appendix
hysterectomy = resection uterus
oophorectomy = resection ovary
salpingectomy = resection fallopian tube
mastectomy = resection breast
lumpectomy = excision breast
lobectomy = resection lobe lung
pneumonectomy = resection lung
nephrectomy = resection kidney
splenectomy = resection spleen
thyroidectomy = resection thyroid gland
prostatectomy = resection prostate
colectomy = resection large intestine
gastrectomy = resection stomach
cystectomy = resection bladder
tonsillectomy = resection tonsils
amputation = detachment
biopsy = excision diagnostic
debridement = excision
lysis of adhesions = release
angioplasty = dilation
stenting = dilation intraluminal device
thrombectomy = extirpation
lithotripsy = fragmentation
cabg = bypass coronary artery
bypass graft = bypass
orif = reposition internal fixation open
closed reduction = reposition external
hip replacement = replacement hip joint
knee replacement = replacement knee joint
arthroplasty = replacement joint
spinal fusion = fusion vertebral joint
laminectomy = release spinal
herniorrhaphy = repair abdominal wall
hernia repair = repair abdominal wall
cesarean section = extraction products of conception
c section = extraction products of conception
vaginal delivery = delivery products of conception
intubation = insertion endotracheal airway trachea
ventilation = respiratory ventilation
mechanical ventilation = respiratory ventilation
tracheostomy = bypass trachea cutaneous
colonoscopy = inspection lower intestinal tract
bronchoscopy = inspection tracheobronchial tree
egd = inspection upper intestinal tract
transfusion = transfusion red blood cells
dialysis = performance of urinary filtration
hemodialysis = performance of urinary filtration
central line = insertion infusion device superior vena cava
chest tube = drainage pleural cavity drainage device
paracentesis = drainage peritoneal cavity
thoracentesis = drainage pleural cavity
lumbar puncture = drainage spinal canal
"""
