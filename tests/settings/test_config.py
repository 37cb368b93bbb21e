"""Settings: every mistake is refused by name, with what to do."""

from __future__ import annotations

import re
import secrets
from typing import TYPE_CHECKING

import pytest

from app.settings.config import Settings, load_settings
from app.settings.kinds import in_url
from app.settings.secret import MIN_SECRET_LENGTH, DefaultSecret, refuse_weak_secret
from app.settings.sources import ConfigError, UnknownSetting

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

SECRET = secrets.token_urlsafe(MIN_SECRET_LENGTH)


@pytest.fixture
def env_file(configure: Callable[..., None], tmp_path: Path) -> Path:
    """The env file in use; `configure` clears what a test sets."""
    path = tmp_path / "groundwork.env"
    path.write_text(f"GROUNDWORK_SECRET_KEY={SECRET}\n")
    configure(env_file=path)
    return path


@pytest.mark.parametrize("name", Settings.model_fields)
def test_every_setting_has_a_description(name: str) -> None:
    description = Settings.model_fields[name].description

    assert description
    assert description.endswith(".")


@pytest.mark.parametrize("value", ["", "changeme", "Change-Me", "groundwork", "x" * (MIN_SECRET_LENGTH - 1)])
def test_a_weak_secret_is_refused_by_name(value: str, configure: Callable[..., None]) -> None:
    configure(secret_key=value)

    with pytest.raises(DefaultSecret, match=r"Refusing to start: GROUNDWORK_SECRET_KEY .*token_urlsafe"):
        load_settings()


def test_a_default_secret_is_shown_and_a_short_one_is_not() -> None:
    with pytest.raises(DefaultSecret, match='is still the default "admin"'):
        refuse_weak_secret(name="X", value="admin")
    with pytest.raises(DefaultSecret) as refused:
        refuse_weak_secret(name="X", value="hunter2-hunter2")
    assert "hunter2" not in str(refused.value)


def test_a_weak_key_among_the_others_is_refused_by_name(configure: Callable[..., None]) -> None:
    configure(secret_key=SECRET, other_secret_keys=f"{SECRET} changeme")

    with pytest.raises(DefaultSecret, match="GROUNDWORK_OTHER_SECRET_KEYS is still the default"):
        load_settings()


def test_a_misspelt_variable_is_refused_with_the_nearest_name(configure: Callable[..., None]) -> None:
    configure(redis_ulr="redis://127.0.0.1/0")

    with pytest.raises(UnknownSetting, match=r'GROUNDWORK_REDIS_ULR .*Did you mean "GROUNDWORK_REDIS_URL"\?'):
        load_settings()


def test_a_misspelt_key_in_the_env_file_is_refused_with_the_file(env_file: Path) -> None:
    env_file.write_text(f"{env_file.read_text()}GROUNDWORK_API_PROT=8001\n")

    with pytest.raises(UnknownSetting, match=f"GROUNDWORK_API_PROT .in {re.escape(str(env_file))}.*API_PORT"):
        load_settings()


def test_keys_of_other_programs_are_no_concern(env_file: Path) -> None:
    env_file.write_text(f"{env_file.read_text()}LANG=C.UTF-8\n")

    assert load_settings().secret_key


def test_the_environment_wins_over_the_env_file(env_file: Path, configure: Callable[..., None]) -> None:
    env_file.write_text("GROUNDWORK_API_PORT=8001\nGROUNDWORK_FLOWER_PORT=5556\n")
    configure(secret_key=SECRET, api_port=8002)

    loaded = load_settings()

    assert (loaded.api_port, loaded.flower_port) == (8002, 5556)


def test_values_may_be_quoted_and_hold_anything(env_file: Path, configure: Callable[..., None]) -> None:
    env_file.write_text("GROUNDWORK_FLOWER_PASSWORD='a#b \"c\" %d $e'\n")
    configure(secret_key=SECRET)

    assert load_settings().flower_password.get_secret_value() == 'a#b "c" %d $e'


def test_an_empty_value_is_the_default_also_against_the_env_file(
    env_file: Path, configure: Callable[..., None]
) -> None:
    env_file.write_text(f"{env_file.read_text()}GROUNDWORK_LOG_DIR=/tmp\nGROUNDWORK_API_PORT=8001\n")
    configure(log_dir="", api_port="")

    loaded = load_settings()

    assert (loaded.log_dir, loaded.api_port) == (None, 8000)


def test_a_named_env_file_must_exist(configure: Callable[..., None], tmp_path: Path) -> None:
    configure(env_file=tmp_path / "none.env")

    with pytest.raises(ConfigError, match=r"none\.env, which is not a file"):
        load_settings()


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("api_port", "0"),
        ("api_port", "65536"),
        ("lease_seconds", "1h"),
        ("lease_seconds", "0"),
        ("log_level", "LOUD"),
    ],
)
def test_a_value_that_cannot_be_is_refused_by_name(
    key: str, value: str, configure: Callable[..., None]
) -> None:
    configure(**{key: value})

    with pytest.raises(ConfigError, match=f"GROUNDWORK_{key.upper()}: "):
        load_settings()


NUMBERS = [name for name, field in Settings.model_fields.items() if "int" in str(field.annotation)]


@pytest.mark.parametrize("value", ["1_0", "+10", " 10", "10.0", "1e1", "\uff11\uff10", "0x10", "10 # ten"])
def test_a_number_is_plain_digits(value: str, configure: Callable[..., None]) -> None:
    configure(**dict.fromkeys(NUMBERS, value))

    with pytest.raises(ConfigError) as refused:
        load_settings()
    for name in NUMBERS:
        sentence = f"GROUNDWORK_{name.upper()}: Give a whole number in decimal digits, such as 1 or 42."
        assert sentence in str(refused.value)


def test_every_setting_with_a_number_is_looked_at() -> None:
    assert {"api_port", "worker_concurrency", "retention_days", "lease_seconds"} < set(NUMBERS)
    assert all(isinstance(getattr(load_settings(), name), int | None) for name in NUMBERS)


def test_all_mistakes_are_said_at_once(configure: Callable[..., None]) -> None:
    configure(api_port="x", lease_seconds="y")

    with pytest.raises(ConfigError, match=r"GROUNDWORK_API_PORT.*GROUNDWORK_LEASE_SECONDS"):
        load_settings()


def test_time_limits_that_contradict_are_refused_with_both_numbers(configure: Callable[..., None]) -> None:
    configure(task_soft_time_limit_seconds=100, task_time_limit_seconds=100)

    with pytest.raises(
        ConfigError, match=r"SOFT_TIME_LIMIT_SECONDS \(100\) must be below .*LIMIT_SECONDS \(100\)"
    ):
        load_settings()


def test_single_tasks_have_limits_of_their_own(configure: Callable[..., None]) -> None:
    configure(task_time_limits="models.push_to_ecr=60m/55m, reports.make=2h/5400 a.b=30s/20")
    found = load_settings().time_limits
    assert found == {"models.push_to_ecr": (3600, 3300), "reports.make": (7200, 5400), "a.b": (30, 20)}


def test_a_limit_after_which_the_message_comes_again_is_refused(configure: Callable[..., None]) -> None:
    configure(task_time_limits="a.b=3h/2h")
    with pytest.raises(ConfigError, match=r"gives a.b 10800 s.* after 7200 s, 4 times GROUNDWORK_TASK_TIME"):
        load_settings()


def test_secrets_do_not_show(env_file: Path) -> None:
    assert SECRET not in repr(load_settings())


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("api_host", "999.1.1.1"),
        ("api_host", "1.2.3"),
        ("api_host", "::g"),
        ("api_host", "a b"),
        ("api_host", "http://127.0.0.1"),
        ("smtp_host", "mail@example.org"),
        ("mail_from", "x"),
        ("mail_from", "@example.org"),
        ("mail_from", "ann@"),
        ("mail_from", "jörg@example.org"),
        ("mail_from", "Ann\nBcc: x <ann@example.org>"),
        ("mail_from", "ann@\u2603.example"),
        ("mail_from", f"ann@{'x' * 64}.example"),
        ("plaid_webhook_url", "example.org/webhooks"),
        ("plaid_webhook_url", "ftp://example.org"),
        ("plaid_webhook_url", "https://"),
        ("plaid_webhook_url", "https://exa mple.org"),
        ("plaid_webhook_url", "https://[::1/x"),
        ("plaid_environment", "development"),
        ("fcm_url", "fcm.googleapis.com"),
        ("fcm_url", "https://fcm:99999/"),
        ("fcm_url", "https://fcm.example?key=1"),
        ("public_url", "https://example.org/#/app"),
        ("plaid_environment", "https://plaid.example?x"),
        ("aws_endpoint_url", "localhost:4566"),
        ("fcm_credentials", "{}"),
        ("fcm_credentials", "not json"),
        ("fcm_credentials", "[1]"),
        ("fcm_credentials", "[" * 100_000),
        ("fcm_credentials", '{"client_email": 1, "private_key": "", "project_id": null}'),
        ("flower_user", "ann:smith"),
        ("alert_mail", "ops@example.org ops"),
        ("alert_mail", " ".join(f"ops{number}@example.org" for number in range(21))),
        ("alert_slack_urls", "hooks.slack.com/services/T0"),
        ("alert_slack_urls", "https://hooks.slack.com/a file:///etc/passwd"),
        ("alert_webhook_urls", "https://[::1/x"),
        ("alert_command", "/usr/local/bin/page --urgent"),
        ("alert_command", '["page"]'),
        ("alert_command", '{"/usr/local/bin/page": 1}'),
        ("alert_command", '["/usr/local/bin/page", 1]'),
        ("alert_command", "[" * 100_000),
        ("heartbeat_url", "hc-ping.com/1"),
        ("heartbeat_url", "https://hc-ping.com/1 https://hc-ping.com/2"),
        ("alert_recovery_seconds", "-1"),
        ("lease_seconds", "1" + "0" * 30),
        ("task_time_limit_seconds", str(10**9)),
        ("task_time_limits", "models.push_to_ecr"),
        ("task_time_limits", "models.push_to_ecr=60m"),
        ("task_time_limits", "models.push_to_ecr=55m/60m"),
        ("task_time_limits", "models.push_to_ecr=60m/60m"),
        ("task_time_limits", "models.push_to_ecr=60m/0"),
        ("task_time_limits", "models.push_to_ecr=-1/-2"),
        ("task_time_limits", "models.push_to_ecr=nan/nan"),
        ("task_time_limits", "models.push_to_ecr=\u0666\u0660/55"),
        ("task_time_limits", "models.push_to_ecr=169h/1h"),
        ("task_time_limits", "a.b=2m/1m a.b=2m/1m"),
        ("task_time_limits", "a.b=2m/1m;c.d=2m/1m"),
        ("task_time_limits", " ".join(f"a.b{number}=2/1" for number in range(101))),
        ("retention_days", "99999999"),
        ("queue_depth_limit", "10000000000"),
        ("mail_per_minute", "-1"),
        ("recover_seconds", "nan"),
    ],
)
def test_what_could_only_fail_later_is_refused_at_the_start(
    key: str, value: str, configure: Callable[..., None]
) -> None:
    configure(**{key: value})
    with pytest.raises(ConfigError, match=rf"GROUNDWORK_{key.upper()}: .*\.$"):
        load_settings()


@pytest.mark.parametrize(
    ("given", "bound"),
    [
        ("::1", "[::1]:8000"),
        ("[::1]", "[::1]:8000"),
        ("::", "[::]:8000"),
        ("0.0.0.0", "0.0.0.0:8000"),
        ("localhost", "localhost:8000"),
    ],
)
def test_an_address_of_either_family_can_be_listened_on(
    given: str, bound: str, configure: Callable[..., None]
) -> None:
    configure(api_host=given)
    assert f"{in_url(load_settings().api_host)}:8000" == bound


def test_alerts_to_a_webhook_are_signed(configure: Callable[..., None]) -> None:
    configure(alert_webhook_urls="https://example.org/hook")
    with pytest.raises(ConfigError, match="ALERT_WEBHOOK_SECRET is not set"):
        load_settings()


def test_a_url_that_is_a_secret_is_not_repeated(configure: Callable[..., None]) -> None:
    configure(alert_slack_urls="https://hooks.slack.com/good htps://hooks.slack.com/verysecretpart")
    with pytest.raises(ConfigError, match="number 2 is no URL") as error:
        load_settings()
    assert "verysecretpart" not in str(error.value)


def test_push_by_firebase_needs_its_credentials(configure: Callable[..., None]) -> None:
    configure(push_provider="fcm")
    with pytest.raises(ConfigError, match="FCM_CREDENTIALS is not set"):
        load_settings()


@pytest.mark.parametrize("value", ["a" * 36, "ab" * 20, "0123456789ab" * 3, "abcdefg" * 6 + "gg"])
def test_a_long_secret_that_repeats_itself_is_refused(value: str) -> None:
    with pytest.raises(DefaultSecret, match="repeats"):
        refuse_weak_secret(name="X", value=value)


@pytest.mark.parametrize(
    "value",
    [
        "abcdefghijklmnopqrstuvwxyz0123456789",
        "ZYXWVUTSRQPONMLKJIHGFEDCBA9876543210",
        "AbCdEfGhIjKlMnOpQrStUvWxYzAbCdEf",
        "qwertyuiopasdfghjklzxcvbnm123456",
        "1qaz2wsx3edc4rfv5tgb6yhn7ujm8ik9ol0p",
        "aaaabbbbccccddddeeeeffffgggghhhh",
    ],
)
def test_a_secret_that_a_hand_types_along_is_refused(value: str) -> None:
    with pytest.raises(DefaultSecret, match=r"X follows the alphabet.*token_urlsafe") as refused:
        refuse_weak_secret(name="X", value=value)
    assert value not in str(refused.value)


@pytest.mark.parametrize(
    ("make", "size"), [(secrets.token_urlsafe, 24), (secrets.token_urlsafe, 32), (secrets.token_hex, 16)]
)
def test_random_secrets_pass(make: Callable[[int], str], size: int) -> None:
    for _ in range(10_000):
        refuse_weak_secret(name="X", value=make(size))


@pytest.mark.parametrize(
    ("line", "wanted"),
    [
        ("GROUNDWORK_API_PORT=1\nGROUNDWORK_API_PORT=2\n", r"API_PORT appears twice .* in lines 2 and 3"),
        ("GROUNDWORK_API_PORT=1\ngroundwork_api_port=1\n", r"API_PORT appears twice"),
        ("GROUNDWORK_LOG_LEVEL='INFO\n", r"line 2, cannot be read"),
        ("= nothing\n", r"line 2, cannot be read"),
        ("two words\n", r"line 2, cannot be read"),
    ],
)
def test_an_env_file_that_cannot_be_relied_on_is_refused_with_the_line(
    env_file: Path, line: str, wanted: str
) -> None:
    env_file.write_text(env_file.read_text() + line)
    with pytest.raises(ConfigError, match=wanted):
        load_settings()


def test_a_secret_in_a_line_that_cannot_be_read_is_not_shown(env_file: Path) -> None:
    env_file.write_text(f"GROUNDWORK_SECRET_KEY='{SECRET}\n")
    with pytest.raises(ConfigError) as refused:
        load_settings()
    assert SECRET not in str(refused.value)
