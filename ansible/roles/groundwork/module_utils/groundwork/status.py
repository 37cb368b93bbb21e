"""How a host is doing, for a person to read."""

from __future__ import annotations

import json
from collections import Counter
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from ansible.module_utils.groundwork import lock
from ansible.module_utils.groundwork.commands import groundwork
from ansible.module_utils.groundwork.failures import Failure
from ansible.module_utils.groundwork.host.state import current_host
from ansible.module_utils.groundwork.install.releases import is_installed, linked, release_folder
from ansible.module_utils.groundwork.paths import CURRENT, PREVIOUS

if TYPE_CHECKING:
    from pathlib import Path

    from ansible.module_utils.groundwork.managers.manager import Manager

NOT_WELL = ("problem", "warning")


def overview(*, manager: Manager) -> list[str]:
    """The lines: release, services, jobs, what the doctor found, and who deploys."""
    current = linked(CURRENT)
    if current is None or not is_installed(current):
        return ["Nothing is deployed here." if current is None else f"The release {current} is not complete."]
    release = release_folder(current)
    since = datetime.fromtimestamp(CURRENT.lstat().st_mtime, tz=UTC)
    return [
        f"release   {current}  since {since:%Y-%m-%d %H:%M:%S} UTC, before it {linked(PREVIOUS) or 'none'}",
        *_services(manager),
        *_jobs(release),
        *_findings(release),
        *_deploy(),
    ]


def _services(manager: Manager) -> list[str]:
    seen = [(one.name, *manager.status(one)) for one in current_host().instances]
    width = max((len(name) for name, _, _ in seen), default=0)
    return [f"service   {name:{width}}  {state:10}  since {since}" for name, state, since in seen]


def _jobs(release: Path) -> list[str]:
    rows = _answer(release, "jobs", "stats", "--json")
    if not isinstance(rows, list):
        return [f"jobs      not known: {rows}"]
    counts: Counter[str] = Counter()
    for row in rows:
        counts.update({state: count for state, count in row.items() if isinstance(count, int)})
    words = [f"{state} {count}" for state, count in counts.items() if count]
    return [f"jobs      {', '.join(words) or 'none'}"]


def _findings(release: Path) -> list[str]:
    findings = _answer(release, "doctor", "--json")
    if not isinstance(findings, list):
        return [f"doctor    not known: {findings}"]
    ill = [one for one in findings if one["level"] in NOT_WELL]
    lines = [f"{one['level']:9} {one['sentence']} {one['fix'] or ''}".rstrip() for one in ill]
    return lines or [f"doctor    all {len(findings)} checks are well"]


def _deploy() -> list[str]:
    holder = lock.read()
    if holder is None:
        return []
    since = datetime.fromtimestamp(float(holder["since"]), tz=UTC)
    return [f"deploy    {holder['holder']} runs {holder['playbook']} since {since:%H:%M:%S} UTC"]


def _answer(release: Path, *arguments: str) -> Any:
    """What a command answered; a sentence when it could not."""
    try:
        done = groundwork(release, *arguments)
        return json.loads(done.stdout)
    except Failure as late:
        return str(late)
    except ValueError:
        return (done.stderr or done.stdout).strip() or "no answer"
