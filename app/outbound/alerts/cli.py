"""Alerts: what is wrong now, and a test of the channels that tell of it.

Example: groundwork alerts list
"""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from app.terminal import AsJson, print_rows
from app.values.row_ids import MAX_BIGINT

app = typer.Typer(help=__doc__)

COLUMNS = ("id", "kind", "subject", "sentence", "opened_at", "closed_at")
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
    from app.outbound.alerts import service

    with reading() as session:
        found = service.newest(session, limit=limit) if closed else service.open_alerts(session)[:limit]
        rows = [{name: getattr(alert, name) for name in (*COLUMNS, "fix")} for alert in found]
    print_rows(rows, columns=COLUMNS, as_json=as_json, empty="No alert is open.")


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
