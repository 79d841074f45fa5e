"""Procedure predicates: done or not done, count, size, approach."""

from collections.abc import Callable

import pytest
from rcm_coding.engine.evidence import Suggestions
from rcm_coding.engine.procedure_pack import DEMO_PACK

Read = Callable[..., Suggestions]

CASES = [
    ("Procedure: Fifteen warts were treated with liquid nitrogen.", "office", {"17111"}, {"17110"}),
    ("Procedure: Three actinic keratoses were frozen with liquid nitrogen.", "office", {"17000", "17003"}, {"17110"}),
    ("Plan: We will treat the mole with liquid nitrogen next week.", "office", set(), {"17110"}),
    ("HPI: Two years ago a mole was frozen with liquid nitrogen.", "office", set(), {"17110"}),
    ("Procedure: Steroid injection, left shoulder joint, ultrasound guidance.", "office", {"20611-LT"}, {"20610-LT"}),
    ("Procedure: The area around the mole was injected with lidocaine.", "office", set(), {"20610"}),
    ("Assessment: Distal right radius fracture. Procedure: Splint applied.", "ed", {"25600-RT"}, {"25605-RT"}),
    ("Procedure: Open cholecystectomy was performed.", "surgery", {"47600"}, {"47562"}),
    ("Procedure: Laparoscopic cholecystectomy with intraoperative cholangiogram.", "surgery", {"47563"}, {"47562"}),
    ("Procedure: Repair of an incarcerated umbilical hernia, defect 4 cm.", "surgery", {"49594"}, {"49591"}),
    ("Procedure: Repair of a recurrent ventral hernia, defect 2 cm.", "surgery", {"49613"}, {"49591"}),
    ("Technique: CT of the chest without contrast.", "imaging", {"71250"}, {"71260"}),
    ("Exam: Chest x-ray, 2 views.", "imaging", {"71046"}, set()),
    ("HPI: CT of the chest with contrast was normal.", "office", set(), {"71260"}),
]  # fmt: skip


@pytest.mark.parametrize(("text", "setting", "expected", "refused"), CASES)
def test_predicate_finds_what_was_done(
    read: Read, text: str, setting: str, expected: set[str], refused: set[str]
) -> None:
    found = {
        item.code + "".join(f"-{modifier}" for modifier in item.modifiers)
        for item in read(text, setting=setting).suggestions
        if item.system == "CPT"
    }
    assert expected <= found
    assert not refused & found


def test_demo_pack_is_small_and_its_labels_are_ours() -> None:
    assert len(DEMO_PACK) <= 80
    assert all(len(label) <= 60 for label in DEMO_PACK.values())
