"""Prints what the doctor found."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from rich.text import Text

from app.health.doctor.finding import Finding, Level
from app.terminal import console

if TYPE_CHECKING:
    from collections.abc import Sequence

STYLES = {Level.OK: "green", Level.WARNING: "yellow", Level.PROBLEM: "bold red"}
WIDTH = max(len(level) for level in Level) + 2


def print_report(findings: Sequence[Finding]) -> None:
    """One line a finding with its fix below, and a count at the end."""
    output = console()
    for finding in findings:
        level = Text(finding.level.ljust(WIDTH), style=STYLES[finding.level])
        output.print(level.append(finding.sentence, style="default"), soft_wrap=True)
        if finding.fix:
            output.print(" " * WIDTH + finding.fix, style="dim", markup=False, soft_wrap=True)
    counts = Counter(finding.level for finding in findings)
    output.print(", ".join(f"{counts[level]} {level}" for level in Level))
