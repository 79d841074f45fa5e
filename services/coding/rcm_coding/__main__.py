"""Run the coding service: `python -m rcm_coding`."""

from rcm_shared.service import run_service

from rcm_coding.app import build
from rcm_coding.settings import CodingSettings

if __name__ == "__main__":
    settings = CodingSettings()
    run_service(build(settings), settings)
