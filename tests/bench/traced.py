"""What OpenTelemetry costs a job: with no span of it sent, and with all of them, beside a service without it.

    python -m tests.bench.traced [--times 1]

The collector takes everything and looks at nothing. A ratio is the time to that without tracing.
"""

from __future__ import annotations

import argparse
import os
import statistics
import threading
from contextlib import ExitStack, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table

from tests.bench.against import side, taken
from tests.bench.contenders import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator

#: How often each step is taken: twenty jobs accepted one by one, and 3,000 drained.
TIMES = {"accept": 100, "drain": 8}
#: Share of the traces that are sent, by the name of the side.
SHARES = {"none sent": "0", "all sent": "1"}


class Sink(BaseHTTPRequestHandler):
    """Takes what it is sent."""

    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        """As a collector that is content."""
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def collector() -> Iterator[str]:
    """Its address."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Sink) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--times", type=float, default=1.0, help="so many times as many steps")
    asked = parser.parse_args()
    table = Table(title=f"A job with OpenTelemetry to one without; load {os.getloadavg()[0]:.1f}")
    for column in ("step", "times", "without, ms", *SHARES):
        table.add_column(column, justify="left" if column == "step" else "right")
    with ExitStack() as closing:
        url = closing.enter_context(collector())
        sides = [closing.enter_context(side(ROOT, "postgresql"))]
        for share in SHARES.values():
            settings = {"GROUNDWORK_OTEL_ENDPOINT": url, "GROUNDWORK_OTEL_SHARE": share}
            sides.append(closing.enter_context(side(ROOT, "postgresql", **settings)))
        for step, times in TIMES.items():
            count = max(2, round(times * asked.times))
            without, *others = (statistics.median(seconds) for seconds in taken(sides, step, times=count))
            table.add_row(
                step, str(count), f"{without * 1000:,.2f}", *(f"{one / without:.2f}" for one in others)
            )
        spent = [one.cpu_seconds for one in sides]
        table.add_row("CPU of the drains", "", "", *(f"{one / spent[0]:.2f}" for one in spent[1:]))
    Console(width=100).print(table)


if __name__ == "__main__":
    main()
