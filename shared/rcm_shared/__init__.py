"""Platform library of the five services: contracts, messaging, Postgres, web, auth, telemetry."""
