"""`scripts/secrets` fills in what is missing and never touches what somebody has deployed with."""

from __future__ import annotations

import stat
import subprocess
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parent.parent
EXPECTED = {
    "groundwork_secret_key",
    "groundwork_flower_password",
    "redis_app_password",
    "redis_monitor_password",
    "redis_operator_password",
    "rabbitmq_password",
    "postgresql_password",
}


def secrets(inventory: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [ROOT / "scripts" / "secrets", inventory], capture_output=True, text=True, check=False
    )


def written(inventory: Path) -> dict[str, str]:
    values: dict[str, str] = yaml.safe_load((inventory / "group_vars" / "all" / "secrets.yml").read_text())
    return values


@pytest.fixture
def file(tmp_path: Path) -> Path:
    folder = tmp_path / "group_vars" / "all"
    folder.mkdir(parents=True)
    return folder / "secrets.yml"


def test_all_secrets_are_made_long_different_and_for_the_owner_only(tmp_path: Path) -> None:
    assert secrets(tmp_path).returncode == 0

    values = written(tmp_path)
    assert set(values) == EXPECTED
    assert len(set(values.values())) == len(EXPECTED)
    assert min(len(value) for value in values.values()) >= 40
    assert stat.S_IMODE((tmp_path / "group_vars/all/secrets.yml").stat().st_mode) == 0o600


def test_no_secret_is_printed(tmp_path: Path) -> None:
    done = secrets(tmp_path)

    assert all(value not in done.stdout + done.stderr for value in written(tmp_path).values())


def test_a_second_run_changes_nothing_and_says_so(tmp_path: Path) -> None:
    secrets(tmp_path)
    before = written(tmp_path)

    assert "nothing was changed" in secrets(tmp_path).stdout
    assert written(tmp_path) == before


def test_only_what_is_missing_is_added(tmp_path: Path, file: Path) -> None:
    file.write_text("# ours\nredis_app_password: chosen by hand")
    (file.parent / "more.yml").write_text("postgresql_password: elsewhere\n")

    done = secrets(tmp_path)

    assert written(tmp_path)["redis_app_password"] == "chosen by hand"
    assert set(written(tmp_path)) == EXPECTED - {"postgresql_password"}
    assert file.read_text().startswith("# ours\n")
    assert "groundwork_secret_key" in done.stdout
    assert "redis_app_password" not in done.stdout


def test_an_encrypted_file_is_left_alone_with_the_way_out(tmp_path: Path, file: Path) -> None:
    file.write_text("$ANSIBLE_VAULT;1.1;AES256\n6162\n")

    refused = secrets(tmp_path)

    assert refused.returncode != 0
    assert "ansible-vault decrypt" in refused.stderr
    assert file.read_text() == "$ANSIBLE_VAULT;1.1;AES256\n6162\n"


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    refused = secrets(tmp_path / "absent")

    assert refused.returncode != 0
    assert f"{tmp_path}/absent is not a folder" in refused.stderr
