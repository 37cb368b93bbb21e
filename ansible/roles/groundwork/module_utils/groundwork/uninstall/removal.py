"""Taking everything off a host that deploys made, and nothing else; the data only on demand."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from ansible.module_utils.groundwork.commands import run, run_checked
from ansible.module_utils.groundwork.failures import Failure
from ansible.module_utils.groundwork.files import remove_empty_folder, remove_tree, write_files
from ansible.module_utils.groundwork.host.state import current_host
from ansible.module_utils.groundwork.ownership import owned, package_use, packages
from ansible.module_utils.groundwork.ownership.names import ACCOUNT, PARTS, paths_under
from ansible.module_utils.groundwork.paths import INSTALLED, LOCK, OWNED, STATE
from ansible.module_utils.groundwork.uninstall import stores

if TYPE_CHECKING:
    from ansible.module_utils.groundwork.managers.manager import Manager
    from ansible.module_utils.groundwork.ownership.owned import Owned

AUTHORITIES = Path("/usr/local/share/ca-certificates")


def remaining(*, purge: bool) -> list[str]:
    """What there is to remove."""
    _refuse_unrecorded()
    known = owned.read()
    there = [*current_host().files, *_paths(known, purge=purge)]
    state = [STATE] if purge else [path for path in STATE.glob("*") if not _is_kept(path)]
    going = [f"package {name}" for name in packages.removable(_packages(known, purge=purge))]
    return sorted({*map(str, there), *map(str, state), *going})


def remove(*, purge: bool, manager: Manager) -> None:
    """Stop the services and remove them; with `purge` their data, logs, packages and user too."""
    known, host = owned.read(), current_host()
    for instance in sorted({*host.instances, *manager.enabled()}):
        manager.remove(instance)
    manager.stop_family()
    manager.disable_timer("backup-groundwork")
    stores.decommission(purge=purge)
    gone = [*host.files, *_paths(known, purge=purge)]
    write_files({}, paths=host.files)
    for path in gone:
        remove_tree(path)
        remove_empty_folder(path.parent)
    manager.reload_files(gone)
    _reload_others(gone)
    _remove_packages(known, purge=purge)
    if purge and known.account and run(["getent", "passwd", ACCOUNT]).returncode == 0:
        run_checked(["userdel", ACCOUNT], message=f"The user {ACCOUNT} could not be removed.")
    # Last, because until then a second attempt has to know what there was.
    _remove_state(purge=purge)


def _refuse_unrecorded() -> None:
    if INSTALLED.is_file() and not OWNED.is_file():
        raise Failure(
            "This host was deployed to by a playbook that did not record what it made, so this one cannot "
            "tell what is ours. Run the uninstall.yml of the checkout that was deployed."
        )


def _paths(known: Owned, *, purge: bool) -> list[Path]:
    """What there is under the names that a deploy took; a name is ours only if it was free then."""
    names = {
        name
        for part in PARTS.values()
        for name in (*part.installed, *(part.data if purge else ()))
        if name in known.names
    }
    return [path for name in sorted(names) for path in paths_under(name)]


def _reload_others(gone: list[Path]) -> None:
    """Whoever else uses what we have used goes on without us."""
    if any(path.is_relative_to(AUTHORITIES) for path in gone):
        run(["update-ca-certificates", "--fresh"])
    if any(path.is_relative_to("/etc/nginx") for path in gone):
        run(["nginx", "-s", "reload"])


def _remove_packages(known: Owned, *, purge: bool) -> None:
    going = packages.removable(_packages(known, purge=purge))
    if going:
        packages.purge(going)


def _packages(known: Owned, *, purge: bool) -> set[str]:
    # Left alone, nginx would serve the page of its package; Redis and PostgreSQL go on with the data.
    asked = set(known.packages) if purge else set(known.packages) & set(package_use.NGINX)
    return asked - package_use.used_by_others()


def _remove_state(*, purge: bool) -> None:
    if purge:
        remove_tree(STATE)
        return
    for path in STATE.glob("*"):
        if not _is_kept(path):
            remove_tree(path)


def _is_kept(path: Path) -> bool:
    """What is still there of what was made, and the lock of this very run."""
    return path == OWNED or path.name.startswith(LOCK.name)
