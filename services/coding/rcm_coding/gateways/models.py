"""Models on disk: the one that ships with the package, and folders that `rcm cac train` writes."""

from importlib import resources
from pathlib import Path

from rcm_coding.engine.ranking.model import BadModelError, Model, dump_model, load_model
from rcm_coding.engine.ranking.words import Language

FILE = "model.json"
DEFAULT = "default_model.json"


def default_model(language: Language = "en") -> Model | None:
    """Return the shipped model; None for a language that it does not read."""
    found = resources.files("rcm_coding.engine.ranking") / DEFAULT
    return load_model(found.read_bytes()) if language == "en" and found.is_file() else None


def read_model(place: Path) -> Model:
    """Read a model's folder or file.

    Raises: BadModelError when there is none or it is damaged.
    """
    path = place / FILE if place.is_dir() else place
    try:
        data = path.read_bytes()
    except OSError:
        raise BadModelError(f"{place} holds no {FILE}") from None
    return load_model(data)


def choose_model(choice: str, language: Language = "en") -> Model | None:
    """Return the model of a folder or file, the shipped one for "", or None for "none": the rules alone.

    Raises: BadModelError.
    """
    if choice == "none":
        return None
    return read_model(Path(choice)) if choice else default_model(language)


def write_model(folder: Path, model: Model) -> Path:
    """Write a model's folder, whole or not at all; return its file."""
    folder.mkdir(parents=True, exist_ok=True)
    partial = folder / f"{FILE}.tmp"
    partial.write_bytes(dump_model(model))
    return partial.replace(folder / FILE)
