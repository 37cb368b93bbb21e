"""The host that watches, and what its Prometheus says."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from tests.host.machines import machines

if TYPE_CHECKING:
    from collections.abc import Iterable

    from testinfra.host import Host

    from tests.host.machines import Machine
    from tests.host.monitoring.faults import Alert

PROMETHEUS = "http://127.0.0.1:9090"
#: Prints what is answered.
READ = "import sys, urllib.request as ask; print(ask.urlopen(sys.argv[1], timeout=10).read().decode())"


def watcher() -> Machine:
    """The host that asks."""
    (found,) = (machine for machine in machines() if "monitoring" in machine.groups)
    return found


def asked(host: Host, path: str, **parameters: str) -> Any:
    """What Prometheus answers."""
    query = f"?{urlencode(parameters)}" if parameters else ""
    said = host.check_output("/usr/bin/python3 -c %s %s", READ, f"{PROMETHEUS}{path}{query}")
    return json.loads(said)["data"]


@dataclass
class Watch:
    """Looks at the alerts again and again, and knows which have fired."""

    host: Host
    #: The labels of each that was seen to fire.
    seen: list[dict[str, str]] = field(default_factory=list)

    def firing(self) -> list[dict[str, str]]:
        """The labels of all that fire now."""
        alerts = asked(self.host, "/api/v1/alerts")["alerts"]
        found = [alert["labels"] for alert in alerts if alert["state"] == "firing"]
        self.seen += found
        return found

    def not_yet(self, wanted: Iterable[Alert]) -> set[Alert]:
        """Those that have not fired since the watch began."""
        self.firing()
        return {alert for alert in wanted if not any(map(alert.is_meant, self.seen))}

    def still(self, wanted: Iterable[Alert]) -> set[Alert]:
        """Those that fire now."""
        firing = self.firing()
        return {alert for alert in wanted if any(map(alert.is_meant, firing))}
