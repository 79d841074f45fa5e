"""Settings of billing; the only reader of its environment."""

from pathlib import Path

from pydantic import Field
from pydantic_settings import SettingsConfigDict
from rcm_shared.settings import ServiceSettings


class BillingSettings(ServiceSettings):
    """Read from RCM_BILLING_*; the master data file is shared by the installation."""

    model_config = SettingsConfigDict(env_prefix="RCM_BILLING_", frozen=True, extra="ignore")

    master_file: Path = Field(validation_alias="RCM_MASTER_FILE")
    batch_claims: int = Field(default=200, ge=1, le=5000)  # claims in one interchange
