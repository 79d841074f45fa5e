"""Settings of billing; the only reader of its environment."""

from pathlib import Path

from pydantic import Field
from pydantic_settings import SettingsConfigDict
from rcm_shared.settings import ServiceSettings


class BillingSettings(ServiceSettings):
    """Read from RCM_BILLING_*; the master data file is shared by the installation."""

    model_config = SettingsConfigDict(env_prefix="RCM_BILLING_", frozen=True, extra="ignore")

    master_file: Path = Field(validation_alias="RCM_MASTER_FILE")
    channels_file: Path | None = None  # channels to payers by name; without it only the file drop
    alone_cents: int = Field(default=2_500, ge=0)  # above it another person approves a write-off
    small_balance_cents: int = Field(default=1_000, ge=0)
    statement_first_days: int = Field(default=5, ge=0)
    statement_days: int = Field(default=30, ge=1)
    statement_count: int = Field(default=3, ge=1, le=12)
    statement_due_days: int = Field(default=21, ge=1)
    reference_dir: Path | None = None  # the operator's own reference tables, one CSV file for each
    payer_rule_four_eyes: bool = True  # another person than its author activates a payer rule
    batch_claims: int = Field(default=200, ge=1, le=5000)  # claims in one interchange
