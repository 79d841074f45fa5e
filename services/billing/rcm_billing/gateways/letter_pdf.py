"""A letter's text as PDF: the same text gives the same bytes, so that their digest proves what was sent."""

import io
import unicodedata
from functools import cache
from pathlib import Path

import reportlab
from reportlab.lib.pagesizes import LETTER
from reportlab.lib.utils import simpleSplit
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.pdfgen.canvas import Canvas

FONT = "Vera"  # ships with the library, is embedded as the subset that the letter uses
SIZE = 10
LEADING = 14
MARGIN = 72  # points, one inch


@cache
def _glyphs() -> frozenset[int]:
    font = TTFont(FONT, str(Path(reportlab.__file__).parent / "fonts" / "Vera.ttf"))
    pdfmetrics.registerFont(font)
    return frozenset(font.face.charToGlyph)


def _printable(text: str) -> str:
    """Return the text in letters that the font has: a rare one without its accents, else a question mark."""
    known = _glyphs()
    shown = []
    for letter in text.expandtabs(4):
        if letter == "\n" or ord(letter) in known:
            shown.append(letter)
            continue
        plain = "".join(c for c in unicodedata.normalize("NFKD", letter) if ord(c) in known)
        shown.append(plain or "?")
    return "".join(shown)


def render_pdf(text: str, title: str) -> bytes:
    """Return the PDF of a letter, with page numbers; `title` goes into the file's properties (no patient data)."""
    width, height = LETTER
    room = int((height - 2 * MARGIN) // LEADING)
    lines: list[str] = []
    for paragraph in _printable(text).split("\n"):
        lines += simpleSplit(paragraph, FONT, SIZE, width - 2 * MARGIN) or [""]
    pages = [lines[at : at + room] for at in range(0, len(lines), room)] or [[]]
    buffer = io.BytesIO()
    canvas = Canvas(buffer, pagesize=LETTER, invariant=1, pageCompression=1)
    canvas.setTitle(title)
    canvas.setCreator("claimstream")
    for number, page in enumerate(pages, 1):
        canvas.setFont(FONT, SIZE)
        y = height - MARGIN
        for line in page:
            canvas.drawString(MARGIN, y, line)
            y -= LEADING
        canvas.drawRightString(width - MARGIN, MARGIN / 2, f"{number} / {len(pages)}")
        canvas.showPage()
    canvas.save()
    return buffer.getvalue()
