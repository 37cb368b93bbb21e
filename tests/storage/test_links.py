"""Links: what they give, to whom, and how one that is no good is answered."""

from __future__ import annotations

import base64
import json
import secrets
import time
from datetime import timedelta
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, unquote, urlsplit

import httpx
import pytest

from app.logs.masking import MASK, without_secrets
from app.settings.config import settings
from app.storage import downloads
from app.storage.errors import UnusableKey, UnusableLink, UnusableLinkTerms
from app.storage.links import KIND, LONGEST, MAX_TOKEN, PATH, Link, link, signed, verified
from app.storage.stores import store
from tests.api_client import anonymous

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from httpx import Response

CONTENT = bytes(range(256)) * 4
KEY = "exports/7.zip"
NAMES = [
    ("report.pdf", "report.pdf"),
    ("Größe 北京 עברית.pdf", "Größe 北京 עברית.pdf"),
    ('a"b\\c/d:e.txt', "a_b_c_d_e.txt"),
    ("x\r\nSet-Cookie: a=b\x00.txt", "x__Set-Cookie_ a=b_.txt"),
    ("gpj.\u202eexe", "gpj._exe"),
    ("\ud800.txt", "_.txt"),
    ("../../etc/passwd", "_.._etc_passwd"),
    ("", "file"),
    (" ..", "file"),
    ("100%25.txt", "100%25.txt"),
    ("n" * 500 + ".tar", "n" * 146 + ".tar"),
    ("𝄞" * 150, "𝄞" * 150),
]


def made(**changes: object) -> str:
    terms = {"filename": "export.zip", "media_type": "application/zip", "expires": timedelta(hours=1)}
    return link(KEY, **{**terms, **changes})  # type: ignore[arg-type]


def token_of(url: str) -> str:
    return parse_qs(urlsplit(url).query)["token"][0]


def ask(url: str, **headers: str) -> Response:
    parts = urlsplit(url)
    answer: Response = anonymous().get(f"{parts.path}?{parts.query}", headers=headers)
    return answer


@pytest.fixture
def stored(folder: Path) -> Path:
    store().put(KEY, [CONTENT], limit=len(CONTENT))
    return folder / KEY


def test_a_link_gives_its_file_to_whoever_has_it(stored: Path) -> None:
    url = made()
    assert url.startswith(f"http://127.0.0.1:8000{PATH}?token={KIND}")
    answer = ask(url)
    assert (answer.status_code, answer.content) == (200, CONTENT)
    assert answer.headers["content-length"] == str(len(CONTENT))
    assert answer.headers["content-type"] == "application/zip"
    assert answer.headers["content-disposition"].startswith('attachment; filename="export.zip"')
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["cache-control"] == "private, no-store"
    assert answer.headers["content-security-policy"] == "sandbox; default-src 'none'"


def test_links_begin_where_callers_reach_the_api(stored: Path, configure: Callable[..., None]) -> None:
    configure(api_url="https://files.example.org/")
    assert made().startswith(f"https://files.example.org{PATH}?")


@pytest.mark.parametrize(("given", "shown"), NAMES, ids=range(len(NAMES)))
def test_a_name_of_any_script_is_shown_and_ends_no_header(stored: Path, given: str, shown: str) -> None:
    answer = ask(made(filename=given))
    assert answer.status_code == 200
    said = answer.headers["content-disposition"]
    plain, _, encoded = said.partition("; filename*=UTF-8''")
    assert unquote(encoded) == shown
    assert plain.isascii()
    assert plain.count('"') == 2
    assert "set-cookie" not in answer.headers


def test_even_the_longest_link_fits_the_first_line_of_a_request(stored: Path) -> None:
    long = link(
        "/".join(["k" * 127] * 4), filename="𝄞" * 150, media_type="a" * 91 + "/" + "b" * 91, expires=LONGEST
    )
    assert len(token_of(long)) < MAX_TOKEN
    assert verified(token_of(long)).filename == "𝄞" * 150


@pytest.mark.parametrize("expires", [timedelta(0), timedelta(-1), timedelta(seconds=0.5), timedelta(days=8)])
def test_a_time_that_no_link_has_is_refused(folder: Path, expires: timedelta) -> None:
    with pytest.raises(UnusableLinkTerms, match="from 1 s to 7 days"):
        made(expires=expires)


@pytest.mark.parametrize(
    "kind", ["", "pdf", "a/b\r\nX: y", "text/html, a/b", "a/b; charset=é", "a/" + "b" * 99, "text/plain\n"]
)
def test_what_is_no_media_type_is_refused(folder: Path, kind: str) -> None:
    with pytest.raises(UnusableLinkTerms, match="no media type"):
        made(media_type=kind)


def test_a_key_that_could_lead_elsewhere_has_no_link(folder: Path) -> None:
    with pytest.raises(UnusableKey):
        link("../x", filename="x", media_type="a/b", expires=timedelta(1))


def bad_tokens() -> dict[str, str]:
    """Tokens that are no good, made from a good one, by what is wrong with them."""
    good = token_of(made())
    signature, _, terms = good.removeprefix(KIND).partition(".")
    other = json.dumps(["other", "export.zip", "application/zip", int(time.time()) + 99]).encode()
    expired = Link(key=KEY, filename="a", media_type="a/b", until=int(time.time()))
    missing = Link(key="not/there", filename="a", media_type="a/b", until=int(time.time()) + 99)
    return {
        "empty": "",
        "kind alone": KIND,
        "no signature": f"{KIND}.{terms}",
        "no terms": f"{KIND}{signature}.",
        "other terms": f"{KIND}{signature}.{base64.urlsafe_b64encode(other).decode().rstrip('=')}",
        "other signature": f"{KIND}{'A' * 43}.{terms}",
        "another kind": good.removeprefix(KIND),
        "more terms": f"{good}A",
        "foreign script": f"{KIND}ä.{terms}",
        "NUL": f"{good}\x01",
        "expired": signed(expired),
        "file not there": signed(missing),
    }


def test_all_that_is_no_good_is_answered_alike(stored: Path) -> None:
    answers = {what: anonymous().get(PATH, params={"token": token}) for what, token in bad_tokens().items()}
    said = {(one.status_code, one.json()["code"], one.json()["detail"]) for one in answers.values()}
    assert said == {(404, "unusable_link", str(UnusableLink()))}
    assert anonymous().get(PATH, params={"token": "x" * (MAX_TOKEN + 1)}).status_code == 422
    assert anonymous().get(PATH).json()["code"] == "invalid_input"


def test_a_link_is_good_until_its_end_and_no_longer(stored: Path) -> None:
    now = int(time.time())
    terms = {"key": KEY, "filename": "a", "media_type": "a/b"}
    assert verified(signed(Link(until=now + 60, **terms))).until == now + 60
    with pytest.raises(UnusableLink):
        verified(signed(Link(until=now - 1, **terms)))


def test_links_outlive_a_change_of_the_secret_key_and_end_with_it(
    stored: Path, configure: Callable[..., None]
) -> None:
    before, old, new = made(), settings().secret_key.get_secret_value(), secrets.token_urlsafe(32)
    configure(secret_key=new, other_secret_keys=old)
    assert ask(before).status_code == ask(made()).status_code == 200
    configure(secret_key=new, other_secret_keys="")
    assert ask(before).status_code == 404


def test_a_deleted_file_is_gone_for_its_links(stored: Path) -> None:
    url = made()
    store().delete(KEY)
    assert ask(url).json()["code"] == "unusable_link"


RANGES = [
    ("bytes=0-0", CONTENT[:1], "bytes 0-0/1024"),
    ("bytes=1000-", CONTENT[1000:], "bytes 1000-1023/1024"),
    ("bytes=1000-99999", CONTENT[1000:], "bytes 1000-1023/1024"),
    ("bytes=-10", CONTENT[-10:], "bytes 1014-1023/1024"),
    ("bytes=-9999", CONTENT, "bytes 0-1023/1024"),
]


@pytest.mark.parametrize(("asked", "content", "said"), RANGES)
def test_a_part_is_given(stored: Path, asked: str, content: bytes, said: str) -> None:
    answer = ask(made(), Range=asked)
    assert (answer.status_code, answer.content) == (206, content)
    assert answer.headers["content-range"] == said
    assert answer.headers["content-length"] == str(len(content))


@pytest.mark.parametrize(
    "asked",
    ["bytes=", "bytes=-", "bytes=5-2", "bytes=0-1,5-6", "bytes=a-b", "lines=0-1", "bytes=" + "9" * 30 + "-"],
)
def test_what_is_no_part_is_answered_with_the_whole(stored: Path, asked: str) -> None:
    answer = ask(made(), Range=asked)
    assert (answer.status_code, answer.content) == (200, CONTENT)


@pytest.mark.parametrize("asked", ["bytes=1024-", "bytes=5000-6000", "bytes=-0"])
def test_a_part_behind_the_end_is_said(stored: Path, asked: str) -> None:
    answer = ask(made(), Range=asked)
    assert (answer.status_code, answer.content) == (416, b"")
    assert answer.headers["content-range"] == "bytes */1024"


def test_a_download_goes_on_only_with_the_same_file(stored: Path) -> None:
    url = made()
    etag = ask(url).headers["etag"]
    assert ask(url, **{"If-None-Match": f'"x", W/{etag}'}).status_code == 304
    assert ask(url, Range="bytes=9-", **{"If-Range": etag}).status_code == 206
    store().put(KEY, [b"another"], limit=7)
    answer = ask(url, Range="bytes=2-", **{"If-Range": etag, "If-None-Match": etag})
    assert (answer.status_code, answer.content) == (200, b"another")
    assert answer.headers["etag"] != etag


def test_an_empty_file_is_given(folder: Path) -> None:
    store().put(KEY, [], limit=1)
    answer = ask(made())
    assert (answer.status_code, answer.content, answer.headers["content-length"]) == (200, b"", "0")
    assert ask(made(), Range="bytes=0-").status_code == 416


def test_no_more_files_are_given_at_once_than_fit(stored: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(downloads, "_open", {object() for _ in range(downloads.MAX_AT_ONCE)})
    answer = ask(made())
    assert (answer.status_code, answer.json()["code"]) == (503, "too_many_downloads")
    assert answer.headers["retry-after"]


def test_a_link_in_a_text_is_masked(stored: Path) -> None:
    url = made()
    shown = without_secrets(f"GET {url} failed")
    assert MASK in shown
    assert token_of(url)[:20] not in shown


def test_a_link_to_a_bucket_is_one_of_the_bucket_itself(bucket: str) -> None:
    store().put(KEY, [CONTENT], limit=len(CONTENT))
    url = made(filename="Größe.zip")
    answer = httpx.get(url)
    assert answer.content == CONTENT
    assert unquote(answer.headers["content-disposition"]).endswith("UTF-8''Größe.zip")
    assert answer.headers["content-type"] == "application/zip"
