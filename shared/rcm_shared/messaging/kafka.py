"""Connection arguments for aiokafka, from settings."""

import ssl
from typing import Any

from aiokafka.helpers import create_ssl_context

from rcm_shared.settings import KafkaSettings


def connection_arguments(settings: KafkaSettings) -> dict[str, Any]:
    """Return the arguments that every aiokafka client needs: addresses, TLS, SASL."""
    arguments: dict[str, Any] = {
        "bootstrap_servers": settings.bootstrap.split(","),
        "security_protocol": settings.security,
    }
    if "SSL" in settings.security and settings.security != "SASL_PLAINTEXT":
        arguments["ssl_context"] = _ssl(settings)
    if settings.security.startswith("SASL"):
        arguments["sasl_mechanism"] = settings.sasl_mechanism
        arguments["sasl_plain_username"] = settings.sasl_username
        arguments["sasl_plain_password"] = (
            settings.sasl_password.get_secret_value() if settings.sasl_password else None
        )
    return arguments


def _ssl(settings: KafkaSettings) -> ssl.SSLContext:
    context: ssl.SSLContext = create_ssl_context(
        cafile=str(settings.ca_file) if settings.ca_file else None,
        certfile=str(settings.cert_file) if settings.cert_file else None,
        keyfile=str(settings.key_file) if settings.key_file else None,
    )
    return context
