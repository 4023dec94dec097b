"""The TLS context of every Kafka client: Faust's consumer and our own producer trust the same certificates."""

from __future__ import annotations

import ssl

from app.errors import FailureCode, OperatorError
from app.settings import KafkaSettings


def kafka_tls_context(settings: KafkaSettings) -> ssl.SSLContext | None:
    """None for a protocol without TLS; `OperatorError(SETTING_INVALID)` when the certificates can not be read."""
    if not settings.security_protocol.endswith("SSL"):
        return None
    ca_file = None if settings.ssl_ca_file is None else str(settings.ssl_ca_file)
    try:
        return ssl.create_default_context(cafile=ca_file)
    except OSError as error:
        raise OperatorError(
            FailureCode.SETTING_INVALID,
            f"LISTINGS_KAFKA__SSL_CA_FILE: expected a file of certificates (PEM), {ca_file} is none: {error.strerror}",
        ) from error
