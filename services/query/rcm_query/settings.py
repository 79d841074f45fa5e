"""Settings of the query service; the only reader of its environment."""

from pydantic_settings import SettingsConfigDict
from rcm_shared.settings import ServiceSettings


class QuerySettings(ServiceSettings):
    """The query service has no settings beyond those of every service."""

    model_config = SettingsConfigDict(env_prefix="RCM_QUERY_", frozen=True, extra="ignore")
