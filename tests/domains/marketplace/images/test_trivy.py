from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from app.domains.marketplace.images import findings, trivy
from app.domains.marketplace.images.errors import PushCancelled, ScanUnavailable
from app.domains.marketplace.images.findings import Severity
from app.domains.marketplace.images.trivy import TrivyNotConfigured
from app.settings.config import settings
from app.settings.sources import ConfigError
from tests.servers import wait_until

if TYPE_CHECKING:
    from collections.abc import Callable

ARCHIVE = Path("/srv/image.tar")
ONE = {
    "VulnerabilityID": "CVE-2024-1",
    "PkgName": "zlib",
    "InstalledVersion": "1.2",
    "FixedVersion": "1.3",
    "Severity": "CRITICAL",
    "Title": "zlib: overflow",
}


@pytest.fixture
def program(tmp_path: Path, configure: Callable[..., None]) -> Callable[..., Path]:
    """Makes a Trivy of some lines of Python."""

    def make(*lines: str, **values: object) -> Path:
        path = tmp_path / "trivy"
        path.write_text("\n".join((f"#!{sys.executable}", "import json, os, sys, time", *lines)))
        path.chmod(0o755)
        configure(trivy_path=path, trivy_cache_folder=tmp_path / "cache", **values)
        return path

    return make


def says(report: Any) -> str:
    return f"print({json.dumps(json.dumps(report))})"


def results(*found: Any) -> dict[str, Any]:
    return {"SchemaVersion": 2, "Results": [{"Target": "os", "Vulnerabilities": list(found)}]}


def test_findings_are_in_one_shape_the_gravest_first(program: Callable[..., Path]) -> None:
    program(says(results(ONE | {"Severity": "LOW", "VulnerabilityID": "CVE-2024-2"}, ONE, ONE)))

    report = trivy.scan(ARCHIVE)

    assert report.scanner == "trivy"
    assert [one.id for one in report.findings] == ["CVE-2024-1", "CVE-2024-2"]
    first = report.findings[0]
    assert (first.severity, first.package, first.installed, first.fixed) == (
        Severity.CRITICAL,
        "zlib",
        "1.2",
        "1.3",
    )
    assert first.title == "zlib: overflow"
    assert (report.counts[Severity.CRITICAL], report.counts[Severity.LOW], report.counts[Severity.HIGH]) == (
        1,
        1,
        0,
    )


def test_it_is_told_what_to_do_and_knows_no_secret(program: Callable[..., Path], tmp_path: Path) -> None:
    told = tmp_path / "told"
    program(
        f"json.dump([sys.argv[1:], dict(os.environ)], open({str(told)!r}, 'w'))",
        says(results()),
        trivy_seconds=60,
    )

    assert trivy.scan(ARCHIVE).findings == ()
    arguments, environment = json.loads(told.read_text())

    assert arguments[0] == "image"
    assert "--input=/srv/image.tar" in arguments
    assert "--format=json" in arguments
    assert "--timeout=55s" in arguments
    assert f"--cache-dir={tmp_path}/cache" in arguments
    assert not any(name.startswith("GROUNDWORK_") for name in environment)
    assert environment["HOME"] == f"{tmp_path}/cache"


@pytest.mark.parametrize(
    "report",
    [{"Results": None}, {"SchemaVersion": 2}, {"Results": [{"Target": "x", "Vulnerabilities": None}]}],
)
def test_an_image_without_findings_has_none(program: Callable[..., Path], report: Any) -> None:
    program(says(report))

    assert trivy.scan(ARCHIVE).findings == ()


@pytest.mark.parametrize(
    "odd",
    [
        {},
        {"VulnerabilityID": None, "Severity": 7, "PkgName": ["x"]},
        {"VulnerabilityID": "\u0000\ud800\u202e", "Severity": "NaN", "Title": "\n" * 9_000},
        {"VulnerabilityID": "x" * 100_000, "Title": "中" * 100_000},
    ],
)
def test_a_finding_that_says_odd_things_is_kept_in_bounds(program: Callable[..., Path], odd: Any) -> None:
    program(says(results(odd, 7, None)))

    (found,) = trivy.scan(ARCHIVE).findings

    assert found.severity is Severity.UNKNOWN
    assert 0 < len(found.id) <= findings.MAX_ID
    assert len(found.title) <= findings.MAX_TITLE
    assert "\0" not in found.id
    found.id.encode()


def test_more_findings_than_are_kept_are_counted(
    program: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(findings, "MAX_FINDINGS", 2)
    found = [ONE | {"VulnerabilityID": f"CVE-{n}", "Severity": "LOW" if n < 5 else "HIGH"} for n in range(6)]
    program(says(results(*found)))

    report = trivy.scan(ARCHIVE)

    assert [one.severity for one in report.findings] == [Severity.HIGH, Severity.LOW]
    assert (report.counts[Severity.LOW], report.left_out) == (5, 4)


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        (
            "sys.exit('FATAL: cannot download the database')",
            "ended with 1: FATAL: cannot download the database",
        ),
        ("sys.exit(3)", "ended with 3: it said nothing"),
        ("os.kill(os.getpid(), 9)", "was killed by signal 9"),
        ("sys.stderr.write('x' * 100_000 + 'the end'); sys.exit(1)", "the end"),
        ("print('no json')", "is not JSON"),
        ("print('[' * 100_000)", "is not JSON"),
        ("pass", "is not JSON"),
        ("print('[]')", "has no results"),
        ("""print('{"Results": 7}')""", "has no results"),
    ],
)
def test_a_scan_that_did_not_end_well_says_why(program: Callable[..., Path], line: str, problem: str) -> None:
    program(line)

    with pytest.raises(ScanUnavailable) as failed:
        trivy.scan(ARCHIVE)

    assert problem in str(failed.value)
    assert str(failed.value).isprintable()


def test_a_report_without_an_end_is_not_held_in_memory(
    program: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trivy, "MAX_REPORT_BYTES", 100_000)
    program("while True: print('x' * 10_000)")

    with pytest.raises(ScanUnavailable, match="longer than 100000 bytes"):
        trivy.scan(ARCHIVE)


def is_alive(pid: int) -> bool:
    state = Path(f"/proc/{pid}/stat")
    return state.exists() and state.read_text().rpartition(")")[2].split()[0] != "Z"


def with_child(children: Path) -> tuple[str, ...]:
    """Lines that start a process that holds the output open, and say which."""
    return (
        "child = os.fork()",
        "if not child: time.sleep(600)",
        f"open({str(children)!r}, 'w').write(f'{{os.getpid()}} {{child}} ')",
    )


def test_when_its_time_is_up_it_is_killed_with_its_children(
    program: Callable[..., Path], tmp_path: Path
) -> None:
    children = tmp_path / "children"
    program(*with_child(children), "time.sleep(600)", trivy_seconds=1)

    with pytest.raises(
        ScanUnavailable, match=r"did not end within 1 s and was killed\. Raise GROUNDWORK_TRIVY_SECONDS"
    ):
        trivy.scan(ARCHIVE)

    pids = [int(pid) for pid in children.read_text().split()]
    assert len(pids) == 2
    wait_until(lambda: not any(map(is_alive, pids)), seconds=5, what="all are gone")


def test_a_child_that_holds_the_output_open_is_not_waited_for(
    program: Callable[..., Path], tmp_path: Path
) -> None:
    children = tmp_path / "children"
    program(*with_child(children), says(results(ONE)), "sys.stdout.flush()", "os._exit(0)")

    assert len(trivy.scan(ARCHIVE).findings) == 1

    pids = [int(pid) for pid in children.read_text().split()]
    wait_until(lambda: not any(map(is_alive, pids)), seconds=5, what="all are gone")


def test_a_scan_that_is_cancelled_leaves_nothing_running(
    program: Callable[..., Path], tmp_path: Path
) -> None:
    children = tmp_path / "children"
    program(*with_child(children), "time.sleep(600)")

    def proceed() -> None:
        if children.exists() and len(children.read_text().split()) == 2:
            raise PushCancelled

    with pytest.raises(PushCancelled):
        trivy.scan(ARCHIVE, proceed=proceed)

    pids = [int(pid) for pid in children.read_text().split()]
    wait_until(lambda: not any(map(is_alive, pids)), seconds=5, what="all are gone")


def test_without_trivy_there_is_a_sentence(configure: Callable[..., None], tmp_path: Path) -> None:
    configure()
    assert not trivy.is_configured()
    with pytest.raises(TrivyNotConfigured, match="GROUNDWORK_TRIVY_PATH is not set"):
        trivy.scan(ARCHIVE)

    configure(trivy_path=tmp_path / "missing")
    with pytest.raises(TrivyNotConfigured, match="cannot be started: No such file or directory"):
        trivy.scan(ARCHIVE)


@pytest.mark.parametrize("path", ["trivy", "./trivy", "/usr/bin/tri\tvy"])
def test_a_setting_that_is_no_path_of_a_program_is_refused(configure: Callable[..., None], path: str) -> None:
    configure(trivy_path=path)

    with pytest.raises(ConfigError, match="give the absolute path of a program"):
        settings()
