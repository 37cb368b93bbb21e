"""Checks of what goes out to the world."""

from __future__ import annotations

from sqlalchemy import func, select

from app.db.sessions import reading
from app.health.doctor.finding import Finding
from app.outbound.deliveries.models import Delivery, DeliveryState
from app.outbound.deliveries.service import count_stuck

ABOUT = "deliveries"


def no_delivery_is_uncertain() -> Finding:
    """Whether a person has to say what became of a delivery."""
    uncertain = select(func.count()).where(Delivery.state == DeliveryState.UNCERTAIN)
    with reading() as session:
        count = session.scalar(uncertain) or 0
    if count:
        return Finding.warning(
            ABOUT,
            f"Of {count} deliveries it is not known whether they were sent.",
            fix="Look at each: groundwork deliveries list --state uncertain; then run: groundwork "
            "deliveries settle ID --sent (or --not-sent, or --give-up)",
        )
    return Finding.ok(ABOUT, "No delivery is uncertain.")


def no_delivery_is_stuck() -> Finding:
    """Whether a delivery claims to be under way while no job carries it any more."""
    with reading() as session:
        count = count_stuck(session)
    if count:
        return Finding.problem(
            ABOUT,
            f"{count} deliveries are marked as being sent, and no job sends them any more.",
            fix="See which: groundwork deliveries list --state sending; run their jobs again: "
            "groundwork jobs retry ID",
        )
    return Finding.ok(ABOUT, "No delivery is stuck.")
