"""The biller's workplace: what waits, claims, denials, remittances, receivables."""

from rcm_billing.pages import accounts, claims, denials, home, remittances

routers = (home.router, claims.router, denials.router, remittances.router, accounts.router)
