"""Run as a program: a fork that `tests.preloaded` makes, where code under test starts a process itself."""

from __future__ import annotations

import os
import socket
import sys
from pathlib import Path

from tests.preloaded import ask


def main(door: str, module: str, *arguments: str) -> int:
    """Run a module with the input, output, environment and folder of this process; what it ended with."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as forks:
        forks.connect(f"\0{door}")
        forked = ask(forks, module, *arguments, environment=os.environ, folder=Path.cwd(), streams=(1, 2, 0))
    return forked.wait()


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
