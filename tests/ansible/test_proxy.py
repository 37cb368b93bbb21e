"""The defaults of the role `proxy` agree with the API that it stands before."""

from __future__ import annotations

import configparser
from pathlib import Path
from typing import Any

import pytest
import yaml
from jinja2 import Environment
from starlette.routing import compile_path

from app import api as _  # noqa: F401 (its routes set their limits)
from app.http import bodies
from app.http.gunicorn_settings import graceful_timeout
from app.http.rates import STRANGERS_BURST_SECONDS
from app.http.streams import HEARTBEAT
from app.settings.config import Settings
from tests.ansible.roles import rendered_site

ROOT = Path(__file__).parents[2]
ROLE = ROOT / "ansible/roles/proxy"
#: Between the end of an old API and the first answer of the new one.
START_SECONDS = 15


def defaults() -> dict[str, Any]:
    read: dict[str, Any] = yaml.safe_load((ROLE / "defaults/main.yml").read_text())
    return read


def directive(unit: str, section: str, key: str) -> str:
    read = configparser.ConfigParser(strict=False, interpolation=None)
    read.optionxform = str  # type: ignore[assignment,method-assign]
    read.read(ROOT / "systemd" / unit)
    return read[section][key]


def test_a_body_that_the_api_takes_passes_and_no_larger_one() -> None:
    role = defaults()
    assert role["proxy_body_limit_kib"] * bodies.KIB == bodies.DEFAULT_LIMIT
    larger = role["proxy_larger_bodies"]
    limits = {compile_path(each["path"])[0].pattern: each["limit_kib"] * bodies.KIB for each in larger}
    exact = {compile_path(path)[0].pattern: limit for path, limit in bodies._LIMITS.items()}
    assert limits == exact | {pattern.pattern: limit for pattern, limit in bodies._LIMITS_BY_PATTERN}
    streamed = {compile_path(each["path"])[0].pattern for each in larger if each.get("streamed")}
    assert streamed == {pattern.pattern for pattern in bodies._UPLOADS}


def test_paths_with_parameters_have_their_own_limits(tmp_path: Path) -> None:
    given = [
        {"path": "/api/v1/batch", "limit_kib": 1},
        {"path": "/api/v1/models/{model_id}/file", "limit_kib": 2, "streamed": True},
    ]
    site = " ".join(rendered_site(tmp_path, proxy_larger_bodies=given).split())
    file = '"^/api/v1/models/[^/]+/file$"'
    assert f"/api/v1/batch 1024; {file.replace('^', '~^', 1)} 2048; }}" in site
    assert "location = /api/v1/batch { client_max_body_size 1k; proxy_pass" in site
    assert f"location ~ {file} {{ client_max_body_size 2k; # A file" in site
    assert site.count("proxy_request_buffering off;") == 1


def test_the_proxy_is_no_narrower_than_the_api_is_for_one_token() -> None:
    role, given = defaults(), Settings.model_fields
    assert role["proxy_requests_per_second"] >= given["api_token_per_second"].default
    assert role["proxy_connections"] >= given["api_workers"].default * given["api_in_flight"].default
    assert role["proxy_client_timeout_seconds"] <= given["api_request_seconds"].default


def test_a_stranger_may_ask_as_much_of_a_process_of_the_api_as_of_the_proxy() -> None:
    role = defaults()
    strangers = Settings.model_fields["api_stranger_per_second"].default
    assert role["proxy_requests_per_second_without_token"] == strangers
    assert role["proxy_requests_burst_seconds"] == STRANGERS_BURST_SECONDS


def test_a_caller_waits_through_a_restart_of_the_api() -> None:
    patience = defaults()["proxy_read_timeout_seconds"]
    assert patience >= int(directive("groundwork-api.service", "Service", "TimeoutStopSec")) + START_SECONDS
    assert patience >= graceful_timeout + START_SECONDS


def test_a_follower_of_a_job_hears_more_often_than_the_proxy_gives_up() -> None:
    assert HEARTBEAT.total_seconds() * 2 < defaults()["proxy_read_timeout_seconds"]


@pytest.mark.parametrize("length", [1, 64, 65, 69, 70, 253])
def test_a_certificate_of_ours_has_a_name_that_fits_into_one(length: int) -> None:
    tasks = yaml.safe_load((ROLE / "tasks/self_signed.yml").read_text())
    (subject,) = (word for word in tasks[0]["ansible.builtin.command"]["argv"] if word.startswith("/CN="))
    name = Environment().from_string(subject).render(proxy_server_names=["a" * length])
    assert len(name.removeprefix("/CN=")) == min(length, 64)


def test_the_api_is_looked_for_where_its_socket_listens() -> None:
    listening = directive("groundwork-api.socket", "Socket", "ListenStream")
    assert defaults()["proxy_api_address"] == listening


@pytest.mark.parametrize(("has_ipv6", "listening"), [(True, 2), (False, 0)])
def test_nginx_listens_on_ipv6_where_the_host_has_it(has_ipv6: bool, listening: int, tmp_path: Path) -> None:
    assert rendered_site(tmp_path, ipv6=has_ipv6).count("listen [::]:") == listening


@pytest.mark.parametrize(("packages", "defaults_taken"), [(["nginx"], 2), ([], 0)])
def test_the_sites_of_others_keep_their_place(
    packages: list[str], defaults_taken: int, tmp_path: Path
) -> None:
    assert rendered_site(tmp_path, packages=packages).count("default_server") == defaults_taken
