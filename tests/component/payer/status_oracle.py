"""pyx12 as judge of the 277 (005010X212): it ships that guide's segments, but its map is neither indexed nor nested.

The loops are taken as they are and hung under each other as the guide has them: source, receiver, provider,
subscriber, dependent.
"""

import functools
import shutil
import tempfile
import xml.etree.ElementTree as ET
from pathlib import Path

import pyx12

_SHIPPED = Path(pyx12.__file__).parent / "map"
_MAP = "277.5010.X212.xml"
_ENTRY = f'<map vriic="005010X212" fic="HN" abbr="277">{_MAP}</map>'


@functools.cache
def status_maps() -> str:
    """Return a folder of maps in which the 277 of this guide is found."""
    folder = Path(tempfile.mkdtemp(prefix="x12-maps-"))
    for path in _SHIPPED.iterdir():
        if path.suffix == ".xml" and not path.name[:1].isdigit():
            shutil.copy(path, folder)
    index = folder / "maps.xml"
    text = index.read_text()
    assert "005010X212" not in text
    index.write_text(text.replace('<version icvn="00501">', f'<version icvn="00501">{_ENTRY}', 1))
    # its envelope names another guide
    text = (_SHIPPED / _MAP).read_text()
    text = text.replace("<code>RA</code>", "<code>HN</code>").replace("005010X218", "005010X212")
    root = ET.fromstring(text)
    _nest(root)
    ET.ElementTree(root).write(folder / _MAP, encoding="utf-8", xml_declaration=True)
    return str(folder)


def _nest(root: ET.Element) -> None:
    parents = {child: parent for parent in root.iter() for child in parent}
    loops = {loop.get("xid", ""): loop for loop in root.iter("loop")}
    above = loops["2000A"]
    for name in ("2000B", "2000C", "2000D", "2000E"):
        loop = loops[name]
        parents[loop].remove(loop)
        _place(loop, "2000")
        above.append(loop)
        above = loop
    transaction = loops["ST_LOOP"]
    for name in ("TABLE2AREA4", "TABLE2AREA5", "TABLE2AREA6"):
        parents[loops[name]].remove(loops[name])
    last = loops["TABLE2AREA3"]
    parents[last].remove(last)
    end = next(segment for segment in last.iter("segment") if segment.get("xid") == "SE")
    _place(end, "5550")
    transaction.append(end)
    _place(loops["HEADER"], "0150")
    _place(loops["DETAIL"], "0200")


def _place(node: ET.Element, position: str) -> None:
    found = node.find("pos")
    assert found is not None
    found.text = position
