"""Every server answers through its fault proxy, and the broker only through it when it was reached that way."""

from __future__ import annotations

import httpx2 as httpx
import pytest
from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

from tests.support.stack import RunningStack
from tests.support.toxiproxy import fault_proxies

pytestmark = pytest.mark.integration


def test_every_server_is_behind_its_proxy(stack: RunningStack) -> None:
    with fault_proxies(stack) as proxies:
        env = proxies.env()
        places = [
            (proxies.index, f"{env['LISTINGS_OPENSEARCH__URL']}/"),
            (proxies.store, f"{env['LISTINGS_S3__ENDPOINT_URL']}/health"),
            (proxies.registry, f"{env['LISTINGS_SCHEMA_REGISTRY__URL']}/subjects"),
        ]
        for proxy, url in places:
            assert httpx.get(url, timeout=10).status_code == 200
            with proxy.down(), pytest.raises(httpx.HTTPError):
                httpx.get(url, timeout=10)
            assert httpx.get(url, timeout=10).status_code == 200


def test_a_client_of_the_broker_stays_with_the_proxy(stack: RunningStack) -> None:
    with fault_proxies(stack) as proxies:
        if proxies.broker is None:
            pytest.skip("the broker in Docker has no listener for a proxy")
        client = AdminClient({"bootstrap.servers": proxies.broker.address, "log_level": 0})
        metadata = client.list_topics(timeout=20)
        assert [f"{broker.host}:{broker.port}" for broker in metadata.brokers.values()] == [proxies.broker.address]
        with proxies.broker.down(), pytest.raises(KafkaException):
            client.list_topics(timeout=3)
        proxies.heal()
        assert client.list_topics(timeout=20).brokers
