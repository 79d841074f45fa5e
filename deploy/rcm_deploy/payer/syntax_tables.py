"""What the two 837 guides allow: segment ids, limits, unit codes, and the loop of each name."""

MAX_CLAIM_CONTROL = 20
MAX_LINES = {"837P": 50, "837I": 999}

#: Segment ids the two 837 guides use.
_SEGMENTS = """
AMT BHT CAS CL1 CLM CN1 CR1 CR2 CR3 CRC CTP CUR DMG DTP FRM HCP HI HL K3 LIN LQ LX MEA MIA MOA N3 N4 NM1 NTE
OI PAT PER PRV PS1 PWK QTY REF SBR SE ST SV1 SV2 SVD UR
"""
SEGMENTS = frozenset(_SEGMENTS.split())

RELATIONSHIP_ORDERS = frozenset("ABCDEFGHPSTU")
UNITS = {"837P": frozenset({"UN", "MJ"}), "837I": frozenset({"UN", "DA"})}

NEEDS_ID = frozenset(
    {"submitter", "receiver", "billing", "subscriber", "payer", "other-insured", "other-payer"}
)

#: Pay-to address, corrected name, service facility, ambulance drop-off and pick-up.
MAY_BE_NAMELESS = frozenset({"87", "74", "77", "45", "PW"})

NAME_LOOPS = {
    ("", "41"): ("1000A", "submitter"),
    ("", "40"): ("1000B", "receiver"),
    ("20", "85"): ("2010AA", "billing"),
    ("20", "87"): ("2010AB", ""),
    ("20", "PE"): ("2010AC", ""),
    ("22", "IL"): ("2010BA", "subscriber"),
    ("22", "PR"): ("2010BB", "payer"),
    ("23", "QC"): ("2010CA", "patient"),
}
