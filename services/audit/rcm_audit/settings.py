"""Settings of the audit service; the only reader of its environment."""

from pathlib import Path

from pydantic_settings import SettingsConfigDict
from rcm_shared.settings import ServiceSettings


class AuditSettings(ServiceSettings):
    """Where the signing key and the copies of checkpoints lie, and how often a checkpoint is taken."""

    model_config = SettingsConfigDict(env_prefix="RCM_AUDIT_", frozen=True, extra="ignore")

    state_dir: Path = Path(".rcm/audit")
    signing_key: Path | None = None  # default: <state_dir>/checkpoint-key.pem, made at the first start
    checkpoint_every_s: float = 60.0
    checkpoint_every_records: int = 1_000
    trace_url: str = ""  # template with {trace_id}, such as an address of Jaeger
