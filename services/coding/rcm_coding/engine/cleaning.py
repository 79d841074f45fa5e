"""Makes a note's text readable without moving a character: control and format characters become blanks.

Lengths never change, so that offsets hold for the text as it came.
"""

import re
import unicodedata
from dataclasses import replace

from rcm_coding.engine.evidence import Document

_ODD = {
    number: " "
    for number in range(0x11000)
    if unicodedata.category(chr(number)) in ("Cc", "Cf", "Zs", "Zl", "Zp", "Cs", "Co")
    and chr(number) not in "\n\t "
}
_ODD.update({0x2028: "\n", 0x2029: "\n", 0x0B: "\n", 0x0C: "\n", 0x85: "\n"})
_ODD_RE = re.compile("[" + "".join(re.escape(chr(number)) for number in _ODD) + "]")

_ESCAPE = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")  # colours of a terminal


def cleaned(document: Document) -> Document:
    """Return the document with readable text of the same length."""
    text = document.text
    if not _ODD_RE.search(text):
        return document
    if "\x1b" in text:
        text = _ESCAPE.sub(lambda match: " " * len(match.group()), text)
    if "\r" in text:
        text = text.replace("\r\n", " \n").replace("\r", "\n")
    return replace(document, text=text.translate(_ODD))
