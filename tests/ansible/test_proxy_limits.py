"""Our nginx before our API: whose requests count for whom, when one address has many people behind it."""

from __future__ import annotations

import itertools
import os
import shutil
import subprocess
from contextlib import contextmanager
from typing import TYPE_CHECKING

import httpx
import pytest

from app.domains.accounts.sessions.cookies import NAME
from tests.ansible.roles import rendered_site
from tests.conftest import configured
from tests.console.browser import HERE, OVERVIEW, SIGN_IN
from tests.domains.accounts.people import ANN, PASSWORD, add_person
from tests.http.test_gunicorn_worker import running
from tests.servers import free_port, stop, wait_until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.servers import RedisServer

#: What a stranger may ask for in a second; five times as much at once.
RATE = 1
ENOUGH = 30
PEOPLE = (ANN, "bob@example.org")
#: Of addresses of this host.
NUMBERS = itertools.count(1)
MAKE_CERTIFICATE = (
    *("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-noenc"),
    *("-subj", "/CN=one.example", "-out"),
)
MAIN = """
pid {folder}/nginx.pid;
daemon off;
worker_processes 1;
events {{ }}
http {{
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    include {folder}/site;
}}
"""


@pytest.fixture(scope="module")
def url(
    sqlite_template: Path, redis_server: RedisServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """Where nginx answers; people may sign in to what is behind it."""
    folder = tmp_path_factory.mktemp("limits")
    database = shutil.copyfile(sqlite_template, folder / "groundwork.db")
    settings: dict[str, object] = {
        "database_url": f"sqlite:///{database}",
        "redis_url": redis_server.url,
        "api_stranger_per_second": RATE,
    }
    with configured(folder, **settings):
        for email in PEOPLE:
            add_person(email)
    with running(folder, **settings) as server, nginx(folder, api=f"127.0.0.1:{server.port}") as url:
        yield url


@contextmanager
def nginx(folder: Path, *, api: str) -> Iterator[str]:
    """nginx with our site before `api`; where it answers."""
    port, certificate = free_port(), folder / "certificate.pem"
    subprocess.run([*MAKE_CERTIFICATE, certificate, "-keyout", certificate], check=True, capture_output=True)
    rendered_site(
        folder,
        proxy_api_address=api,
        proxy_https_port=port,
        proxy_http_port=0,
        proxy_certificate_file=str(certificate),
        proxy_certificate_key_file=str(certificate),
        proxy_requests_per_second_without_token=RATE,
        __proxy_logs=str(folder),
    )
    (folder / "nginx.conf").write_text(MAIN.format(folder=folder))
    binary = shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin")
    assert binary, "nginx is missing; scripts/test installs it"
    with (folder / "nginx.log").open("w") as log:
        process = subprocess.Popen([binary, "-c", folder / "nginx.conf"], stderr=log)
    try:
        wait_until(lambda: (folder / "nginx.pid").exists(), seconds=20, what="nginx listens")
        yield f"https://127.0.0.1:{port}"
    finally:
        stop(process)


@pytest.fixture
def visitor(url: str) -> Iterator[Callable[..., httpx.Client]]:
    """Makes clients, all of one address that nobody else has."""
    address, clients = f"127.0.1.{next(NUMBERS)}", []

    def come(**cookies: str) -> httpx.Client:
        transport = httpx.HTTPTransport(local_address=address, verify=False)
        clients.append(httpx.Client(base_url=url, transport=transport, cookies=cookies, timeout=30))
        return clients[-1]

    yield come
    for client in clients:
        client.close()


def made_up(number: int) -> str:
    """What has the form of a session's secret."""
    return f"gws_{number:043}"


def asked(client: httpx.Client, path: str = OVERVIEW) -> list[int]:
    """The statuses of many requests, one after the other."""
    return [client.get(path).status_code for _ in range(ENOUGH)]


def sign_in(client: httpx.Client, email: str) -> httpx.Client:
    answer = client.post(SIGN_IN, data={"email": email, "password": PASSWORD}, headers=HERE)
    assert answer.status_code == 303, answer.text
    assert NAME in client.cookies
    return client


def test_who_has_signed_in_is_not_counted_with_strangers_of_the_address(
    visitor: Callable[..., httpx.Client],
) -> None:
    people = [sign_in(visitor(), email) for email in PEOPLE]
    assert 429 in asked(visitor())
    for person in people:
        assert set(asked(person)) == {200}
    assert 429 in asked(visitor())


@pytest.mark.parametrize(
    "cookies",
    [
        {NAME: ""},
        {NAME: "gws_short"},
        {NAME: made_up(1) + "x"},
        {NAME: "x" + made_up(1)},
        {"groundwork_session": made_up(1)},
        {f"x{NAME}": made_up(1)},
        {"other": f"{NAME}={made_up(1)}"},
    ],
)
def test_what_is_no_session_by_its_form_is_a_strangers(
    visitor: Callable[..., httpx.Client], cookies: dict[str, str]
) -> None:
    refused = [
        answer for _ in range(ENOUGH) if (answer := visitor(**cookies).get(OVERVIEW)).status_code == 429
    ]
    assert refused
    assert refused[0].json()["detail"] == "Too many requests come from this address. Slow down."


def test_a_session_that_is_made_up_has_no_count_of_its_own(visitor: Callable[..., httpx.Client]) -> None:
    person = sign_in(visitor(), ANN)
    assert person.get(OVERVIEW).status_code == 200
    answers = [visitor(**{NAME: made_up(number)}).get(OVERVIEW) for number in range(ENOUGH)]
    refused = [answer for answer in answers if answer.status_code == 429]
    assert {answer.status_code for answer in answers} == {303, 429}
    assert len(refused) >= ENOUGH // 3
    assert refused[0].headers["Retry-After"] == "1"
    assert "This address shows too many tokens or sessions that are not known." in refused[0].text
    # The same counts at the doors that nobody needs a session for, and none of it for who has signed in.
    assert 429 in asked(visitor(**{NAME: made_up(1)}), SIGN_IN)
    assert set(asked(person)) == {200}
