"""The models that a running service answers with: the one in use, and the shadow that answers beside it."""

from rcm_coding.engine.ranking.model import BadModelError, Model
from rcm_coding.gateways.model_registry import ModelRegistry
from rcm_coding.gateways.models import choose_model

LANGUAGE = "en"


class ServedModels:
    """Follows a registry; without one, or while it has none in use, the model of the settings answers.

    A model of the registry that cannot be read (damaged, or made for another engine) is passed over: `faults` says so.
    """

    def __init__(self, choice: str = "", registry: ModelRegistry | None = None) -> None:
        self.registry = registry
        self._choice = choice
        self._names = ("", "")
        self.live: Model | None = None
        self.shadow: Model | None = None
        self.faults: tuple[str, ...] = ()

    def load(self) -> None:
        """Read both models.

        Raises: BadModelError when the settings' own model cannot be read.
        """
        names = self._wanted()
        faults: list[str] = []
        live, shadow = (self._model(name, faults) for name in names)
        self.live = live or choose_model(self._choice)
        self.shadow = shadow
        self._names, self.faults = names, tuple(faults)

    def changed(self) -> bool:
        """Tell whether the registry names other models than those that were loaded."""
        return self._wanted() != self._names

    def _wanted(self) -> tuple[str, str]:
        return (self.registry.active(LANGUAGE), self.registry.shadow(LANGUAGE)) if self.registry else ("", "")

    def _model(self, name: str, faults: list[str]) -> Model | None:
        if not name or self.registry is None:
            return None
        try:
            return self.registry.model(name)
        except (BadModelError, ValueError):
            faults.append(name)
            return None
