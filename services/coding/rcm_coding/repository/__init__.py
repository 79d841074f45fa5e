"""SQL of the coding service: charts, decisions and releases; the worklist's own tables."""

from rcm_coding.repository.cases import (
    CaseLine,
    activate_release,
    find_case,
    list_cases,
    load_cases,
    log_decisions,
    save_cases,
)

__all__ = [
    "CaseLine",
    "activate_release",
    "find_case",
    "list_cases",
    "load_cases",
    "log_decisions",
    "save_cases",
]
