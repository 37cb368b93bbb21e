"""Where everything lies on a host. The unit files name the same places."""

from __future__ import annotations

from pathlib import Path

OPT = Path("/opt/groundwork")
RELEASES = OPT / "releases"
CURRENT = OPT / "current"
PREVIOUS = OPT / "previous"
ETC = Path("/etc/groundwork")
UNITS = Path("/etc/systemd/system")
SUPERVISOR = Path("/etc/supervisor/groundwork")
DATA = Path("/var/lib/groundwork")
LOGS = Path("/var/log/groundwork")
#: What a deploy remembers between runs: the lock, what is installed, how to undo what is under way.
STATE = Path("/var/lib/groundwork-deploy")
LOCK = STATE / "lock"
INSTALLED = STATE / "installed.json"
BEFORE = STATE / "before.json"
#: What of the host is ours; it stays for as long as some of that does. Hosts know it by this name.
OWNED = STATE / "made.json"
#: What came of work that went on beside other tasks, until somebody asks.
OUTCOME = STATE / "outcome.json"
#: What a trial of a release needs; gone with the trial.
TRIAL = Path("/run/groundwork-trial")
USER = "groundwork"
