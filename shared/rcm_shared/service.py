"""A service from its command line: serve, or migrate its database."""

import argparse
from collections.abc import Sequence

import uvicorn

from rcm_shared import failpoints
from rcm_shared.postgres.migrate import main as migrate
from rcm_shared.runtime import Runtime, ServiceSpec
from rcm_shared.settings import ServiceSettings
from rcm_shared.telemetry import configure_logging, configure_tracing
from rcm_shared.web.app import create_app


def run_service(spec: ServiceSpec, settings: ServiceSettings, argv: Sequence[str] | None = None) -> int:
    """Run a service from its command line: `serve` (the default) or `migrate`."""
    parser = argparse.ArgumentParser(prog=f"rcm_{spec.name}")
    parser.add_argument("command", nargs="?", choices=("serve", "migrate"), default="serve")
    arguments = parser.parse_args(argv)
    if arguments.command == "migrate":
        migrate(settings.owner_dsn or settings.dsn, spec.migrations)
        return 0
    shared = settings.shared
    configure_logging(spec.name, shared.log_level)
    configure_tracing(spec.name, shared.otel_endpoint, shared.otel_sample)
    failpoints.configure(shared.failpoints, shared.failpoints_seed)

    runtime = Runtime(spec, settings)
    server = uvicorn.Server(
        uvicorn.Config(
            create_app(runtime),
            host=settings.http_host,
            port=settings.http_port,
            loop="uvloop",
            http="httptools",
            log_config=None,
            access_log=False,
            server_header=False,
            h11_max_incomplete_event_size=16 * 1024,
            timeout_graceful_shutdown=8,
            backlog=512,
        )
    )
    server.run()
    return 0 if server.started else 1
