from __future__ import annotations

import socket
import traceback
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from app.domains.notifications import fcm as firebase
from app.domains.notifications import fcm_token
from app.domains.notifications.fcm_token import BadCredentials
from app.domains.notifications.push import DeviceGone
from app.outbound.deliveries.errors import NotSent, OutcomeUnknown, Refused
from app.outbound.deliveries.outcome import HandOver
from app.settings.sources import ConfigError
from tests.fakes.fcm import PROJECT, invalid, problem, unregistered
from tests.fakes.http_server import HANGS_UP, Answer
from tests.servers import free_port

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.fakes.fcm import FcmServer

MESSAGE = {"title": "Rent is due", "body": "Pay 800.00 EUR.", "notification_id": "7"}


def key_of_another_kind() -> str:
    return (
        ec.generate_private_key(ec.SECP256R1())
        .private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        .decode()
    )


def send(address: str = "token-1") -> str:
    return firebase.send(address=address, message=MESSAGE, handover=HandOver())


def test_a_message_holds_the_title_the_body_and_the_id_and_nothing_else(fcm: FcmServer) -> None:
    assert send() == f"projects/{PROJECT}/messages/1"
    assert fcm.messages == [
        {
            "token": "token-1",
            "notification": {"title": "Rent is due", "body": "Pay 800.00 EUR."},
            "data": {"notification_id": "7"},
        }
    ]


def test_one_sign_in_serves_many_messages(fcm: FcmServer) -> None:
    for _ in range(3):
        send()
    assert (fcm.sign_ins, len(fcm.messages)) == (1, 3)


def test_a_token_about_to_end_is_not_used(fcm: FcmServer) -> None:
    fcm.token_seconds = 59
    send()
    send()
    assert fcm.sign_ins == 2


def test_a_token_that_ended_early_is_replaced_once(fcm: FcmServer) -> None:
    send()
    fcm.valid_tokens.clear()
    send()
    assert (fcm.sign_ins, len(fcm.messages)) == (2, 2)


def test_a_fresh_token_that_is_refused_too_is_not_replaced_again(fcm: FcmServer) -> None:
    fcm.answers = [problem(401, "UNAUTHENTICATED")] * 3
    with pytest.raises(Refused, match="Firebase answered 401"):
        send()
    assert (fcm.sign_ins, len(fcm.answers)) == (2, 1)


@pytest.mark.parametrize("answer", [unregistered(), invalid("message.token")])
def test_a_device_that_is_no_more_is_told_from_a_message_that_cannot_be(
    fcm: FcmServer, answer: Answer
) -> None:
    fcm.answers = [answer]
    with pytest.raises(DeviceGone):
        send()


@pytest.mark.parametrize(
    "answer",
    [invalid("message.notification.title"), problem(403, "PERMISSION_DENIED"), problem(404, "NOT_FOUND")],
)
def test_a_message_that_is_refused_is_not_the_devices_fault(fcm: FcmServer, answer: Answer) -> None:
    fcm.answers = [answer]
    with pytest.raises(Refused) as refused:
        send()
    assert not isinstance(refused.value, DeviceGone)


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_busy_server_took_nothing(fcm: FcmServer, status: int) -> None:
    fcm.answers = [problem(status, "UNAVAILABLE", **{"Retry-After": "90"})]
    with pytest.raises(NotSent, match=f"Firebase answered {status}: UNAVAILABLE on demand") as error:
        send()
    assert error.value.after == timedelta(seconds=90)


def test_it_may_say_when_to_come_again_as_a_date(fcm: FcmServer) -> None:
    then = datetime.now(UTC) + timedelta(minutes=5)
    fcm.answers = [problem(503, "UNAVAILABLE", **{"Retry-After": format_datetime(then, usegmt=True)})]
    with pytest.raises(NotSent) as error:
        send()
    assert error.value.after is not None
    assert timedelta(minutes=4) < error.value.after <= timedelta(minutes=5)


@pytest.mark.parametrize("nonsense", ["soon", "", "-3"])
def test_nonsense_about_when_to_come_again_is_passed_over(fcm: FcmServer, nonsense: str) -> None:
    fcm.answers = [problem(503, "UNAVAILABLE", **{"Retry-After": nonsense})]
    with pytest.raises(NotSent) as error:
        send()
    assert error.value.after is None


def test_an_answer_that_is_no_json_is_an_error_of_the_server(fcm: FcmServer) -> None:
    fcm.answers = [Answer(status=502, body={})]
    with pytest.raises(NotSent, match="Firebase answered 502"):
        send()


def test_a_yes_that_says_no_more_is_a_yes(fcm: FcmServer) -> None:
    fcm.answers = [Answer(status=200, body={}), Answer(status=200, body={"name": None})]
    assert [send(), send()] == ["", ""]


@pytest.mark.parametrize("details", [None, 5, [None], [[]], ["x", {"fieldViolations": None}]])
def test_a_no_in_an_odd_form_is_a_no(fcm: FcmServer, details: Any) -> None:
    fcm.answers = [Answer(status=400, body={"error": {"status": "X", "details": details}})]
    with pytest.raises(Refused, match="Firebase answered 400"):
        send()


def test_a_message_counts_as_handed_over_only_when_it_is_sent(fcm: FcmServer) -> None:
    fcm.sign_in_answers = [Answer(status=503)]
    before, after = HandOver(), HandOver()
    with pytest.raises(NotSent):
        firebase.send(address="token-1", message=MESSAGE, handover=before)
    firebase.send(address="token-1", message=MESSAGE, handover=after)
    assert (before.has_begun, after.has_begun) == (False, True)


def test_an_answer_that_does_not_come_leaves_the_outcome_unknown(fcm: FcmServer) -> None:
    fcm.answers = [HANGS_UP]
    with pytest.raises(OutcomeUnknown):
        send()
    assert len(fcm.messages) == 1


def test_a_server_out_of_reach_took_nothing(fcm: FcmServer, configure: Callable[..., None]) -> None:
    configure(fcm_url=f"http://127.0.0.1:{free_port()}")
    with pytest.raises(NotSent, match="cannot be reached"):
        send()


@pytest.mark.parametrize(
    "answer",
    [
        *(Answer(status=status) for status in (408, 429, 500, 502, 503)),
        HANGS_UP,
        Answer(status=200, body="busy"),
        Answer(status=200, body={"access_token": "token", "expires_in": "soon"}),
    ],
)
def test_a_sign_in_that_fails_for_now_is_asked_once_and_tried_later(fcm: FcmServer, answer: Answer) -> None:
    fcm.sign_in_answers = [answer]
    with pytest.raises(NotSent, match="sign-in"):
        send()
    assert (fcm.sign_ins, send()) == (1, f"projects/{PROJECT}/messages/1")


def test_a_sign_in_that_takes_no_connection_is_tried_later(
    fcm: FcmServer, configure: Callable[..., None]
) -> None:
    token_uri = f"http://127.0.0.1:{free_port()}/token"
    configure(fcm_credentials=fcm.credentials(token_uri=token_uri))
    with pytest.raises(NotSent, match=f"sign-in cannot be reached at {token_uri}"):
        send()


def test_a_sign_in_that_does_not_answer_is_given_up(fcm: FcmServer, configure: Callable[..., None]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent, httpx.Client(timeout=0.1) as client:
        token_uri = f"http://127.0.0.1:{silent.getsockname()[1]}/token"
        configure(fcm_credentials=fcm.credentials(token_uri=token_uri))
        with pytest.raises(NotSent, match=r"sign-in .*ReadTimeout"):
            fcm_token.access_token(client, fcm_token.service_account())


def test_a_sign_in_that_gives_no_token_refuses_the_account(fcm: FcmServer) -> None:
    fcm.sign_in_answers = [Answer(status=200, body={"id_token": "another"})]
    with pytest.raises(BadCredentials, match="No access token") as error:
        send()
    assert "another" not in str(error.value)


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"client_email": "other@example.org"}, "said invalid_grant"),
        ({"private_key": "no key"}, "private_key is no RSA key"),
        ({"private_key": key_of_another_kind()}, "private_key is no RSA key"),
        ({"token_uri": None}, "missing fields token_uri"),
    ],
)
def test_an_account_that_cannot_sign_in_says_why_without_its_key(
    fcm: FcmServer, configure: Callable[..., None], changes: dict[str, str | None], problem: str
) -> None:
    configure(fcm_credentials=fcm.credentials(**changes))
    with pytest.raises(BadCredentials, match=problem) as error:
        send()
    assert "BEGIN" not in str(error.value)


@pytest.mark.parametrize(
    "credentials", ["", "not json", '{"client_email": "a@b.org", "private_key": "secret"}']
)
def test_credentials_that_are_no_account_are_not_shown(
    fcm: FcmServer, configure: Callable[..., None], credentials: str
) -> None:
    configure(fcm_credentials=credentials)
    with pytest.raises(ConfigError, match="GROUNDWORK_FCM_CREDENTIALS") as error:
        send()
    assert "secret" not in str(error.value)


def test_a_hostile_push_service_cannot_have_a_device_written_down(fcm: FcmServer) -> None:
    address = "device one"
    error = {"status": "INVALID_ARGUMENT", "message": f"{address} " * 5_000}
    fcm.answers.append(Answer(status=400, body={"error": error | {"details": [invalid("x").body]}}))
    with pytest.raises(Refused) as caught:
        send(address)
    assert address not in "".join(traceback.format_exception(caught.value))
    assert len(str(caught.value)) < 1_000
