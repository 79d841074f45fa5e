"""Run the billing service: `python -m rcm_billing`."""

from rcm_billing.app import run

if __name__ == "__main__":
    raise SystemExit(run())
