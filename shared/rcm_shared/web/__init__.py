"""HTTP: app factory, problem answers, idempotent commands, pages, and the client between services."""
