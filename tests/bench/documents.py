"""How long a document of so many lines takes to print, and what memory.

    python -m tests.bench.documents

Each is printed by a process of its own, after a small one: the first also loads what sets the type.
"""

from __future__ import annotations

import resource
import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

from app.domains.billing.documents.layouts import LAYOUTS
from app.domains.billing.documents.rendering import render
from tests.domains.billing.documents.samples import HOUR, document
from tests.domains.billing.documents.samples import time as worked

LINES = (6, 200, 2_000)
KIB_PER_MIB = 1024


def measured(layout: str, count: int) -> str:
    """A row: milliseconds of the CPU, the size of the file, and the most memory that the process had."""
    render(document(), layout=layout)
    lines = tuple(worked(HOUR, net=n, rate=str(n), name=f"Task {n:04}") for n in range(1, count + 1))
    given = document(lines=lines)
    began = time.process_time()
    made = render(given, layout=layout)
    spent = (time.process_time() - began) * 1000
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // KIB_PER_MIB
    return f"{layout:8} {count:6,} lines {spent:8,.0f} ms {len(made.pdf) // 1024:6,} KiB {peak:5,} MiB"


def main() -> None:
    """Measure each layout with each number of lines."""
    for layout in LAYOUTS:
        for count in LINES:
            with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as process:
                print(process.submit(measured, layout, count).result())


if __name__ == "__main__":
    main()
