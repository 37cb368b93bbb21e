from __future__ import annotations

import hashlib
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from app.domains.marketplace.images import archives, uploads
from app.domains.marketplace.images.archive_errors import WrongDigest
from app.domains.marketplace.images.errors import (
    AccessDenied,
    DigestDisagrees,
    InvalidReference,
    LeadsElsewhere,
    NeverFinished,
    PushCancelled,
    RegistryRefused,
    RegistryUnavailable,
    TagTaken,
)
from app.domains.marketplace.images.pushing import Target, push
from app.domains.marketplace.images.requests import Pauses
from app.domains.marketplace.images.signing_in import Login
from tests.domains.marketplace.images.samples import Layout, digest_of, noise, path_of
from tests.fakes.registry import LOSES_ANSWER, PASSWORD, USER, FakeRegistry, Planned
from tests.servers import free_port

if TYPE_CHECKING:
    from collections.abc import Iterator

    from app.domains.marketplace.images.facts import Image, Pushed

CHUNK = 64 * 1024
#: Three chunks and a bit.
LAYER = noise(3 * CHUNK + 1_000)
SMALL = noise(5_000, 2)
REPOSITORY = "shop/app"
AT_ONCE = Pauses(first=timedelta())
MOVED = Planned(status=416, code="RANGE_INVALID")


@contextmanager
def image_of(*layers: bytes) -> Iterator[Image]:
    layout = Layout()
    layout.image(*(layers or (LAYER, SMALL)))
    with archives.opened(layout.tar()) as image:
        yield image


def pushed(registry: FakeRegistry, *layers: bytes, **changes: Any) -> Pushed:
    """Push an image, without pauses."""
    target: dict[str, Any] = {"url": registry.url, "repository": REPOSITORY, "tag": "1.0"}
    target |= {name: changes.pop(name) for name in set(changes) & set(Target.__dataclass_fields__)}
    with image_of(*layers) as image:
        return push(image, Target(**target), pauses=AT_ONCE, chunk_bytes=CHUNK, **changes)


def stored(registry: FakeRegistry, layer: bytes) -> bytes:
    return registry.blobs[REPOSITORY][digest_of(layer)].content


def test_an_image_is_there_after_it_was_pushed(registry: FakeRegistry) -> None:
    told: list[tuple[int, int]] = []

    done = pushed(registry, progress=lambda there, total: told.append((there, total)))

    assert len(registry.image(REPOSITORY, "1.0")["layers"]) == 2
    assert registry.image(REPOSITORY, done.digest) == registry.image(REPOSITORY, "1.0")
    assert (stored(registry, LAYER), stored(registry, SMALL)) == (LAYER, SMALL)
    assert registry.largest_body == CHUNK
    assert told == sorted(told)
    assert told[-1][0] == told[-1][1] > len(LAYER) + len(SMALL)
    assert len(told) >= 6


def test_pushing_again_sends_nothing(registry: FakeRegistry) -> None:
    first = pushed(registry)
    registry.requests.clear()

    again = pushed(registry)

    assert (again.digest, again.sent, again.present) == (first.digest, 0, registry.received)
    assert [request.split()[0] for request in registry.requests] == ["HEAD"]


def test_what_is_there_is_not_sent_under_another_tag(registry: FakeRegistry) -> None:
    pushed(registry)
    received = registry.received

    done = pushed(registry, tag="2.0")

    assert registry.received == received
    assert done.present == received
    assert registry.image(REPOSITORY, "2.0")


def test_an_image_without_a_tag_is_stored_by_its_digest(registry: FakeRegistry) -> None:
    done = pushed(registry, tag=None)

    assert list(registry.manifests[REPOSITORY]) == [done.digest]


def test_an_empty_layer_is_a_layer(registry: FakeRegistry) -> None:
    pushed(registry, b"")

    assert stored(registry, b"") == b""


def test_a_layer_comes_from_another_repository(registry: FakeRegistry) -> None:
    pushed(registry, LAYER, repository="shop/base")
    received = registry.received

    done = pushed(registry, LAYER, SMALL, mount_from="shop/base")

    assert done.mounted >= len(LAYER)
    assert registry.received - received < len(SMALL) + 1_000
    assert registry.image(REPOSITORY, "1.0")


def test_where_mounting_is_not_known_the_layer_is_sent(registry: FakeRegistry) -> None:
    registry.can_mount = False
    pushed(registry, LAYER, repository="shop/base")

    assert pushed(registry, LAYER, mount_from="shop/base").mounted == 0
    assert stored(registry, LAYER) == LAYER


def test_where_the_other_repository_may_not_be_read_the_layer_is_sent(
    registry: FakeRegistry,
) -> None:
    pushed(registry, LAYER, repository="shop/base")
    registry.plan("POST", Planned(status=403, code="DENIED"), None, Planned(status=403, code="DENIED"))

    assert pushed(registry, LAYER, mount_from="shop/base").mounted == 0
    assert stored(registry, LAYER) == LAYER


def test_after_a_cut_the_rest_is_sent(registry: FakeRegistry) -> None:
    registry.cuts += [CHUNK + 10_000, 2 * CHUNK + 20_000, len(LAYER) + 100]

    done = pushed(registry)

    assert registry.cuts == []
    assert stored(registry, LAYER) == LAYER
    assert stored(registry, SMALL) == SMALL
    assert registry.received == sum(blob.size for blob in registry.blobs[REPOSITORY].values())
    assert done.sent < registry.received + 3 * CHUNK + 2_000


@pytest.mark.parametrize("method", ["POST", "PATCH", "PUT", "HEAD"])
def test_a_lost_answer_costs_a_question(registry: FakeRegistry, method: str) -> None:
    registry.plan(method, LOSES_ANSWER)

    pushed(registry)

    assert registry.received == sum(blob.size for blob in registry.blobs[REPOSITORY].values())
    assert registry.image(REPOSITORY, "1.0")


def test_an_upload_that_the_registry_lost_begins_anew(registry: FakeRegistry) -> None:
    registry.plan("PATCH", None, registry.uploads.clear)

    pushed(registry)

    assert stored(registry, LAYER) == LAYER


def test_an_upload_that_is_lost_each_time_is_left_to_another_hour(registry: FakeRegistry) -> None:
    registry.plan("PATCH", *[registry.uploads.clear] * uploads.MAX_BEGINNINGS)

    with pytest.raises(NeverFinished, match=r"lost the upload of sha256:[0-9a-f]{64} 3 times"):
        pushed(registry)


def test_a_registry_says_where_it_is(registry: FakeRegistry) -> None:
    def forgets() -> None:
        """As one that was restarted: what came last is not on its disk."""
        (upload,) = registry.uploads.values()
        del upload.content[CHUNK:]
        upload.size = CHUNK
        upload.hash = hashlib.sha256(upload.content)

    registry.plan("PATCH", None, None, forgets)

    pushed(registry)

    assert stored(registry, LAYER) == LAYER


def test_a_registry_that_never_agrees_is_not_asked_for_ever(registry: FakeRegistry) -> None:
    moved = Planned(status=416, code="RANGE_INVALID", headers={"Range": "0-0"})
    registry.plan("PATCH", *[moved] * 50)

    with pytest.raises(NeverFinished):
        pushed(registry)


def test_a_registry_that_has_more_than_was_sent_is_not_believed(registry: FakeRegistry) -> None:
    registry.plan("PATCH", *[Planned(status=416, headers={"Range": "0-99999999999999"})] * 3)

    with pytest.raises(NeverFinished):
        pushed(registry)


@pytest.mark.parametrize("cut", [CHUNK + 10_000, 2 * CHUNK, 2 * CHUNK + 5, 3 * CHUNK + 500])
def test_ecr_does_not_say_how_far_it_is_and_gets_all_the_same(registry: FakeRegistry, cut: int) -> None:
    registry.is_like_ecr = True
    registry.cuts.append(cut)

    pushed(registry)

    assert stored(registry, LAYER) == LAYER


def test_chunks_are_as_large_as_the_registry_wants(registry: FakeRegistry) -> None:
    registry.least_chunk = 3 * CHUNK

    pushed(registry)

    assert registry.largest_body == 3 * CHUNK


def test_a_layer_with_another_digest_is_found_out_before_it_is_stored(registry: FakeRegistry) -> None:
    layout = Layout()
    layout.image(LAYER)
    layout.files[path_of(digest_of(LAYER))] = LAYER[:-1] + bytes([LAYER[-1] ^ 1])
    target = Target(url=registry.url, repository=REPOSITORY, tag="1.0")

    with (
        archives.opened(layout.tar()) as image,
        pytest.raises(WrongDigest, match=r"which is another"),
    ):
        push(image, target, pauses=AT_ONCE)

    assert registry.uploads == {}
    assert registry.blobs[REPOSITORY] == {}
    assert registry.manifests == {} or registry.manifests[REPOSITORY] == {}


def test_what_is_mixed_up_on_the_way_is_sent_again(registry: FakeRegistry) -> None:
    registry.plan("PUT", Planned(status=400, code="DIGEST_INVALID"))

    pushed(registry)

    assert stored(registry, LAYER) == LAYER


@pytest.mark.parametrize("signs_in", ["basic", "bearer"])
def test_the_registry_is_signed_in_to_as_it_asks(registry: FakeRegistry, signs_in: str) -> None:
    registry.signs_in = signs_in

    pushed(registry, login=lambda: Login(user=USER, password=PASSWORD), mount_from="shop/base")

    assert registry.image(REPOSITORY, "1.0")
    if signs_in == "bearer":
        assert len(registry.tokens) == 1
        assert registry.token_scopes == [
            "repository:x:pull",
            "repository:shop/app:pull,push",
            "repository:shop/base:pull",
        ]


def test_a_token_that_ends_is_renewed_in_the_middle(registry: FakeRegistry) -> None:
    registry.signs_in = "bearer"
    registry.plan("PATCH", None, registry.tokens.clear)
    registry.plan("PUT", registry.tokens.clear)

    pushed(registry, login=lambda: Login(user=USER, password=PASSWORD))

    assert stored(registry, LAYER) == LAYER


def test_a_token_that_ends_with_403_is_renewed(registry: FakeRegistry) -> None:
    registry.signs_in = "bearer"
    registry.plan(
        "PATCH", Planned(status=403, code="DENIED", message="Your authorization token has expired.")
    )

    pushed(registry, login=lambda: Login(user=USER, password=PASSWORD))

    assert stored(registry, LAYER) == LAYER


@pytest.mark.parametrize("signs_in", ["basic", "bearer"])
def test_who_has_another_password_is_told_so_once(registry: FakeRegistry, signs_in: str) -> None:
    registry.signs_in = signs_in

    with pytest.raises(RegistryRefused) as refused:
        pushed(registry, login=lambda: Login(user=USER, password="some-other-password"))

    assert "some-other-password" not in str(refused.value)
    assert len(registry.requests) <= 2


def test_nobody_is_not_let_in(registry: FakeRegistry) -> None:
    registry.signs_in = "basic"

    with pytest.raises(AccessDenied, match="Give it the right to push"):
        pushed(registry)


@pytest.mark.parametrize(
    "realm", ["ftp://example.org/token", "", "http://[", "/token", "http://example.org/\x01", "no url"]
)
def test_a_password_goes_to_no_odd_place(registry: FakeRegistry, realm: str) -> None:
    challenge = {"WWW-Authenticate": f'Bearer realm="{realm}"'}
    registry.plan("HEAD", Planned(status=401, headers=challenge))

    with pytest.raises(RegistryRefused, match="no https URL"):
        pushed(registry, login=lambda: Login(user=USER, password=PASSWORD))


@pytest.mark.parametrize(
    "plan",
    [
        [Planned(status=429, headers={"Retry-After": "0"})],
        [Planned(status=503), Planned(status=502), Planned(status=500)],
        [Planned(status=504, headers={"Retry-After": "Wed, 21 Oct 2015 07:28:00 GMT"})],
    ],
)
@pytest.mark.parametrize("method", ["HEAD", "POST", "PATCH", "PUT"])
def test_a_registry_that_is_busy_is_asked_again(
    registry: FakeRegistry, method: str, plan: list[Planned]
) -> None:
    registry.plan(method, *plan)

    pushed(registry)

    assert registry.image(REPOSITORY, "1.0")
    assert stored(registry, LAYER) == LAYER


@pytest.mark.parametrize("method", ["HEAD", "POST", "PATCH", "PUT"])
def test_a_registry_that_stays_busy_is_left_to_the_job(registry: FakeRegistry, method: str) -> None:
    registry.plan(method, *[Planned(status=500)] * 20)

    with pytest.raises(RegistryUnavailable, match=r"it answered 500 \(") as gone:
        pushed(registry)

    assert registry.count(method) <= 9
    assert gone.value.after is None


def test_a_long_pause_is_left_to_the_job(registry: FakeRegistry) -> None:
    registry.plan("POST", Planned(status=429, headers={"Retry-After": "600"}))

    with pytest.raises(RegistryUnavailable) as gone:
        pushed(registry)

    assert gone.value.after == timedelta(minutes=10)
    assert registry.count("POST") == 1


def test_who_is_not_there_is_not_waited_for() -> None:
    nobody = FakeRegistry()

    with pytest.raises(RegistryUnavailable, match="no answer came"), image_of() as image:
        push(image, Target(url=f"http://127.0.0.1:{free_port()}", repository=REPOSITORY), pauses=AT_ONCE)

    assert nobody.requests == []


@pytest.mark.parametrize(
    "place",
    [
        "http://127.0.0.1:1/upload",
        "https://{host}/upload",
        "//example.org/upload",
        "http://user@{host}/upload",
        "http://[::1/upload",
        "file:///etc/passwd",
        "http://{host}/a b",
    ],
)
def test_an_upload_goes_to_no_other_server(registry: FakeRegistry, place: str) -> None:
    registry.signs_in = "basic"
    host = registry.url.removeprefix("http://")
    registry.location = lambda path: place.format(host=host)

    with pytest.raises(LeadsElsewhere, match="another server and gets nothing"):
        pushed(registry, login=lambda: Login(user=USER, password=PASSWORD))

    assert registry.received == 0


def test_a_location_may_be_a_whole_url_or_a_part(registry: FakeRegistry) -> None:
    for number, form in enumerate((lambda path: registry.url + path, lambda path: path.rpartition("/")[2])):
        registry.location = form

        pushed(registry, noise(3 * CHUNK, number), tag=f"{number}")

        assert registry.image(REPOSITORY, f"{number}")


@pytest.mark.parametrize("status", [301, 307, 308])
@pytest.mark.parametrize("method", ["POST", "PATCH", "PUT"])
def test_a_redirect_is_not_followed(registry: FakeRegistry, method: str, status: int) -> None:
    registry.plan(method, Planned(status=status, headers={"Location": "http://127.0.0.1:1/"}))

    with pytest.raises(RegistryRefused, match=f"it answered {status}"):
        pushed(registry)


def test_a_tag_that_is_kept_stays_what_it_is(registry: FakeRegistry) -> None:
    registry.keeps_tags = True
    first = pushed(registry, SMALL)

    with pytest.raises(TagTaken, match=f'"1.0" of "shop/app" belongs to the image {first.digest}.*new tag'):
        pushed(registry, LAYER)
    received = registry.received
    with pytest.raises(TagTaken):
        pushed(registry, noise(100), keeps_tags=True)

    assert registry.received == received
    assert registry.manifests[REPOSITORY]["1.0"][0] == first.digest


def test_a_tag_that_another_job_has_set_to_the_same_image_is_done(registry: FakeRegistry) -> None:
    registry.keeps_tags = True
    # It is the question whether it is there that comes too early.
    registry.plan("HEAD", None, Planned(status=404))
    first = pushed(registry)
    registry.plan("HEAD", Planned(status=404))

    assert pushed(registry).digest == first.digest


def test_a_tag_that_is_not_kept_moves(registry: FakeRegistry) -> None:
    first = pushed(registry, SMALL)
    second = pushed(registry, LAYER)

    assert first.digest != second.digest == registry.manifests[REPOSITORY]["1.0"][0]


@pytest.mark.parametrize("method", ["PUT", "HEAD"])
def test_a_registry_that_has_something_else_is_not_believed(registry: FakeRegistry, method: str) -> None:
    other = {"Docker-Content-Digest": f"sha256:{'0' * 64}"}
    steps = (
        [None, Planned(status=200, headers=other)]
        if method == "HEAD"
        else [Planned(status=201, headers=other)]
    )
    registry.plan(method, *steps)

    with pytest.raises(DigestDisagrees, match="look at the proxies"):
        pushed(registry)


def test_pushing_stops_between_two_chunks_and_goes_on_another_time(registry: FakeRegistry) -> None:
    with pytest.raises(PushCancelled):
        pushed(registry, SMALL, LAYER, cancelled=lambda: registry.count("PATCH") == 2)

    assert registry.count("PATCH") == 2
    assert registry.manifests[REPOSITORY] == {}
    assert pushed(registry, SMALL, LAYER).present == len(SMALL)


def test_pushing_stops_in_a_pause(registry: FakeRegistry) -> None:
    registry.plan("POST", Planned(status=429, headers={"Retry-After": "14"}))

    with pytest.raises(PushCancelled):
        pushed(registry, cancelled=lambda: registry.count("POST") == 1)


@pytest.mark.parametrize("repository", ["", "Shop", "a//b", "../a", "a b", "ä", "a" * 256, "a/", "a\n"])
def test_a_repository_that_cannot_be_is_not_asked_for(registry: FakeRegistry, repository: str) -> None:
    with pytest.raises(InvalidReference, match="use small letters"):
        pushed(registry, repository=repository)

    assert registry.requests == []


@pytest.mark.parametrize("tag", [".", "-a", "a b", "a/b", "ä", "a" * 129, "1.0\n", "٣"])
def test_a_tag_that_cannot_be_is_not_asked_for(registry: FakeRegistry, tag: str) -> None:
    with pytest.raises(InvalidReference, match="use up to 128 letters"):
        pushed(registry, tag=tag)

    assert registry.requests == []
