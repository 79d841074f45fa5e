"""Settings of the coding service; the only reader of its environment."""

from pathlib import Path

from pydantic_settings import SettingsConfigDict
from rcm_shared.settings import ServiceSettings


class CodingSettings(ServiceSettings):
    """`cache_dir` keeps compiled code-set artefacts; unset means the user's cache folder."""

    model_config = SettingsConfigDict(env_prefix="RCM_CODING_", frozen=True, extra="ignore")

    cache_dir: Path | None = None
