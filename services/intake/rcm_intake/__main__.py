"""Run the intake service: `python -m rcm_intake [serve|migrate]`."""

import sys

from rcm_intake.app import main

sys.exit(main())
