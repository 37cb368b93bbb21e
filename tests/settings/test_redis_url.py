"""The broker's URL is read once, and everybody who connects goes by that reading."""

from __future__ import annotations

import asyncio
import secrets
import subprocess
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest
import redis
from flower.utils.broker import Broker  # type: ignore[import-untyped]
from kombu.exceptions import OperationalError

from app.health.doctor import redis_server
from app.health.doctor.finding import Level
from app.jobs.broker import current
from app.jobs.celery.application import make_celery
from app.settings.config import settings
from app.settings.redis_url import RedisAddress, address_of
from app.settings.sources import ConfigError
from tests.certificates import Authority
from tests.fleet import ROOT
from tests.servers import RedisServer, free_port

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

AWKWARD = "p@:/?#[]%\"' é"
VERIFIED = {"ssl_cert_reqs": "required", "ssl_check_hostname": True}


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("redis://", RedisAddress(host="127.0.0.1")),
        ("redis://redis.example/3", RedisAddress(host="redis.example", database=3)),
        ("redis://[::1]:6380?db=4", RedisAddress(host="::1", port=6380, database=4)),
        (
            f"redis://ann:{quote(AWKWARD, safe='')}@h",
            RedisAddress(host="h", username="ann", password=AWKWARD),
        ),
        ("unix://:pw@/run/a%20b/s?db=2", RedisAddress(path="/run/a b/s", password="pw", database=2)),
        ("rediss://h", RedisAddress(host="h", tls=VERIFIED)),
        ("rediss://h?ssl_cert_reqs=CERT_REQUIRED", RedisAddress(host="h", tls=VERIFIED)),
        (
            "rediss://h?ssl_check_hostname=no",
            RedisAddress(host="h", tls={**VERIFIED, "ssl_check_hostname": False}),
        ),
        *(
            (
                f"rediss://h?ssl_cert_reqs={none}",
                RedisAddress(host="h", tls={"ssl_cert_reqs": "none", "ssl_check_hostname": False}),
            )
            for none in ("none", "None", "CERT_NONE", "cert_none")
        ),
    ],
)  # fmt: skip
def test_a_url_means_one_address_also_by_way_of_redis_py(url: str, address: RedisAddress) -> None:
    assert address_of(url) == address
    assert address_of(address.for_redis_py) == address
    arguments = redis.Redis.from_url(address.for_redis_py).get_connection_kwargs()
    assert arguments.get("password") == address.password
    assert arguments.get("ssl_cert_reqs") == (address.tls or {}).get("ssl_cert_reqs")


@pytest.mark.parametrize(
    "url",
    [
        "hunter2", "hunter2@somewhere:6379", "http://u:hunter2@h", "redis:u:hunter2@h", "redis://u:hunter2@h:port",
        "redis://u:hunt/er2@h", "redis://u:hunt#er2@h", "redis://u:hunt?er2@h", "redis://u:[hunter2@h",
        "redis://u:hunter2@h/first", "redis://u:hunter2@h/-1", "redis://u:hunter2@h/٣", "redis://u:hunter2@h?db=",
        "redis://u:hunter2@h?ssl_cert_reqs=none", "rediss://u:hunter2@h?ssl_cert_reqs=maybe",
        "rediss://u:hunter2@h?ssl_cert_req=none", "rediss://u:hunter2@h?ssl_check_hostname=perhaps",
        "rediss://u:hunter2@h?ssl_ca_certs=/nowhere/ca.pem", "redis://u:hunter2@h?socket_timeout=900",
        "rediss://u:hunter2@h?ssl_cert_reqs=none&ssl_cert_reqs=required", "redis://u:hunter2@h:65536",
        "unix://u:hunter2@", "unix:///s?password=hunter2", "redis://u:hunter2@h/" + "9" * 5000,
    ],
)  # fmt: skip
def test_a_url_that_is_none_is_refused_by_name_and_without_its_password(
    url: str, configure: Callable[..., None]
) -> None:
    configure(redis_url=url)
    with pytest.raises(ConfigError, match=r"GROUNDWORK_REDIS_URL: .* percent-encode") as refused:
        settings()
    assert "hunt" not in str(refused.value)
    assert "er2" not in str(refused.value)


@dataclass
class TlsRedis(RedisServer):
    """A Redis that speaks TLS on its port and trusts nobody to speak otherwise."""

    authority: Authority | None = None

    def client(self) -> redis.Redis:
        assert self.authority
        trusted = str(self.authority.certificate)
        return redis.Redis("127.0.0.1", port=self.port, socket_timeout=5, ssl=True, ssl_ca_certs=trusted)

    def url_with(self, options: str) -> str:
        return f"rediss://127.0.0.1:{self.port}/0{options}"


@pytest.fixture(scope="module")
def tls_redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TlsRedis]:
    authority = Authority(tmp_path_factory.mktemp("authority"))
    certificate, key = authority.sign("127.0.0.1")
    port = free_port()
    options = ("--port", "0", "--tls-port", port, "--tls-auth-clients", "no", "--tls-cert-file", certificate)
    server = TlsRedis(
        port=port,
        authority=authority,
        arguments=tuple(
            map(str, (*options, "--tls-key-file", key, "--tls-ca-cert-file", authority.certificate))
        ),
    )
    server.start()
    yield server
    server.close()


def by_producer() -> None:
    current.broker().ping()


def by_worker() -> None:
    with make_celery(settings()).connection_for_read() as connection:
        connection.ensure_connection(max_retries=1, timeout=5)


def by_doctor() -> None:
    assert redis_server.redis_answers().level is Level.OK


def by_flower() -> None:
    celery = make_celery(settings())
    options = {
        "broker_use_ssl": celery.conf.broker_use_ssl,
        "broker_options": celery.conf.broker_transport_options,
    }
    inspected: Any = Broker(celery.connection().as_uri(include_password=True), **options)
    asyncio.run(inspected.queues(["default"]))


def by_readiness() -> None:
    asked = (
        "import sys; sys.path.insert(0, 'scripts'); import readiness; sys.exit(not readiness.redis_answers())"
    )
    assert subprocess.run([sys.executable, "-c", asked], cwd=ROOT, check=False).returncode == 0


CONNECTING = (by_producer, by_worker, by_doctor, by_flower, by_readiness)
REFUSED = (redis.RedisError, OperationalError, AssertionError)


@pytest.mark.parametrize("connect", CONNECTING)
def test_everybody_refuses_a_certificate_that_nobody_vouches_for(
    connect: Callable[[], None], tls_redis: TlsRedis, configure: Callable[..., None], tmp_path: Path
) -> None:
    stranger = Authority(tmp_path, name="stranger").certificate
    for options in (
        "",
        f"?ssl_ca_certs={stranger}",
        "?ssl_cert_reqs=CERT_REQUIRED",
        "?ssl_cert_reqs=optional",
    ):
        configure(redis_url=tls_redis.url_with(options))
        with pytest.raises(REFUSED):
            connect()


@pytest.mark.parametrize("connect", CONNECTING)
def test_everybody_takes_a_certificate_by_the_given_authority_or_any_if_told_to(
    connect: Callable[[], None], tls_redis: TlsRedis, configure: Callable[..., None]
) -> None:
    assert tls_redis.authority
    for options in (f"?ssl_ca_certs={tls_redis.authority.certificate}", "?ssl_cert_reqs=CERT_NONE"):
        configure(redis_url=tls_redis.url_with(options))
        connect()


@pytest.mark.parametrize("connect", CONNECTING)
def test_everybody_looks_whose_certificate_it_is(
    connect: Callable[[], None], tls_redis: TlsRedis, configure: Callable[..., None]
) -> None:
    assert tls_redis.authority
    trusted = f"ssl_ca_certs={tls_redis.authority.certificate}"
    configure(redis_url=f"rediss://localhost:{tls_redis.port}/0?{trusted}")
    with pytest.raises(REFUSED):
        connect()
    configure(redis_url=f"rediss://localhost:{tls_redis.port}/0?{trusted}&ssl_check_hostname=false")
    connect()


def test_the_password_of_an_address_is_not_shown() -> None:
    password = secrets.token_urlsafe(12)
    assert password not in repr(address_of(f"redis://:{password}@h"))
