"""Settings that every service has, read once from the environment in its composition root."""

from pathlib import Path
from typing import Literal, Self

from pydantic import Field, SecretStr, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict


class KafkaSettings(BaseSettings):
    """How to reach Kafka. TLS and SASL are off on loopback only."""

    model_config = SettingsConfigDict(env_prefix="RCM_KAFKA_", frozen=True, extra="ignore")

    bootstrap: str = "127.0.0.1:9092"
    compression: Literal["lz4", "gzip"] | None = None  # costs CPU; gains where the network is the limit
    security: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = "PLAINTEXT"
    ca_file: Path | None = None
    cert_file: Path | None = None
    key_file: Path | None = None
    sasl_mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] = "SCRAM-SHA-512"
    sasl_username: str | None = None
    sasl_password: SecretStr | None = None


class SharedSettings(BaseSettings):
    """What is the same for all services of one installation."""

    model_config = SettingsConfigDict(env_prefix="RCM_", frozen=True, extra="ignore")

    replica: int = 0
    log_level: str = "INFO"
    environment: Literal["embedded", "test", "production"] = "embedded"
    clock_start: str | None = None
    migrate_on_start: bool = False
    auth_jwks: Path | None = None
    auth_key: Path | None = None
    auth_issuer: str = "https://claimstream.local"
    auth_audience: str = "claimstream"
    exchange_dir: Path | None = None
    intake_url: str = "http://127.0.0.1:8101"
    coding_url: str = "http://127.0.0.1:8102"
    query_url: str = "http://127.0.0.1:8103"
    billing_url: str = "http://127.0.0.1:8104"
    audit_url: str = "http://127.0.0.1:8105"
    otel_endpoint: str | None = None
    otel_sample: float = 0.05
    failpoints: str = ""
    failpoints_seed: int = 0

    def url_of(self, service: str) -> str:
        """Return the base URL of a service."""
        return str(getattr(self, f"{service}_url")).rstrip("/")

    @model_validator(mode="after")
    def _refuse_test_levers_in_production(self) -> Self:
        if self.environment == "production" and (self.clock_start or self.failpoints):
            raise ValueError("RCM_CLOCK_START and RCM_FAILPOINTS are refused in production")
        return self


class ServiceSettings(BaseSettings):
    """One service's own settings; subclasses set the prefix RCM_<SERVICE>_."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore")

    dsn: str
    owner_dsn: str | None = None
    http_host: str = "127.0.0.1"
    http_port: int = 0
    http_pool: int = 8
    shared: SharedSettings = Field(default_factory=SharedSettings)
    kafka: KafkaSettings = Field(default_factory=KafkaSettings)
