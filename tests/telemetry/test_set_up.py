"""What settings of traces and error reports are refused, and what is loaded for them."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from app.settings.config import load_settings
from app.settings.sources import ConfigError
from app.settings.telemetry_kinds import headers_of
from app.telemetry.errors import PackageMissing
from app.telemetry.set_up import add_telemetry, of_requests

if TYPE_CHECKING:
    from collections.abc import Callable

SETTINGS = {"otel_endpoint": "http://127.0.0.1:4318", "sentry_dsn": "https://key@sentry.example.org/7"}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("otel_endpoint", "127.0.0.1:4318"),
        ("otel_endpoint", "ftp://host"),
        ("otel_headers", "no-value"),
        ("otel_headers", "a b=c"),
        ("otel_headers", "name=тайна"),
        ("otel_headers", "name=a\nb=c"),
        ("otel_share", "1.1"),
        ("otel_share", "nan"),
        ("sentry_dsn", "https://sentry.example.org/7"),
        ("sentry_dsn", "https://key@sentry.example.org"),
        ("sentry_dsn", "https://key@sentry.example.org:port/7"),
        ("sentry_dsn", "key"),
        ("sentry_environment", "a/b"),
    ],
)
def test_a_setting_that_cannot_be_used_is_refused_by_name(
    configure: Callable[..., None], name: str, value: str
) -> None:
    configure(**{name: value})
    with pytest.raises(ConfigError, match=f"GROUNDWORK_{name.upper()}") as refused:
        load_settings()
    assert "тайна" not in str(refused.value)


def test_headers_are_read_as_they_are_written() -> None:
    assert headers_of("api-key=a=b, x=1,") == {"api-key": "a=b", "x": "1"}
    assert headers_of("") == {}


def test_nothing_is_loaded_for_who_sets_nothing(configure: Callable[..., None]) -> None:
    configure()
    add_telemetry()
    assert of_requests() == []


@pytest.mark.parametrize(
    ("setting", "library", "extra"),
    [
        ("otel_endpoint", "opentelemetry.exporter.otlp.proto.http.trace_exporter", "otel"),
        ("sentry_dsn", "sentry_sdk", "sentry"),
    ],
)
def test_a_library_that_is_missing_is_named_with_what_installs_it(
    configure: Callable[..., None], monkeypatch: pytest.MonkeyPatch, setting: str, library: str, extra: str
) -> None:
    configure(**{setting: SETTINGS[setting]})
    for name in [name for name in sys.modules if name.startswith("app.telemetry.")]:
        if name.rpartition(".")[2] not in ("set_up", "errors"):
            monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, library, None)
    for connect in (add_telemetry, of_requests):
        with pytest.raises(
            PackageMissing, match=rf"GROUNDWORK_{setting.upper()} is set.*groundwork\[{extra}\]"
        ):
            connect()
