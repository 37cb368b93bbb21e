"""Loading a release with the settings it is to have, and migrating the database with its code."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from ansible.module_utils.groundwork.commands import as_user
from ansible.module_utils.groundwork.failures import Failure
from ansible.module_utils.groundwork.files import Files, remove_tree, write_files
from ansible.module_utils.groundwork.install.releases import release_folder
from ansible.module_utils.groundwork.paths import ETC, TRIAL

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from ansible.module_utils.groundwork.host.state import Host

LOADED = "All of it is loaded."
#: Everything a service imports when it starts, by names that every release has; listing tasks loads them all.
LOAD = f"""
import contextlib, io
import app.__main__, app.api, app.celery_app
with contextlib.redirect_stdout(io.StringIO()):
    failed = app.__main__.run(["tasks", "--json"])
if failed:
    raise SystemExit(failed)
print({LOADED!r}, flush=True)
"""
#: In the same process, because loading takes longer than most migrations.
MIGRATE = 'raise SystemExit(app.__main__.run(["migrate"]))'
LOAD_SECONDS = 180
MIGRATION_SECONDS = 600


@contextmanager
def staged_settings(host: Host) -> Iterator[dict[str, str]]:
    """The settings as they will be, where only this trial reads them: the environment that names them."""
    remove_tree(TRIAL)
    files: Files = {
        TRIAL / path.relative_to(ETC): file for path, file in host.files.items() if path.is_relative_to(ETC)
    }
    try:
        write_files(files, paths=files)
        yield {"GROUNDWORK_ENV_FILE": str(TRIAL / "groundwork.env")}
    finally:
        remove_tree(TRIAL)


def load(host: Host, *, environment: Mapping[str, str], migrate: bool) -> str:
    """Load all of the release's code, then bring the database to its shape; what was done to that.

    Nothing is changed when it fails. Raises `Failure` with the output.
    """
    python = str(release_folder(str(host.release)) / "venv/bin/python")
    done = as_user(
        [python, "-c", LOAD + (MIGRATE if migrate else "")],
        environment=environment,
        seconds=LOAD_SECONDS + MIGRATION_SECONDS,
    )
    loading, _, migration = done.stdout.partition(LOADED)
    if done.returncode == 0:
        return migration.strip()
    message = f"The release {host.release} cannot be imported."
    if LOADED in done.stdout:
        message = f"The migration to the release {host.release} failed."
    raise Failure(message, output=loading + migration + done.stderr)
