"""Models on disk by name, with what each was made from, which one is shadow and which is in use, and the way back.

Layout: models/<name>/{model.json,manifest.json,verdict.json}, state.json, golden.json, and active/<language>, which
always points to the folder of the model in use. Every change is one rename; the state is the truth, the pointers
follow it.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from fcntl import LOCK_EX, flock
from pathlib import Path
from typing import Any

from rcm_coding.engine import ENGINE_VERSION
from rcm_coding.engine.ranking.model import BadModelError, Model, load_model
from rcm_coding.gateways.models import FILE, write_model

MANIFEST, VERDICT, STATE, GOLDEN = "manifest.json", "verdict.json", "state.json", "golden.json"
REQUEST, OUTCOME = "refit.request", "refit.json"


class RegistryError(ValueError):
    """A step that the registry refuses. `code` is stable, the message one sentence."""

    def __init__(self, code: str, message: str) -> None:
        self.code = code
        super().__init__(message)


class Stage(StrEnum):
    """How far a model has come."""

    CANDIDATE = "candidate"
    SHADOW = "shadow"
    ACTIVE = "active"
    RETIRED = "retired"


@dataclass(frozen=True, slots=True)
class EventRange:
    """Which decisions or notes a model was made from: first and last by their own numbering, and how many."""

    first: str
    last: str
    count: int


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a model is and what it was made from."""

    name: str
    language: str
    sha256: str
    size: int
    events: EventRange
    release: str
    engine: str
    added_at: str


@dataclass(frozen=True, slots=True)
class Entry:
    """One model of the registry; `verdict` is the gate's answer to this very file, None while it has none."""

    manifest: Manifest
    stage: Stage
    verdict: Mapping[str, Any] | None


@dataclass(frozen=True, slots=True)
class _Line:
    """One language: the models that were in use, the newest last, and the one that answers in the shadow."""

    used: tuple[str, ...] = ()
    shadow: str = ""
    retired: tuple[str, ...] = field(default=())


class ModelRegistry:
    """A folder of models. One writer at a time; readers never see half a step."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def add(self, model: Model, events: EventRange, at: datetime) -> Manifest:
        """Keep a candidate. Adding the same model again changes nothing.

        Raises: RegistryError when another model has the name.
        """
        with self._alone():
            folder = self._folder(model.name)
            path = write_model(self.root / "incoming", model)
            data = path.read_bytes()
            digest = hashlib.sha256(data).hexdigest()
            if (folder / MANIFEST).is_file():
                path.unlink()
                known = self._manifest(model.name)
                if known.sha256 != digest:
                    raise RegistryError("name-taken", f"another model is called {model.name}")
                return known
            manifest = Manifest(
                model.name,
                model.language,
                digest,
                len(data),
                events,
                str(model.facts.get("release", "")),
                str(model.facts.get("engine", "")),
                at.isoformat(),
            )
            folder.mkdir(parents=True, exist_ok=True)
            path.replace(folder / FILE)
            _write(folder / MANIFEST, asdict(manifest))
            return manifest

    def entries(self) -> list[Entry]:
        """Return all models, ordered by name."""
        home = self.root / "models"
        names = sorted(path.parent.name for path in home.glob(f"*/{MANIFEST}"))
        state = self._state()
        return [self._entry(name, state) for name in names]

    def entry(self, name: str) -> Entry:
        """Return one model.

        Raises: RegistryError when there is none.
        """
        return self._entry(name, self._state())

    def model(self, name: str) -> Model:
        """Read a model and hold it against its manifest.

        Raises: RegistryError when there is none, BadModelError when the file is not what was added.
        """
        manifest = self._manifest(name)
        return load_model(self._checked(manifest))

    def active(self, language: str) -> str:
        """Return the name of the model in use; "" when there is none."""
        used = self._state().get(language, _Line()).used
        return used[-1] if used else ""

    def shadow(self, language: str) -> str:
        """Return the name of the model that answers in the shadow; "" when there is none."""
        return self._state().get(language, _Line()).shadow

    def record(self, name: str, verdict: Mapping[str, Any]) -> None:
        """Keep the gate's answer; it speaks only of the file as it is now."""
        with self._alone():
            manifest = self._manifest(name)
            _write(self._folder(name) / VERDICT, {**verdict, "sha256": manifest.sha256})

    def frozen(self, language: str, digest: str) -> str:
        """Return the hash that a language's golden set was frozen with; the first one given is kept."""
        with self._alone():
            path = self.root / GOLDEN
            known = _read(path) if path.is_file() else {}
            if language not in known:
                known[language] = digest
                _write(path, known)
            return str(known[language])

    def promote(self, name: str) -> Stage:
        """Move a model one step on: a candidate to the shadow, the shadow into use.

        Raises: RegistryError when the gate has not passed it, when it was made for another engine, or when it is in
        use already; BadModelError when its file is not what was added.
        """
        with self._alone():
            manifest = self._manifest(name)
            state = self._state()
            entry = self._entry(name, state)
            self._checked(manifest)
            if entry.stage is Stage.ACTIVE:
                raise RegistryError("already-active", f"{name} is in use already")
            if manifest.engine != ENGINE_VERSION:
                raise RegistryError(
                    "other-engine", f"{name} was made for engine {manifest.engine or 'unknown'}"
                )
            if not entry.verdict:
                raise RegistryError("not-judged", f"{name} has not been through the gate")
            if not entry.verdict.get("passed"):
                raise RegistryError("gate-refused", f"the gate refused {name}")
            line = state.get(manifest.language, _Line())
            if entry.stage is Stage.SHADOW:
                line = replace(line, used=(*line.used, name), shadow="")
                reached = Stage.ACTIVE
            else:
                retired = tuple(one for one in (*line.retired, line.shadow) if one and one != name)
                line = replace(line, shadow=name, retired=retired)
                reached = Stage.SHADOW
            self._keep({**state, manifest.language: line})
            return reached

    def shade(self, name: str) -> bool:
        """Make a new candidate that the gate has passed the shadow; return whether it is. The shadow before retires."""
        entry = self.entry(name)
        if entry.stage is Stage.CANDIDATE and entry.verdict and entry.verdict.get("passed"):
            return self.promote(name) is Stage.SHADOW
        return entry.stage is Stage.SHADOW

    def rollback(self, language: str) -> tuple[str, str]:
        """Take the model in use out of use; the one before serves again. Return (taken out, in use now or "").

        Raises: RegistryError when none is in use.
        """
        with self._alone():
            state = self._state()
            line = state.get(language, _Line())
            if not line.used:
                raise RegistryError("none-active", f"no model for {language} is in use")
            out = line.used[-1]
            used = line.used[:-1]
            if used:
                self._checked(self._manifest(used[-1]))
            self._keep({**state, language: replace(line, used=used, retired=(*line.retired, out))})
            return out, used[-1] if used else ""

    def ask_refit(self) -> None:
        """Ask the service that follows this registry for a refit now."""
        with self._alone():
            (self.root / OUTCOME).unlink(missing_ok=True)
            (self.root / REQUEST).touch()

    def refit_asked(self) -> bool:
        """Tell whether a refit is asked for and not answered yet."""
        return (self.root / REQUEST).is_file()

    def answer_refit(self, outcome: Mapping[str, Any]) -> None:
        """Say what became of the refit that was asked for; nothing happens when none was."""
        with self._alone():
            if self.refit_asked():
                _write(self.root / OUTCOME, outcome)
                (self.root / REQUEST).unlink()

    def refit_outcome(self) -> dict[str, Any] | None:
        """Return what became of the refit that was asked for last, None while it is not known."""
        path = self.root / OUTCOME
        return _read(path) if path.is_file() and not self.refit_asked() else None

    def _entry(self, name: str, state: Mapping[str, _Line]) -> Entry:
        manifest = self._manifest(name)
        line = state.get(manifest.language, _Line())
        if line.used and line.used[-1] == name:
            stage = Stage.ACTIVE
        elif line.shadow == name:
            stage = Stage.SHADOW
        else:
            stage = Stage.RETIRED if name in (*line.used, *line.retired) else Stage.CANDIDATE
        path = self._folder(name) / VERDICT
        verdict = _read(path) if path.is_file() else None
        return Entry(manifest, stage, verdict if verdict and verdict["sha256"] == manifest.sha256 else None)

    def _manifest(self, name: str) -> Manifest:
        path = self._folder(name) / MANIFEST
        if not path.is_file():
            raise RegistryError("no-such-model", f"there is no model {name}")
        body = _read(path)
        try:
            return Manifest(**{**body, "events": EventRange(**body["events"])})
        except (KeyError, TypeError):
            raise BadModelError(f"the manifest of {name} is damaged") from None

    def _checked(self, manifest: Manifest) -> bytes:
        try:
            data = (self._folder(manifest.name) / FILE).read_bytes()
        except OSError:
            raise BadModelError(f"the file of {manifest.name} cannot be read") from None
        if hashlib.sha256(data).hexdigest() != manifest.sha256:
            raise BadModelError(f"the file of {manifest.name} is not the one that was added")
        return data

    def _folder(self, name: str) -> Path:
        if not name or name != Path(name).name or name.startswith("."):
            raise RegistryError("bad-name", "a model's name is one word without slashes")
        return self.root / "models" / name

    def _state(self) -> dict[str, _Line]:
        path = self.root / STATE
        if not path.is_file():
            return {}
        return {
            language: _Line(tuple(line["used"]), line["shadow"], tuple(line["retired"]))
            for language, line in _read(path).items()
        }

    def _keep(self, state: Mapping[str, _Line]) -> None:
        _write(self.root / STATE, {language: asdict(line) for language, line in state.items()})
        pointers = self.root / "active"
        pointers.mkdir(exist_ok=True)
        for language, line in state.items():
            pointer, fresh = pointers / language, pointers / f"{language}.tmp"
            fresh.unlink(missing_ok=True)
            if line.used:
                fresh.symlink_to(Path("..") / "models" / line.used[-1])
                fresh.replace(pointer)
            else:
                pointer.unlink(missing_ok=True)

    @contextmanager
    def _alone(self) -> Iterator[None]:
        self.root.mkdir(parents=True, exist_ok=True)
        with (self.root / ".lock").open("w") as lock:
            flock(lock, LOCK_EX)
            yield


def _write(path: Path, body: Mapping[str, Any]) -> None:
    partial = path.with_name(f"{path.name}.tmp")
    partial.write_text(json.dumps(body, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    partial.replace(path)


def _read(path: Path) -> dict[str, Any]:
    try:
        body = json.loads(path.read_bytes())
    except (OSError, ValueError):
        raise BadModelError(f"{path.name} is damaged") from None
    if not isinstance(body, dict):
        raise BadModelError(f"{path.name} is damaged")
    return body
