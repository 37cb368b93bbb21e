"""Long commands with a bar on standard error, and nothing of it where that is no terminal."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from app.db.sessions import reading, transaction
from app.domains.pricing import sweep
from app.domains.pricing.imports.files import Files, ImportRefused, Listener, import_files
from app.domains.pricing.rules.file import current_rules
from app.terminal import error_console, print_json, say_error

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from app.domains.pricing.facts import Stats
    from app.domains.pricing.imports.loading import Imported
    from app.values.csv_file import Problem

#: Batches in one transaction when no worker does the work.
CHUNK = 1_000


def _bars() -> Progress:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    console = error_console()
    return Progress(*columns, console=console, transient=True, disable=not console.is_terminal)


@contextmanager
def counting(description: str, *, total: int) -> Iterator[Callable[[int], None]]:
    """A bar; the yielded function is told how many are done."""
    with _bars() as bars:
        bar = bars.add_task(description, total=total)
        yield lambda done: bars.update(bar, completed=done)


def recompute_with_bar(days: int) -> Stats:
    """Recompute here and now."""
    with _bars() as bars:
        bar = bars.add_task("Pricing batches", total=None)
        return sweep.recompute(
            transaction=transaction,
            rules=current_rules(),
            days_threshold=days,
            chunk_size=CHUNK,
            report=lambda progress: bars.update(bar, completed=progress.done, total=progress.total),
        )


def import_with_bar(files: Files, *, as_json: bool) -> Imported:
    """Import; each problem is printed on standard error when it is met, or all as JSON at the end."""
    problems: list[Problem] = []
    with _bars() as bars:
        listener = _listener(
            bars,
            problem=problems.append if as_json else lambda found: say_error(str(found)),
            # Beside the document where there is one: what is passed over hinders nothing.
            notice=say_error,
        )
        try:
            return import_files(files=files, reading=reading, transaction=transaction, listener=listener)
        except ImportRefused:
            if as_json:
                print_json({"imported": False, "problems": [vars(problem) for problem in problems]})
            raise


def _listener(
    bars: Progress, *, problem: Callable[[Problem], None], notice: Callable[[str], None]
) -> Listener:
    checking = {}
    loading = bars.add_task("Loading rows", total=None, visible=False)

    def checked(path: Path, count: int) -> None:
        if path not in checking:
            checking[path] = bars.add_task(f"Checking {path.name} (bytes)", total=path.stat().st_size)
        bars.update(checking[path], completed=count)

    return Listener(
        problem=problem,
        notice=notice,
        checked=checked,
        to_load=lambda total: bars.update(loading, total=total, visible=True),
        loaded=lambda count: bars.advance(loading, count),
    )
