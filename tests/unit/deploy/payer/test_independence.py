"""The stand-in shares no X12 code with the product, and nothing of it depends on chance or the time of day."""

import ast
from collections.abc import Iterator
from pathlib import Path

import rcm_deploy.payer

FOLDER = Path(rcm_deploy.payer.__file__).parent
ALLOWED = ("rcm_deploy.payer", "rcm_shared.money", "pydantic")
CHANCE_AND_TIME = {"random", "secrets", "time", "uuid"}


def imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0
            yield node.module or ""


def test_stand_in_imports_only_itself_money_and_pydantic() -> None:
    found = {name for path in FOLDER.glob("*.py") for name in imports(path)}
    foreign = {name for name in found if name.split(".")[0] in ("pydantic", "rcm_shared") or "rcm_" in name}
    assert [name for name in sorted(foreign) if not name.startswith(ALLOWED)] == []
    assert "rcm_shared.money" in found


def test_stand_in_knows_neither_chance_nor_time() -> None:
    found = {name.split(".")[0] for path in FOLDER.glob("*.py") for name in imports(path)}
    assert found & CHANCE_AND_TIME == set()
    texts = [path.read_text() for path in FOLDER.glob("*.py")]
    assert not [text for text in texts if ".now(" in text or ".today()" in text]
