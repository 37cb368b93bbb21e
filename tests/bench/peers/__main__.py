"""Measures one peer: `python -m tests.bench.peers NAME JOBS`, in its environment."""

from __future__ import annotations

import importlib
import json
import sys

from tests.bench.peers.peer import Peer, measured


def main(name: str, jobs: int) -> None:
    # Its workers import it under this name too, and look its tasks up by it.
    peer: Peer = importlib.import_module(f"tests.bench.peers.{name}").peer()
    print(json.dumps(measured(peer, jobs=jobs)))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
