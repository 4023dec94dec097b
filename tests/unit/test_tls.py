from __future__ import annotations

import ssl
from pathlib import Path

import pytest

from app.errors import FailureCode, OperatorError
from app.settings import KafkaSettings
from app.tls import kafka_tls_context


@pytest.mark.parametrize("protocol", ["PLAINTEXT", "SASL_PLAINTEXT"])
def test_without_tls_there_is_no_context(protocol: str) -> None:
    assert kafka_tls_context(KafkaSettings(security_protocol=protocol, ssl_ca_file=Path("nowhere"))) is None


@pytest.mark.parametrize("protocol", ["SSL", "SASL_SSL"])
def test_with_tls_the_broker_has_to_prove_who_it_is(protocol: str) -> None:
    context = kafka_tls_context(KafkaSettings(security_protocol=protocol))
    assert context is not None
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.check_hostname


@pytest.mark.parametrize("content", [None, "no certificates"])
def test_certificates_that_can_not_be_read_are_the_settings_fault(tmp_path: Path, content: str | None) -> None:
    path = tmp_path / "ca.pem"
    if content is not None:
        path.write_text(content)
    with pytest.raises(OperatorError, match="LISTINGS_KAFKA__SSL_CA_FILE") as caught:
        kafka_tls_context(KafkaSettings(security_protocol="SSL", ssl_ca_file=path))
    assert caught.value.code is FailureCode.SETTING_INVALID
