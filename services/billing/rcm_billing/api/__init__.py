"""HTTP in: one module per thing that people ask for."""

from rcm_billing.api import accounts, claims, denials, remittances

routers = (accounts.router, claims.router, denials.router, remittances.router)
