"""The alphabetic index (diseases, external causes) and the tables of neoplasms and drugs, as XML."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from lxml import etree

from rcm_coding.codesets.lines import BrokenFileError
from rcm_coding.engine.tabular import plain_code

KINDS = ("main", "external-cause", "neoplasm", "drugs")
_CODE = re.compile(r"[A-Z][0-9A-Z]{2}(?:\.[0-9A-Z]{1,4})?\.?-?")
#: Below this many main terms an official file cannot be whole.
_LEAST = {"main": 2000, "external-cause": 150, "neoplasm": 1, "drugs": 3000}


@dataclass(frozen=True, slots=True)
class IndexTerm:
    """One entry: the words from the main term down to it, without and with the nonessential modifiers.

    `codes` has (column, code without dot); the column is 1 in the index, the table's own in the tables.
    """

    path: tuple[str, ...]
    optional: tuple[str, ...]
    codes: tuple[tuple[int, str], ...]
    see: str = ""


@dataclass(frozen=True, slots=True)
class Index:
    """A whole index file."""

    kind: str
    year: int
    terms: tuple[IndexTerm, ...]


def read_index(xml: bytes, *, year: int | None = None, least: int | None = None) -> Index:
    """Read one index file; its kind follows from its title and its heads.

    Raises: BrokenFileError when it is not well formed, not of `year`, malformed or too short to be whole.
    """
    parser = etree.XMLParser(resolve_entities=False, no_network=True, huge_tree=False, remove_comments=True)
    try:
        root = etree.fromstring(xml, parser)
    except etree.XMLSyntaxError as error:
        raise BrokenFileError(error.lineno or 0, "not well-formed XML: cut off or damaged") from None
    version = (root.findtext("version") or "").strip()
    if root.tag != "ICD10CM.index" or not re.fullmatch(r"20\d\d", version):
        raise BrokenFileError(1, "no ICD-10-CM index of a known year")
    if year is not None and int(version) != year:
        raise BrokenFileError(root.sourceline or 1, f"the file is of FY{version}, not of FY{year}")
    heads = [(head.text or "").strip().lower() for head in root.iterfind("indexHeading/head")]
    if heads:
        kind = "drugs" if heads[0] == "substance" else "neoplasm"
    else:
        kind = "external-cause" if "external" in (root.findtext("title") or "").lower() else "main"
    terms: list[IndexTerm] = []
    mains = 0
    for main in root.iterfind("letter/mainTerm"):
        mains += 1
        terms.extend(_walk(main, (), ()))
    if mains < (_LEAST[kind] if least is None else least):
        raise BrokenFileError(0, f"truncated: {mains} main terms cannot be a whole index")
    return Index(kind, int(version), tuple(terms))


def _walk(element: etree._Element, path: tuple[str, ...], optional: tuple[str, ...]) -> Iterator[IndexTerm]:
    title = element.find("title")
    if title is None:
        raise BrokenFileError(element.sourceline or 0, "an entry without a title")
    essential = (title.text or "") + "".join(child.tail or "" for child in title)
    here = (*path, " ".join(essential.split()))
    aside = (*optional, " ".join(" ".join(child.itertext()) for child in title))
    codes: list[tuple[int, str]] = []
    for child in element:
        if child.tag in ("code", "cell"):
            text = (child.text or "").strip()
            if child.tag == "cell" and text in ("", "-", "--"):
                continue
            found = _CODE.match(text)
            if found is None:
                if child.tag == "cell":
                    continue
                raise BrokenFileError(child.sourceline or 0, "the entry's code is malformed")
            codes.append((int(child.get("col", "1")), plain_code(found[0].rstrip("-").rstrip("."))))
    see = (element.findtext("see") or "").strip()
    if codes or see:
        yield IndexTerm(here, aside, tuple(codes), see)
    for child in element.iterfind("term"):
        yield from _walk(child, here, aside)
