"""How `rcm code` shows an answer to a person: the note with its words marked, the suggestions beside it."""

import sys
from collections.abc import Iterable

from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from rcm_coding.cli.reader import Reader
from rcm_coding.domain.edits import Severity
from rcm_coding.engine.evidence import Evidence, Suggestion, VisitLevel
from rcm_coding.engine.tabular import dotted_code
from rcm_coding.handlers.note_answers import Answer, not_evaluated, spans

_STYLES = {"high": "bold green", "review": "bold yellow", "possible": "dim"}
_LONG_NOTE = 12_000  # characters; of a longer note only the lines with marked words are shown
_PIPE_WIDTH = 120


def show_answer(answer: Answer, label: str, reader: Reader) -> None:
    """Print one answer; in a pipe the marks are « » instead of colours."""
    terminal = sys.stdout.isatty()
    console = Console(width=None if terminal else _PIPE_WIDTH, highlight=False, soft_wrap=False)
    console.print(Text(label, style="bold underline" if terminal else ""))
    found = answer.found
    if not found.suggestions:
        why = "no text" if not answer.text.strip() else "no code is supported by this text"
        if "ICD-10-CM" in found.not_evaluated:
            why = "no installed code set covers this date"
        console.print(f"No suggestions: {why}.")
    else:
        grid = Table.grid(padding=(0, 2), expand=True)
        grid.add_column(ratio=11)
        grid.add_column(ratio=10)
        grid.add_row(
            _note(answer, terminal), Group(*(_suggestion(answer, item) for item in found.suggestions))
        )
        console.print(grid)
    for block in _rest(answer):
        console.print(block)
    release = f"{found.release}, engine {found.engine}, model {reader.model_name or 'none'}, {reader.day}"
    console.print(Text(release, style="dim"))
    if silent := not_evaluated(answer):
        console.print(Text(f"Not evaluated: {', '.join(silent)}", style="dim"))
    console.print()


def _note(answer: Answer, terminal: bool) -> Text:
    marks: list[tuple[int, int]] = []
    for start, end, _ in sorted(spans(answer)):
        if marks and start <= marks[-1][1]:
            marks[-1] = (marks[-1][0], max(end, marks[-1][1]))
        else:
            marks.append((start, end))
    text = Text()
    at = 0
    low = answer.text
    for start, end in marks:
        before = low[at:start]
        if len(low) > _LONG_NOTE:
            before = _only_near(before, first=at == 0)
        text.append(_plain(before))
        words = _plain(low[start:end])
        text.append(words if terminal else f"«{words}»", style="black on yellow" if terminal else "")
        at = end
    rest = low[at:]
    text.append(_plain(_only_near(rest, first=False, last=True) if len(low) > _LONG_NOTE else rest))
    return text


def _only_near(text: str, *, first: bool, last: bool = False) -> str:
    lines = text.split("\n")
    if len(lines) < 4:
        return text
    head = [] if first else [lines[0]]
    tail = [] if last else [lines[-1]]
    return "\n".join([*head, "  …", *tail])


def _plain(text: str) -> str:
    """Keep control characters of a note from reaching the terminal."""
    return "".join(
        letter if letter in "\n\t" or letter.isprintable() else "·" for letter in text.replace("\r\n", "\n")
    )


def _suggestion(answer: Answer, item: Suggestion) -> RenderableType:
    code = dotted_code(item.code) if item.system == "ICD-10-CM" else item.code
    head = Text(f"{'-'.join((code, *item.modifiers))}", style=_STYLES[item.tier])
    if item.units != 1:
        head.append(f" x{item.units}")
    head.append(f"  {item.description}", style="")
    detail = f"   {item.score:.2f} {item.tier}, {item.role}"
    if item.poa:
        detail += f", POA {item.poa}"
    lines: list[RenderableType] = [head, Text(detail, style="dim")]
    lines.append(Text(f"   {_quotes(answer, item.evidence)}"))
    for other in item.alternatives[:2]:
        other_code = dotted_code(other.code) if item.system == "ICD-10-CM" else other.code
        lines.append(Text(f"   or {other_code} ({other.axis or other.description})", style="dim"))
    return Group(*lines)


def _quotes(answer: Answer, evidence: Iterable[Evidence]) -> str:
    quoted = []
    for place in evidence:
        data = answer.place(place)
        words = " ".join(_plain(data["text"]).split())
        quoted.append(f"{place.role} “{words}”")
    return "; ".join(dict.fromkeys(quoted))


def _rest(answer: Answer) -> Iterable[RenderableType]:
    found = answer.found
    if found.visit:
        yield Text(_visit(found.visit))
    if answer.grouping:
        group = answer.grouping
        yield Text(
            f"MS-DRG {group.drg} {group.title} ({group.version}), weight {group.weight or 'not loaded'}"
            if group.drg
            else f"MS-DRG: {group.fault or 'not evaluated'}"
        )
        severe = [
            f"{dotted_code(item.code)} {item.severity}{'' if item.counts else ' (not counted)'}"
            for item in group.codes
            if item.severity
        ]
        if severe:
            yield Text(f"   {', '.join(severe)}", style="dim")
    if found.gaps:
        yield Text("Open questions:")
        for gap in found.gaps:
            legal = f" [{gap.code}: {', '.join(gap.legal[:8])}]" if gap.legal else ""
            yield Text(f"   {gap.rule}: {_quotes(answer, gap.indicators)}{legal}")
    hits = [edit for edit in answer.edits if edit.severity is not Severity.NOT_EVALUATED]
    if hits:
        yield Text("Edits:")
        for edit in hits:
            since = f", from {edit.effective}" if edit.effective else ""
            source = f"{edit.authority}, {edit.version}{since}"
            yield Text(f"   {edit.severity} {edit.rule} {edit.code}: {edit.message} ({source})")
    findings = (*found.findings, *answer.findings)
    if findings:
        yield Text("To look at:")
        for finding in findings:
            better = f", record supports {dotted_code(finding.better)}" if finding.better else ""
            yield Text(
                f"   {finding.kind} {finding.code} ({finding.why}{better}): {_quotes(answer, finding.evidence[:3])}"
            )
    if found.suppressed:
        yield Text("Not suggested:")
        for item in found.suppressed:
            yield Text(
                f"   {dotted_code(item.code)} ({item.why}): {_quotes(answer, item.evidence[:3])}", style="dim"
            )


_LEVELS = {1: "straightforward or minimal", 2: "low", 3: "moderate", 4: "high"}


def _visit(visit: VisitLevel) -> str:
    parts = ", ".join(
        f"{element.element} {_LEVELS.get(element.level, element.level)}" for element in visit.elements
    )
    minutes = f", {visit.minutes} minutes" if visit.minutes is not None else ""
    below = f"; documented below the next level: {', '.join(visit.below)}" if visit.below else ""
    return f"Visit {visit.code} by {visit.basis}: {parts}{minutes}{below}"
