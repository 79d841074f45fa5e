"""Settings of the coding service; the only reader of its environment."""

from pathlib import Path

from pydantic import Field
from pydantic_settings import SettingsConfigDict
from rcm_shared.settings import ServiceSettings


class CodingSettings(ServiceSettings):
    """`cache_dir` keeps compiled code-set artefacts; unset means the user's cache folder. `model` is the folder of a
    facility's own model; empty means the shipped one, "none" the rules alone.
    `codesets_dir` is the store of released files that is followed; unset: the installed packages alone.
    `models_dir` is the model registry that is followed; `refit_at` the hour (0 to 23, UTC of the business clock) from
    which the nightly refit runs once a day. Both unset: nothing is learned.
    """

    model_config = SettingsConfigDict(env_prefix="RCM_CODING_", frozen=True, extra="ignore")

    cache_dir: Path | None = None
    codesets_dir: Path | None = None
    model: str = ""
    models_dir: Path | None = None
    refit_at: int | None = Field(default=None, ge=0, le=23)
