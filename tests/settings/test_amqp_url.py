"""RabbitMQ's URL is read once, and refused in one sentence that shows no password."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote

import pytest

from app.jobs.broker.current import broker
from app.settings.amqp_url import AmqpAddress, address_of
from app.settings.config import settings
from app.settings.redis_url import RedisAddress
from app.settings.sources import ConfigError
from tests.certificates import Authority
from tests.rabbit_server import RabbitServer
from tests.servers import free_port

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

AWKWARD = "p@:/?#[]%\"' é"


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("amqp://h/v", AmqpAddress(host="h", port=5672, vhost="v")),
        ("amqp://h:1/%2F", AmqpAddress(host="h", port=1, vhost="/")),
        ("amqp://[::1]:5/a.b", AmqpAddress(host="::1", port=5, vhost="a.b")),
        (
            f"amqp://ann:{quote(AWKWARD, safe='')}@h/{quote(AWKWARD, safe='')}",
            AmqpAddress(host="h", port=5672, vhost=AWKWARD, username="ann", password=AWKWARD),
        ),
    ],
)
def test_a_url_means_one_address_also_by_way_of_kombu(url: str, address: AmqpAddress) -> None:
    assert address_of(url) == address
    assert address_of(address.for_kombu) == address
    assert address.password not in address.shown


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("amqp://u:hunter2@h", "names no vhost"),
        ("amqp://u:hunter2@h/", "names no vhost"),
        ("amqp://u:hunter2@h/a/b", "not written %2F"),
        ("amqp://u:hunter2@/v", "names no host"),
        ("amqp://u:hunter2@h:0/v", "ports are 1 to 65535"),
        ("amqp://u:hunter2@h:65536/v", "ports are 1 to 65535"),
        ("amqp://u:hunter2@h:port/v", "ports are 1 to 65535"),
        ("amqp://u:hunt/er2@h/v", "host or port is not valid"),
        ("amqp://u:hunt#er2@h/v", "host or port is not valid"),
        ("amqp://u:hunt?er2@h/v", "host or port is not valid"),
        ("amqp://u:hunt er2@h/v", "holds a blank"),
        ("amqp://u:hunter2@h/v#x", 'holds a "#"'),
        ("amqp://u:hunter2@h/" + "é" * 200, "longer than 255 bytes"),
        ("amqp://u:hunter2@h/v?heartbeat=5", "an option other than"),
        ("amqp://u:hunter2@h/v?ssl_cert_reqs=none", "with amqps:// only"),
        ("amqps://u:hunter2@h/v?ssl_cert_reqs=maybe", "it may be required or none"),
        ("amqps://u:hunter2@h/v?ssl_cert_reqs=none&ssl_cert_reqs=none", "gives an option twice"),
        ("amqps://u:hunter2@h/v?ssl_ca_certs=/nowhere/ca.pem", "no file that is there"),
        ("amqps://u:hunter2@h/v?ssl_keyfile=/etc/hostname", "without ssl_certfile"),
        ("http://u:hunter2@h/v", "begins with none of"),
        ("hunter2", "begins with none of"),
    ],
)
def test_a_url_that_is_none_is_refused_by_name_and_without_its_password(
    url: str, problem: str, configure: Callable[..., None]
) -> None:
    configure(broker_url=url)
    with pytest.raises(ConfigError, match="GROUNDWORK_BROKER_URL: this is not a usable URL: ") as refused:
        settings()
    assert problem in str(refused.value)
    assert "hunt" not in str(refused.value)
    assert "er2" not in str(refused.value)


def test_without_it_the_broker_is_the_redis_of_the_other_setting(configure: Callable[..., None]) -> None:
    configure(broker_url="", redis_url="redis://somewhere/3")
    assert settings().broker == RedisAddress(host="somewhere", database=3)
    configure(broker_url="redis://elsewhere/4")
    assert settings().broker == settings().redis == RedisAddress(host="elsewhere", database=4)


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="module")
def tls_rabbit(authority: Authority) -> Iterator[RabbitServer]:
    certificate, key = authority.sign("127.0.0.1")
    port = free_port()
    options = f"listeners.ssl.1 = 127.0.0.1:{port}\nssl_options.certfile = {certificate}\n"
    options += f"ssl_options.keyfile = {key}\nssl_options.cacertfile = {authority.certificate}\n"
    server = RabbitServer(further=f"{options}ssl_options.fail_if_no_peer_cert = false\n")
    server.tls_port = port
    server.start()
    yield server
    server.close()


def test_a_certificate_is_looked_at_unless_the_url_says_otherwise(
    configure: Callable[..., None], tls_rabbit: RabbitServer, authority: Authority
) -> None:
    place = f"amqps://guest:guest@127.0.0.1:{tls_rabbit.tls_port}/%2F"
    configure(broker_url=place, publish_timeout_ms=2000)
    with pytest.raises(broker().failures, match="certificate verify failed"):
        broker().ping()
    for options in (f"ssl_ca_certs={authority.certificate}", "ssl_cert_reqs=none"):
        configure(broker_url=f"{place}?{options}")
        broker().ping()
