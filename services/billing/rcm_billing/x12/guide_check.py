"""Check a file against the guides with pyx12, in a worker process, and translate its findings.

Its code lists are of 2014, so a code that they lack is a warning; its 277CA guide is stricter than payers are, so
everything about a 277CA is a warning. Messages never repeat a value of the file.
"""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures import TimeoutError as GateTimeout
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from multiprocessing import active_children
from typing import Any

from rcm_billing.x12 import gate
from rcm_billing.x12.exchange import ENVELOPE
from rcm_billing.x12.explain import FileExplained, Part
from rcm_billing.x12.problems import Problem, Severity
from rcm_billing.x12.scan import Cut, Placed

#: Guide ids that the installed maps know, and the id under which a later erratum is checked.
GUIDES = {
    "005010X222A1": "005010X222A1",
    "005010X222A2": "005010X222A1",
    "005010X223A2": "005010X223A2",
    "005010X223A3": "005010X223A2",
    "005010X221A1": "005010X221A1",
    "005010X214": "005010X214",
    "005010X231": "005010X231",
    "005010X231A1": "005010X231A1",
}
LIMIT_BYTES = 1_000_000  # about 5 s per million bytes; larger files only when asked for
_PATIENCE_SECONDS = 60.0
_LENIENT = frozenset({"277CA"})
_SEGMENT_WORDS = {
    "1": "is not known, or cannot stand here",
    "2": "cannot stand here",
    "3": "is followed by the lack of a required segment",
    "4": "occurs too often, or its loop does",
    "5": "occurs too often",
    "6": "is not used by the guide",
    "7": "stands out of order",
    "8": "has errors in its elements",
    "SEG1": "ends with empty elements",
}
_ELEMENT_WORDS = {
    "1": "is required and missing",
    "2": "depends on another element that is missing or present",
    "3": "is one element too many",
    "4": "is too short",
    "5": "is too long",
    "6": "has characters or a form that are not allowed",
    "7": "is not one of the allowed codes",
    "8": "is no valid date",
    "9": "is no valid time",
    "form": "does not have the form that the guide asks for",
    "10": "must not be used here, or excludes another",
}
_CODE_LIST = "7"
_FORM = "form"  # a fixed pattern, such as the nine-digit ZIP of a billing provider
#: Data elements whose codes come from lists outside of the guide: country, currency, remark, place of service,
#: state, claim status and attachment transmission.
_DATED = frozenset({"26", "100", "127", "1331", "156", "1270", "1271", "756"})
#: Our own checks say these with better words.
_OWN = frozenset({"HL1", "HL2", "LX"})
_TRAILING = "SEG1"


@dataclass(frozen=True, slots=True)
class Finding:
    """One finding: 1-based segment position in the interchange, the element (0: the segment) and the code.

    `external` says that a dated external code list decided.
    """

    position: int
    tag: str
    element: int
    code: str
    external: bool = False


def find_faults(data: bytes) -> list[Finding] | str:
    """Validate one interchange; return its findings, or why it was not validated. Runs in the worker process."""
    import pyx12.x12n_document

    report = io.StringIO()
    try:
        passed = pyx12.x12n_document.x12n_document(
            gate._params(), io.StringIO(data.decode("latin-1")), None, None, fd_json=report
        )
    except Exception as error:
        return type(error).__name__
    if passed:
        return []
    return list(_walk(json.loads(report.getvalue() or "{}")))


def _walk(node: Any) -> Iterator[Finding]:
    if isinstance(node, list):
        for item in node:
            yield from _walk(item)
    elif isinstance(node, dict):
        if "seg_id" in node:
            yield from _segment(node)
        else:
            for value in node.values():
                yield from _walk(value)


def _segment(node: dict[str, Any]) -> Iterator[Finding]:
    position, tag = int(node.get("cur_line") or 0), str(node["seg_id"])
    for error in node.get("errors", ()):
        yield Finding(position, tag, 0, str(error.get("err_cde", "")))
    for element in node.get("elements", ()):
        for error in element.get("errors", ()):
            code, text = str(error.get("err_cde", "")), str(error.get("err_str", ""))
            external = code == _CODE_LIST and str(element.get("ele_ref_num")) in _DATED
            if code == _CODE_LIST and "regular expression" in text:
                code, external = _FORM, False
            yield Finding(position, tag, int(element.get("ele_pos") or 0), code, external)


def check_guides(
    explained: FileExplained, limit: int | None = LIMIT_BYTES, pool: ProcessPoolExecutor | None = None
) -> None:
    """Add the guides' findings to the parts whose guide is known; `limit` None checks files of any size.

    Without `pool` a worker is started for this file and ended with it.
    """
    work: list[tuple[Cut, list[Part]]] = []
    for part in explained.parts:
        if part.cut is None or not _cuttable(part):
            continue
        if work and work[-1][0] is part.cut:
            work[-1][1].append(part)
        else:
            work.append((part.cut, [part]))
    if not work:
        return
    before = set(active_children())
    worker = pool or gate.gate_pool()
    try:
        for cut, parts in work:
            _check_cut(worker, cut, parts, limit)
    finally:
        if pool is None:
            worker.shutdown(wait=False, cancel_futures=True)
            for child in set(active_children()) - before:
                child.kill()  # one that still works on a file nobody waits for would hold up the exit


def _cuttable(part: Part) -> bool:
    known = bool(part.guides) and part.guides <= GUIDES.keys()
    if not known and part.kind not in ("TA1", "unknown"):
        part.problems.info("guide-not-checked", f"no guide for a {part.kind} is installed; own checks only")
    return known


def _check_cut(pool: ProcessPoolExecutor, cut: Cut, parts: list[Part], limit: int | None) -> None:
    if limit is not None and cut.end - cut.start > limit:
        for part in parts:
            text = f"larger than {limit} characters: not checked against its guide; use --guide"
            part.problems.info("guide-not-checked", text)
        return
    found: list[Finding] | str
    try:
        found = pool.submit(find_faults, _written(cut)).result(timeout=_PATIENCE_SECONDS if limit else None)
    except (BrokenProcessPool, GateTimeout) as error:
        found = type(error).__name__
    if isinstance(found, str):
        for part in parts:
            part.problems.info("guide-not-checked", f"the guide's validator gave up ({found})")
        return
    for finding in found:
        _add(cut, parts, finding)


def _written(cut: Cut) -> bytes:
    """Write the interchange plainly (its own delimiters, no line breaks) with later errata under the id in use."""
    element, _, _, terminator = cut.delimiters
    lines = []
    for placed in cut.segments:
        elements = placed.elements
        index = {"GS": 8, "ST": 3}.get(placed.tag)
        if index is not None and placed.get(index) in GUIDES:
            elements = [*elements[:index], GUIDES[placed.get(index)], *elements[index + 1 :]]
        elif placed.tag in _COMPOSITES:
            elements = [elements[0], *(_components(placed, at) for at in range(1, len(elements)))]
        lines.append(element.join(elements))
    return (terminator.join(lines) + terminator).encode("latin-1", "replace")


_COMPOSITES = frozenset({"CLM", "SV1", "SV2", "SV3", "SVC", "HI", "SVD", "STC"})


def _components(placed: Placed, index: int) -> str:
    """Components as ISA16 declares: a foreign separator is reported once by our own check, not at every use."""
    return placed.component.join(placed.parts(index))


def _add(cut: Cut, parts: list[Part], finding: Finding) -> None:
    if finding.position < 1 or finding.position > len(cut.segments) or finding.code in _OWN:
        return
    placed = cut.segments[finding.position - 1]
    if placed.tag in ENVELOPE:
        return  # the envelope has our own check, with better words
    part = next((part for part in parts if part.covers(placed.number)), parts[0])
    if _told(part, placed, finding):
        return
    tag = placed.name
    if finding.element:
        name = f"{tag}{finding.element:02d}"
        words = _ELEMENT_WORDS.get(finding.code, f"is refused with code {finding.code}")
    elif finding.code == "3":  # pyx12 names the lacking segment, placed before this one
        tag = finding.tag if finding.tag.isalnum() and len(finding.tag) <= 3 else "?"
        name, words = tag, "is required and missing before this segment"
    else:
        name, words = tag, _SEGMENT_WORDS.get(finding.code, f"is refused with code {finding.code}")
    lenient = finding.external or part.kind in _LENIENT or finding.code == _TRAILING
    severity = Severity.WARNING if lenient else Severity.ERROR
    code = "guide-code-list" if finding.external else f"guide-{finding.code}"
    part.problems.add(
        Problem(severity, code, tag, placed.number, finding.element, f"by the guide, {name} {words}")
    )


def _told(part: Part, placed: Placed, finding: Finding) -> bool:
    """Return whether this place is reported already: by our own check, or by an earlier finding on the element."""
    for problem in part.problems.found:
        if problem.position != placed.number:
            continue
        same = problem.element == finding.element
        if problem.code.startswith("guide-"):
            if same and finding.element:
                return True
        elif problem.severity is Severity.ERROR and (
            same or problem.code in ("code-missing", "segment-name")
        ):
            return True
    return False
