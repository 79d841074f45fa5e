"""Walks one 276 set from ST to SE and locates what its guide (005010X212) forbids or misses."""

from rcm_deploy.payer.parser import Segment, element
from rcm_deploy.payer.syntax_faults import BAD_ELEMENTS, REQUIRED_MISSING, ElementFault, SegmentFault

#: Level -> the level above it, the entity its NM1 names, and its loop.
_LEVELS = {
    "20": ("", ("PR",), "2000A"),
    "21": ("20", ("41",), "2000B"),
    "19": ("21", ("1P",), "2000C"),
    "22": ("19", ("IL",), "2000D"),
    "23": ("22", ("QC",), "2000E"),
}
_PATIENT_LEVELS = ("22", "23")


def locate_inquiry_faults(segments: list[Segment]) -> list[SegmentFault]:
    """Return every fault of a set: header, hierarchy, a name at each level, something asked for at all."""
    faults: list[SegmentFault] = []
    levels: dict[str, str] = {}
    level, loop, named, traced = "", "HEADER", True, False

    def fault(tag: str, position: int, code: str, *elements: ElementFault) -> None:
        faults.append(SegmentFault(tag, position, loop, code, "", list(elements)))

    header = segments[1] if len(segments) > 1 else [""]
    if header[0] != "BHT":
        fault("BHT", 2, REQUIRED_MISSING)
    elif (element(header, 1), element(header, 2)) != ("0010", "13"):
        fault("BHT", 2, BAD_ELEMENTS, ElementFault(1, "7", reference="1005"))
    for position, segment in enumerate(segments, start=1):
        match segment[0]:
            case "HL":
                if not named:
                    fault("NM1", position, REQUIRED_MISSING)
                level = element(segment, 3)
                above, _entities, loop = _LEVELS.get(level, ("?", (), "2000"))
                if above == "?":
                    fault("HL", position, BAD_ELEMENTS, ElementFault(3, "7", reference="735"))
                elif levels.get(element(segment, 2), "") != above:
                    fault("HL", position, BAD_ELEMENTS, ElementFault(2, "7", reference="734"))
                if element(segment, 1) != str(len(levels) + 1):
                    fault("HL", position, BAD_ELEMENTS, ElementFault(1, "7", reference="628"))
                levels[element(segment, 1)] = level
                named = False
            case "NM1":
                named = True
                if element(segment, 1) not in _LEVELS.get(level, ("", (), ""))[1]:
                    fault("NM1", position, BAD_ELEMENTS, ElementFault(1, "7", reference="98"))
            case "TRN":
                traced = traced or level in _PATIENT_LEVELS
                if level in _PATIENT_LEVELS and not element(segment, 2):
                    fault("TRN", position, BAD_ELEMENTS, ElementFault(2, "1", reference="127"))
            case "REF":
                if not element(segment, 2):
                    fault("REF", position, BAD_ELEMENTS, ElementFault(2, "1", reference="127"))
            case _:
                pass
    if not named:
        fault("NM1", len(segments), REQUIRED_MISSING)
    if not traced:
        fault("TRN", len(segments), REQUIRED_MISSING)
    return faults
