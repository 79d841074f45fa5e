"""Kafka's jars: fetched once from Maven Central into the user's cache folder, always checked by SHA-256."""

import hashlib
import os
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from rcm_deploy.engines.failures import EngineError, Say
from rcm_deploy.engines.home import CLONE, cache_folder

if TYPE_CHECKING:
    from jgo.maven import MavenContext

LIST = CLONE / "deploy" / "kafka-jars.txt"
VERSION = "4.4.0"
_THREADS = 8
_TRIES = 3
_PAUSE = 0.5  # seconds, times the attempt


@dataclass(frozen=True, slots=True)
class Jar:
    """One line of the list: `group:artifact:version sha256:HEX BYTES`."""

    coordinate: str
    sha256: str
    size: int

    @property
    def file(self) -> str:
        """The file's name in a Maven repository."""
        _, artifact, release = self.coordinate.split(":")
        return f"{artifact}-{release}.jar"

    def matches(self, path: Path) -> bool:
        """Tell whether a file holds exactly this jar."""
        try:
            if path.stat().st_size != self.size:
                return False
            with path.open("rb") as file:
                return hashlib.file_digest(file, "sha256").hexdigest() == self.sha256
        except OSError:
            return False


def read_list(path: Path = LIST) -> list[Jar]:
    """Read the list of jars."""
    jars = []
    for line in path.read_text().splitlines():
        if line.strip() and not line.startswith("#"):
            coordinate, digest, size = line.split()
            jars.append(Jar(coordinate, digest.removeprefix("sha256:"), int(size)))
    return jars


def jars(say: Say) -> list[Path]:
    """Return the paths of all jars, fetching what the cache lacks.

    Raises:
        EngineError: a jar is missing or wrong and cannot be fetched; says the ways out.
    """
    wanted = read_list()
    offline = os.environ.get("RCM_KAFKA_JARS")
    if offline:
        return _from_folder(Path(offline).expanduser(), wanted)
    folder = cache_folder() / f"kafka-{VERSION}"
    folder.mkdir(parents=True, exist_ok=True)
    with ThreadPoolExecutor(_THREADS) as pool:
        good = pool.map(lambda jar: jar.matches(folder / jar.file), wanted)
        missing = [jar for jar, there in zip(wanted, good, strict=True) if not there]
        if missing:
            _fetch(pool, missing, folder, say)
    return [folder / jar.file for jar in wanted]


def _from_folder(folder: Path, wanted: list[Jar]) -> list[Path]:
    """Find the jars in a folder that somebody filled by hand, flat or laid out as a Maven repository."""
    there = {path.name: path for path in folder.rglob("*.jar")}
    lacking = [jar.file for jar in wanted if jar.file not in there or not jar.matches(there[jar.file])]
    if lacking:
        raise EngineError(
            f"RCM_KAFKA_JARS={folder} lacks {len(lacking)} of {len(wanted)} jars of deploy/kafka-jars.txt "
            f"(or their SHA-256 differs): {', '.join(lacking[:5])}{' …' if len(lacking) > 5 else ''}"
        )
    return [there[jar.file] for jar in wanted]


def _fetch(pool: ThreadPoolExecutor, missing: list[Jar], folder: Path, say: Say) -> None:
    from jgo.maven import MavenContext, PythonResolver

    # A repository of this process alone, in the same file system: a finished jar moves over in one step.
    scratch = folder / f".fetch-{os.getpid()}"
    bar = _Progress(missing, say)
    resolver = PythonResolver(progress_callback=bar.track)
    context = MavenContext(repo_cache=scratch, resolver=resolver, timeout=20)

    def fetch(jar: Jar) -> None:
        for attempt in range(1, _TRIES + 1):
            try:
                path = _resolve(context, jar.coordinate)
                if jar.matches(path):
                    break
                path.unlink()
                problem = "the bytes differ from the SHA-256 of deploy/kafka-jars.txt"
            except Exception as error:  # the resolver raises whatever its HTTP library and parser raise
                problem = f"{type(error).__name__}: {error}"
            if attempt == _TRIES:
                raise EngineError(_ways_out(jar, problem))
            time.sleep(_PAUSE * attempt)
        path.replace(folder / jar.file)
        bar.done(jar)

    try:
        with bar.shown():
            for future in [pool.submit(fetch, jar) for jar in sorted(missing, key=lambda jar: -jar.size)]:
                try:
                    future.result()
                except EngineError:
                    pool.shutdown(wait=False, cancel_futures=True)
                    raise
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def _resolve(context: "MavenContext", coordinate: str) -> Path:
    return Path(context.create_dependency(coordinate).artifact.resolve())


def _ways_out(jar: Jar, problem: str) -> str:
    return (
        f"Kafka's jar {jar.coordinate} cannot be fetched: {problem[:300]}\n"
        "Ways out:\n"
        "  1. RCM_KAFKA_JARS=FOLDER: a folder with the jars of deploy/kafka-jars.txt, copied from a machine\n"
        f"     that has them (there: {cache_folder() / f'kafka-{VERSION}'}, after one `./rcm up`)\n"
        "  2. RCM_KAFKA_BOOTSTRAP=HOST:PORT: a Kafka of your own\n"
        "  3. a container: docker compose -f deploy/compose.yaml up -d kafka,\n"
        "     then RCM_KAFKA_BOOTSTRAP=127.0.0.1:9092"
    )


class _Progress:
    """A bar on a terminal, a line every two seconds elsewhere."""

    def __init__(self, jars: list[Jar], say: Say) -> None:
        self._say = say
        self._jars = len(jars)
        self._total = sum(jar.size for jar in jars)
        self._lock = threading.Lock()
        self._finished = 0
        self._bytes = 0

    @contextmanager
    def track(self, _file: str, _size: int) -> Iterator[Callable[[int], None]]:
        """Count the bytes of one download (the callback that the resolver wants)."""

        def update(count: int) -> None:
            with self._lock:
                self._bytes += count

        yield update

    def done(self, _jar: Jar) -> None:
        """Count a finished jar."""
        with self._lock:
            self._finished += 1

    @contextmanager
    def shown(self) -> Iterator[None]:
        """Show the progress while the block runs."""
        ended = threading.Event()
        shower = threading.Thread(target=self._show, args=(ended,), daemon=True)
        shower.start()
        try:
            yield
        finally:
            ended.set()
            shower.join()

    def _show(self, ended: threading.Event) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

        console = Console(stderr=True)
        mb = 1_000_000
        total = f"{self._total / mb:.0f} MB"
        self._say(f"fetching Apache Kafka {VERSION}: {self._jars} jars, {total}, once for this user")
        if not console.is_terminal:
            while not ended.wait(2):
                self._say(f"Kafka: {self._finished} of {self._jars} jars, {self._bytes / mb:.0f} of {total}")
            return
        columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
        with Progress(*columns, console=console, transient=True) as progress:
            task = progress.add_task("Kafka's jars", total=self._total)
            while not ended.wait(0.1):
                progress.update(task, completed=min(self._bytes, self._total))
