"""The shape of the tree: packages, names, READMEs, migrations, and nothing that belongs to one machine."""

import ast
import re
import subprocess
import tomllib
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from rcm_shared.postgres.migrate import plan
from rcm_testkit.services import SERVICES, package_of

ROOT = Path(__file__).parents[2]
HEADINGS = ["Owns", "Consumes", "Emits", "Tables", "Invariants", "How to replay"]
VAGUE = {"utils", "util", "common", "helpers", "helper", "base", "misc"}

#: Hosts that a file may name: examples, standards and their identifiers, local addresses.
HOSTS = re.compile(
    r"^(localhost|127\.0\.0\.1|0\.0\.0\.0|claimstream\.local|[a-z.-]+\.(example|test|invalid)|example\.(com|org)"
    r"|(www\.)?(w3|apache|json-schema|hl7|asyncapi|rfc-editor|loinc|nucc|nubc|ama-assn)\.org|terminology\.hl7\.org"
    r"|www\.cms\.gov"
    r"|[a-z0-9-]+)$"  # one label: a service of compose.yaml
)
#: Split, so that this file does not hold what it looks for.
FOREIGN = re.compile(
    "|".join(
        (
            "py" + r"pi\.org",
            "python" + "hosted",
            r"repo1?\.maven",
            "npm" + r"js\.(org|com)",
            "index" + r"-url\s*=",
            "(?<![A-Za-z0-9_.])/(work|root|home|Users)/",
            "(?<![A-Za-z0-9_.])/" + r"tmp/[a-z]",
        )
    )
)


@cache
def project() -> dict[str, Any]:
    """Return pyproject.toml."""
    return tomllib.loads((ROOT / "pyproject.toml").read_text())


@cache
def files() -> tuple[Path, ...]:
    """Return what is or will be tracked: everything that git does not ignore."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=ROOT,
        capture_output=True,
        check=False,
    )
    if listed.returncode != 0:
        pytest.skip("not a git checkout")
    names = listed.stdout.decode().split("\0")
    return tuple(path for name in names if name and (path := ROOT / name).is_file())


def _text(path: Path) -> str:
    data = path.read_bytes()
    return "" if b"\0" in data[:1024] else data.decode("utf-8", "replace")


def packages() -> list[Path]:
    """Return every import package of the tree."""
    return sorted(
        path.parent for path in ROOT.glob("*/rcm_*/__init__.py") if path.parts[-3] != "tests"
    ) + sorted(path.parent for path in ROOT.glob("services/*/rcm_*/__init__.py"))


def test_package_lists_equal_the_tree() -> None:
    build = project()["tool"]["hatch"]["build"]
    found = {str(path.relative_to(ROOT)) for path in packages()}
    assert set(build["targets"]["wheel"]["packages"]) == found
    assert set(build["dev-mode-dirs"]) == {str(Path(name).parent) for name in found}
    assert set(project()["tool"]["mypy"]["mypy_path"]) == set(build["dev-mode-dirs"]) | {"tests"}
    assert set(project()["tool"]["importlinter"]["root_packages"]) == {Path(name).name for name in found}


@pytest.mark.parametrize("package", packages(), ids=lambda path: path.name)
def test_package_ships_its_types(package: Path) -> None:
    assert (package / "py.typed").is_file()


@pytest.mark.parametrize("package", packages(), ids=lambda path: path.name)
def test_every_folder_with_modules_is_a_package(package: Path) -> None:
    folders = {path.parent for path in package.rglob("*.py")}
    assert [
        str(folder.relative_to(ROOT)) for folder in folders if not (folder / "__init__.py").is_file()
    ] == []


@pytest.mark.parametrize("package", packages(), ids=lambda path: path.name)
def test_every_module_says_what_it_is(package: Path) -> None:
    silent = [
        str(path.relative_to(ROOT))
        for path in package.rglob("*.py")
        if path.name != "__init__.py" and not ast.get_docstring(ast.parse(path.read_text()))
    ]
    assert silent == []


def test_no_module_has_a_vague_name() -> None:
    vague = [
        str(path.relative_to(ROOT))
        for path in files()
        if path.suffix == ".py" and {path.stem, path.parent.name} & VAGUE
    ]
    assert vague == []


@pytest.mark.parametrize("service", SERVICES)
def test_service_readme_has_the_headings_of_all(service: str) -> None:
    text = (package_of(service).parent / "README.md").read_text()
    assert re.findall(r"^## (.+)$", text, re.MULTILINE) == HEADINGS
    assert text.startswith(f"# {service}\n")


@pytest.mark.parametrize("service", SERVICES)
def test_service_readme_names_every_fact_it_may_publish_or_says_so(service: str) -> None:
    text = (package_of(service).parent / "README.md").read_text()
    from rcm_shared.contracts.topics import owned_by, read_by

    assert owned_by(service).name in text
    for topic in read_by(service):
        assert topic.name in text, topic.name


@pytest.mark.parametrize("service", SERVICES)
def test_migrations_are_numbered_plain_sql(service: str) -> None:
    folder = package_of(service) / "migrations"
    names = sorted(path.name for path in folder.iterdir() if path.name not in {"__init__.py", "__pycache__"})
    assert names, "a service has at least its first migration"
    assert [name for name in names if not re.fullmatch(r"[0-9]{4}_[a-z0-9_]+\.sql", name)] == []
    assert [int(name[:4]) for name in names] == list(range(1, len(names) + 1))


@pytest.mark.parametrize("service", SERVICES)
def test_migrations_can_run_inside_one_transaction(service: str) -> None:
    for revision, path in plan(f"rcm_{service}.migrations"):
        sql = re.sub(r"--[^\n]*", "", path.read_text())
        sql = re.sub(r"\$([a-z]*)\$.*?\$\1\$", "''", sql, flags=re.DOTALL)
        statements = [" ".join(part.split()).upper() for part in sql.split(";")]
        for statement in statements:
            assert not re.match(r"(BEGIN|COMMIT|ROLLBACK|VACUUM)\b", statement), revision
            assert " CONCURRENTLY " not in statement, revision


@pytest.mark.parametrize("service", SERVICES)
def test_revision_ids_are_unique_in_each_database(service: str) -> None:
    revisions = [revision for revision, _ in plan(f"rcm_{service}.migrations")]
    assert len(set(revisions)) == len(revisions)


def test_no_file_names_a_package_registry_or_a_path_of_one_machine() -> None:
    found = [
        f"{path.relative_to(ROOT)}:{number}"
        for path in files()
        if path != Path(__file__)
        for number, line in enumerate(_text(path).splitlines(), 1)
        if FOREIGN.search(line)
    ]
    assert found == []


def test_lock_files_name_no_address_and_pin_every_hash() -> None:
    for path in ROOT.glob("deploy/*.lock"):
        text = path.read_text()
        assert not re.search(r"https?://|^--", text, re.MULTILINE), path.name
        pinned = re.findall(r"^[a-z0-9._-]+(?:\[[a-z0-9,._-]+\])?==", text, re.MULTILINE | re.IGNORECASE)
        assert pinned, path.name
        assert len(re.findall(r"--hash=sha256:[0-9a-f]{64}", text)) >= len(pinned), path.name


def test_source_names_no_foreign_host() -> None:
    found = [
        f"{path.relative_to(ROOT)}: {host}"
        for path in files()
        if path.suffix in {".py", ".toml", ".yaml", ".html", ".sql", ".sh", ""} and path.name != "LICENSE"
        for host in re.findall(r"https?://([A-Za-z0-9._-]+)", _text(path))
        if not HOSTS.match(host)
    ]
    assert found == []
