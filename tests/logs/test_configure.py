"""A log is read line by line: none is longer than a reader can bear, and its ends are kept."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING

from tests.fleet import ROOT

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

PROGRAM = """
import logging, sys
import structlog
from app.logs.configure import configure_logging
configure_logging("worker-standard", sys.argv[1])
text = "begins" + "x" * 5_000_000 + "ends"
try:
    raise ValueError(text)
except ValueError:
    structlog.get_logger("ours").exception("failed", error=text)
    logging.getLogger("celery").error("Task raised: %s", text, exc_info=True)
"""


def test_an_exception_of_five_megabytes_is_cut(tmp_path: Path, configure: object) -> None:
    assert configure
    path = tmp_path / "worker-standard.log"
    subprocess.run([sys.executable, "-c", PROGRAM, str(path)], cwd=ROOT, check=True)
    lines = path.read_text().splitlines()
    assert [len(line) < 64_000 for line in lines] == [True, True]
    ours, celerys = map(json.loads, lines)
    for text in (ours["error"], celerys["event"], ours["exception"], celerys["exception"]):
        assert "begins" in text
        assert text.endswith("ends")
        assert "characters left out" in text
    assert ours["exception"].startswith("Traceback")


WITH_A_SECRET = """
import logging, sys
from app.logs.configure import configure_logging
configure_logging("worker-standard", sys.argv[1])
try:
    raise ValueError("it was sent pass/word-of-smtp and pass%2Fword-of-smtp")
except ValueError:
    logging.getLogger("somebody").exception("it failed")
"""


def test_no_secret_of_the_settings_is_shown_with_an_exception(
    tmp_path: Path, configure: Callable[..., None]
) -> None:
    configure(smtp_password="pass/word-of-smtp")
    path = tmp_path / "worker-standard.log"
    subprocess.run([sys.executable, "-c", WITH_A_SECRET, str(path)], cwd=ROOT, check=True)
    line = json.loads(path.read_text())
    assert "ValueError: it was sent *** and ***" in line["exception"]
