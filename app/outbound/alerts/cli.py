"""Alerts: what is wrong now, and a test of the channels that tell of it.

Example: groundwork alerts list
"""

from __future__ import annotations

import getpass
from dataclasses import asdict
from datetime import timedelta  # noqa: TC003 (Typer reads the annotations)
from typing import Annotated

import typer

from app.terminal import AsJson, print_rows
from app.values.durations import duration
from app.values.row_ids import MAX_BIGINT

app = typer.Typer(help=__doc__)

Kind = Annotated[str, typer.Argument(help="The kind, as `groundwork alerts list` shows it.")]
Subject = Annotated[str | None, typer.Argument(help="One subject of it; none: all.", show_default=False)]

COLUMNS = ("id", "kind", "subject", "sentence", "opened_at", "closed_at")
MUTE_COLUMNS = ("kind", "subject", "until", "reason", "muted_by", "muted_at")
NO_CHANNEL = (
    "No channel is configured: set GROUNDWORK_ALERT_MAIL, GROUNDWORK_ALERT_SLACK_URLS, "
    "GROUNDWORK_ALERT_WEBHOOK_URLS or GROUNDWORK_ALERT_COMMAND."
)


@app.command(name="list")
def list_alerts(
    closed: Annotated[bool, typer.Option("--closed", help="With those that are over.")] = False,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="Show at most this many.")] = 50,
    as_json: AsJson = False,
) -> None:
    """List what is wrong now, the newest first.

    Example: groundwork alerts list --closed
    """
    from app.db.sessions import reading
    from app.outbound.alerts import muting, service

    with reading() as session:
        found = service.newest(session, limit=limit) if closed else service.open_alerts(session)[:limit]
        rows = [{name: getattr(alert, name) for name in (*COLUMNS, "fix")} for alert in found]
        known = muting.mutes(session)
    for row in rows:
        mute_of_it = muting.mute_of(known, kind=row["kind"], subject=row["subject"])
        row["muted_until"] = None if mute_of_it is None or row["closed_at"] else mute_of_it.until
    print_rows(rows, columns=(*COLUMNS, "muted_until"), as_json=as_json, empty="No alert is open.")


@app.command()
def close(
    alert_id: Annotated[int, typer.Argument(min=1, max=MAX_BIGINT, help="The alert's id.")],
) -> None:
    """Close an alert that nobody can find well any more, such as that of a host that is gone.

    Example: groundwork alerts close 12
    """
    from app.db.sessions import transaction
    from app.outbound.alerts import service

    with transaction() as session:
        service.close(session, alert_id=alert_id)
    typer.echo(f"Alert {alert_id} is closed.")


@app.command()
def mute(
    kind: Kind,
    reason: Annotated[str, typer.Option(help="Why, for whoever looks next.", show_default=False)],
    span: Annotated[
        timedelta,
        typer.Option(
            "--for", parser=duration, metavar="SPAN", help="For how long: 2h, 7d.", show_default=False
        ),
    ],
    subject: Subject = None,
) -> None:
    """Tell of no such alert for a while; it is opened, closed and listed as ever.

    Example: groundwork alerts mute workers bulk --for 2h --reason "The host gets more memory."
    """
    from app.db.clock import now
    from app.db.sessions import transaction
    from app.jobs.acts import Act, keep
    from app.outbound.alerts import muting

    by = _whoever_asks()
    with transaction() as session:
        until, before = now(session) + span, muting.find(session, kind=kind, subject=subject)
        changes = {"before": muting.told_by(before), "after": {"until": until.isoformat(), "reason": reason}}
        if muting.mute(session, kind=kind, subject=subject, until=until, reason=reason, by=by):
            keep(session, Act("Mute alerts", muting.path_of(kind, subject), by, changes))
    typer.echo(f"Alerts of {_named(kind, subject)} are not told until {until:%Y-%m-%d %H:%M:%S} UTC.")


@app.command()
def unmute(kind: Kind, subject: Subject = None) -> None:
    """Tell of such alerts again from now on.

    Example: groundwork alerts unmute workers bulk
    """
    from app.db.sessions import transaction
    from app.jobs.acts import Act, keep
    from app.outbound.alerts import muting

    by = _whoever_asks()
    with transaction() as session:
        changes = {"before": muting.told_by(muting.find(session, kind=kind, subject=subject)), "after": None}
        was_muted = muting.unmute(session, kind=kind, subject=subject, by=by)
        if was_muted:
            keep(session, Act("Tell of alerts again", muting.path_of(kind, subject), by, changes))
    if not was_muted:
        typer.echo(
            f"Alerts of {_named(kind, subject)} are not muted. See what is: groundwork alerts mutes", err=True
        )
        raise typer.Exit(1)
    typer.echo(f"Alerts of {_named(kind, subject)} are told again.")


@app.command()
def mutes(as_json: AsJson = False) -> None:
    """List what is muted, until when and why.

    Example: groundwork alerts mutes
    """
    from app.db.sessions import reading
    from app.outbound.alerts import muting

    with reading() as session:
        rows = [{name: getattr(row, name) for name in MUTE_COLUMNS} for row in muting.muted(session)]
    print_rows(rows, columns=MUTE_COLUMNS, as_json=as_json, empty="Nothing is muted.")


def _whoever_asks() -> str:
    return f"{getpass.getuser()} on the command line"


def _named(kind: str, subject: str | None) -> str:
    return kind if subject is None else f"{kind} {subject}"


@app.command(name="test")
def try_channels(as_json: AsJson = False) -> None:
    """Send a test through each channel now, and say what came of it; the exit code is 1 if one failed.

    Example: groundwork alerts test
    """
    from app.outbound.alerts.message import AlertMessage
    from app.outbound.alerts.sending import send_unrecorded

    found = send_unrecorded(AlertMessage.trial())
    rows = [asdict(sent) | {"outcome": "failed" if sent.error else "sent"} for sent in found]
    print_rows(rows, columns=("channel", "outcome", "error"), as_json=as_json, empty=NO_CHANNEL)
    if not found or any(sent.error for sent in found):
        raise typer.Exit(1)
