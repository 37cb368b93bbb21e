"""Messages to people in Slack, as deliveries: once under their key, whoever asks again."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from app.domains.billing.integrations.calling import BOUNDS, Operation
from app.domains.billing.integrations.errors import MalformedAnswer, ProviderRefused, ProviderUnavailable
from app.domains.billing.integrations.reading import object_of
from app.domains.billing.integrations.slack.error_mapping import raise_for
from app.domains.billing.integrations.slack.sign_in import NAME, base
from app.outbound.alerts.channels.slack import escaped
from app.outbound.bounded_http import NoReply, NotReached, call
from app.outbound.deliveries.errors import NotSent, OutcomeUnknown, Refused
from app.outbound.deliveries.outcome import Outcome
from app.outbound.deliveries.service import Limit, Provider, WhenUncertain

if TYPE_CHECKING:
    from app.outbound.bounded_http import Reply
    from app.outbound.deliveries.models import Delivery
    from app.outbound.deliveries.outcome import HandOver

METHOD = "chat.postMessage"
#: Slack takes one a second for a channel, and some hundreds a minute for a workspace.
PER_MINUTE = 60


def slack_provider(*, access_token: str, team_id: str, when_uncertain: WhenUncertain) -> Provider:
    """What carries messages to a workspace: to the user or channel that is a delivery's recipient."""
    return Provider(
        name="slack",
        send=partial(_send, access_token),
        limit=Limit(name=f"slack-{team_id}-{METHOD}", per_minute=PER_MINUTE),
        when_uncertain=when_uncertain,
    )


def _send(access_token: str, delivery: Delivery, handover: HandOver) -> Outcome:
    operation = Operation(provider=NAME, name=METHOD, hiding=(access_token,))
    reply = _post(access_token, delivery, handover, operation=operation)
    try:
        told = object_of(reply.body, operation=operation) if reply.is_success else {}
        raise_for(reply, told, operation=operation)
    except MalformedAnswer as error:
        raise OutcomeUnknown(str(error)) from None
    except ProviderUnavailable as error:
        raise NotSent(str(error), after=error.after) from None
    except ProviderRefused as error:
        raise Refused(str(error), reason=error.reason) from None
    return Outcome(provider_id=f"{told.get('channel')}:{told.get('ts')}")


def _post(access_token: str, delivery: Delivery, handover: HandOver, *, operation: Operation) -> Reply:
    message = {
        "channel": delivery.recipient,
        "text": escaped(str(delivery.content["text"])),
        # What came from elsewhere formats nothing, calls nobody and opens nothing.
        "mrkdwn": False,
        "link_names": False,
        "unfurl_links": False,
        "unfurl_media": False,
    }
    try:
        return call(
            "POST",
            f"{base()}/api/{METHOD}",
            bounds=BOUNDS,
            begin=handover.begin,
            headers={"Authorization": f"Bearer {access_token}"},
            json=message,
        )
    except NotReached as error:
        raise NotSent(f"{NAME} cannot be reached: {operation.excerpt(error)}.") from None
    except NoReply as error:
        raise OutcomeUnknown(f"{NAME} did not answer {METHOD}: {operation.excerpt(error)}.") from None
