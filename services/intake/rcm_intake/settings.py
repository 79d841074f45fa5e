"""Intake's settings, read from the environment once, in app.py."""

from pydantic_settings import SettingsConfigDict
from rcm_shared.settings import ServiceSettings


class IntakeSettings(ServiceSettings):
    """`feed_facilities` limits what feeds without a token (MLLP, Kafka) may write to; empty means all."""

    model_config = SettingsConfigDict(env_prefix="RCM_INTAKE_", frozen=True, extra="ignore")

    mllp_host: str = "127.0.0.1"
    mllp_port: int = 0  # 0: no MLLP listener
    feed_facilities: tuple[str, ...] = ()
