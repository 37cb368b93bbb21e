"""Settings of the inventory become files that systemd and the service read alike."""

from __future__ import annotations

import io
import secrets
import shutil
import subprocess
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

import pytest
from ansible.module_utils.groundwork.host.settings_files import UnusableValue, settings_files
from dotenv import dotenv_values

from app.settings.config import load_settings
from app.settings.sources import ENV_FILE_VARIABLE

if TYPE_CHECKING:
    from pathlib import Path

ODD = [
    "plain",
    "two words",
    "",
    "with \"quotes\" and 'others'",
    "back\\slash",
    "a#b # c",
    "$HOME ${HOME} `id`",
    "a=b;c&d|e",
    "ümläut",
    " surrounded ",
    "'",
    "\\",
    "https://user:p%40ss@host/?a=1",
]


def env_of(**settings: Any) -> str:
    files = settings_files(settings=settings, pool_settings={}, secrets={})
    return str(files[PurePosixPath("groundwork.env")].content.decode())


@pytest.mark.parametrize("value", ODD)
def test_the_service_reads_what_the_inventory_says(value: str) -> None:
    read = dotenv_values(stream=io.StringIO(env_of(some_value=value)), interpolate=False)
    assert read == {"GROUNDWORK_SOME_VALUE": value}


@pytest.mark.skipif(not shutil.which("systemd-run"), reason="there is no systemd here")
@pytest.mark.parametrize("value", ODD)
def test_systemd_reads_what_the_inventory_says(value: str, tmp_path: Path) -> None:
    file = tmp_path / "groundwork.env"
    file.write_text(env_of(some_value=value))
    run = ["systemd-run", "--quiet", "--wait", "--pipe", f"--property=EnvironmentFile={file}"]
    done = subprocess.run([*run, "printenv", "GROUNDWORK_SOME_VALUE"], capture_output=True, text=True)
    if "Failed to connect to bus" in done.stderr or "not been booted" in done.stderr:
        pytest.skip("this machine was not booted with systemd")
    assert done.stdout == f"{value}\n"


def test_truth_numbers_and_nothing_have_the_form_that_the_service_takes() -> None:
    lines = env_of(debug=True, quiet=False, workers=8, ratio=0.5, unset=None).splitlines()[1:]
    assert lines == [
        "GROUNDWORK_DEBUG=true",
        "GROUNDWORK_QUIET=false",
        "GROUNDWORK_RATIO=0.5",
        "GROUNDWORK_WORKERS=8",
    ]


@pytest.mark.parametrize("value", ["two\nlines", "two\rlines", ["a", "list"], {"a": "dictionary"}])
def test_a_value_that_no_env_file_can_hold_is_refused_by_its_name(value: object) -> None:
    with pytest.raises(UnusableValue, match="some_value"):
        env_of(some_value=value)


def test_only_pools_that_differ_have_a_file() -> None:
    files = settings_files(
        settings={}, pool_settings={"bulk": {"worker_concurrency": 3}, "standard": {}}, secrets={}
    )
    assert [str(path) for path in files] == ["groundwork.env", "worker-bulk.env"]
    assert b"GROUNDWORK_WORKER_CONCURRENCY=3\n" in files[PurePosixPath("worker-bulk.env")].content


def test_each_secret_that_is_set_has_a_file_and_stands_in_no_other() -> None:
    files = settings_files(settings={}, pool_settings={}, secrets={"secret_key": " abc \n", "redis_url": ""})
    assert files[PurePosixPath("credentials/secret_key")].content == b"abc\n"
    assert PurePosixPath("credentials/redis_url") not in files
    assert b"abc" not in files[PurePosixPath("groundwork.env")].content


def test_the_keys_that_only_decrypt_reach_the_service_beside_the_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, next_, last = (secrets.token_urlsafe(32) for _ in range(3))
    given = {"secret_key": first, "other_secret_keys": f"{next_} {last}"}
    for path, file in settings_files(settings={}, pool_settings={}, secrets=given).items():
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).write_bytes(file.content)
    monkeypatch.delenv("GROUNDWORK_SECRET_KEY")
    monkeypatch.setenv(ENV_FILE_VARIABLE, str(tmp_path / "groundwork.env"))
    assert load_settings().secret_keys == (first, next_, last)
