"""Run the query service: `python -m rcm_query`."""

import sys

from rcm_shared.service import run_service

from rcm_query.app import build
from rcm_query.settings import QuerySettings

if __name__ == "__main__":
    settings = QuerySettings()
    sys.exit(run_service(build(settings), settings))
