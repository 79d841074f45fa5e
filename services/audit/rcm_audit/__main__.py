"""Run the audit service: `python -m rcm_audit`."""

import sys

from rcm_shared.service import run_service

from rcm_audit.app import build
from rcm_audit.settings import AuditSettings

if __name__ == "__main__":
    settings = AuditSettings()
    sys.exit(run_service(build(settings), settings))
