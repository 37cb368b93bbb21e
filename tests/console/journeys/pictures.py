"""Pictures of pages, small and without anything that differs from one moment or machine to the next.

A picture shows what no other test sees: that a page still looks as it did. It differs for no other reason:

- Pages are asked of this process, with data of their own, and shown as they were sent: nothing on them
  follows what happens, and no other journey has changed what there is.
- Letters are those of the fonts that come with the project, drawn without hinting, by the processor.
- Numbers, spans of time, days and ids are all shown alike, charts and calendars as their frames, of a
  table the first rows, of one of all tasks none: other tests have tasks, too.
- A picture is a sixth of its page in width and height, so that a pixel more or less hardly changes it, and of
  what is not the page's ground a tenth may differ.
"""

from __future__ import annotations

from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

from PIL import Image, ImageChops

if TYPE_CHECKING:
    from playwright.sync_api import Page

FOLDER = Path(__file__).parent / "looks"
SCALE = 6
#: What is told apart of a colour's 256 shades.
SHADES = 24
MAX_SHARE = 0.1
MAX_HEIGHT_PIXELS = 4_000
RENEW = "RENEW_PICTURES"
ADVICE = f"Look at it; if it is right: {RENEW}=1 scripts/test tests/console/journeys/test_pictures.py"
_EVEN = r"""
() => {
    const alike = [
        [/\b[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\b/g, "id"],
        [/\d[\d,.]*\+?( (ms|s|min|h|d)\b( \d+ (s|min|h)\b)?)?/g, "0"],
        [/\b(Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day\b|\b(Mon|Tue|Wed|Thu|Fri|Sat|Sun)\b/g, "Day"],
        [/\b(Jan|Febr)uary\b|\b(March|April|May|June|July|August)\b/g, "Month"],
        [/\b(Septem|Octo|Novem|Decem)ber\b/g, "Month"],
    ];
    const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    while (texts.nextNode())
        for (const [pattern, text] of alike)
            texts.currentNode.data = texts.currentNode.data.replace(pattern, text);
    for (const chart of document.querySelectorAll("svg")) chart.replaceChildren();
    for (const more of document.querySelectorAll("tbody tr:nth-child(n + 6), .week tbody")) more.remove();
    for (const tasks of document.querySelectorAll("[aria-labelledby=limits] tbody")) tasks.remove();
    for (const today of document.querySelectorAll("[aria-current=date]")) today.ariaCurrent = null;
    for (const field of document.querySelectorAll("input:not([type=checkbox], [type=radio]), textarea"))
        field.value = "";
}
"""


class Differs(AssertionError):
    """Raised for a page that does not look as it did, with where to see both."""


def taken(page: Page) -> Image.Image:
    """The picture of what is shown."""
    page.evaluate(_EVEN)
    shown = page.screenshot(full_page=True, animations="disabled")
    whole = Image.open(BytesIO(shown)).convert("RGB")
    whole = whole.crop((0, 0, whole.width, min(whole.height, MAX_HEIGHT_PIXELS)))
    return whole.reduce(SCALE)


def keep(picture: Image.Image, path: Path) -> None:
    """Write it as small as can be."""
    path.parent.mkdir(parents=True, exist_ok=True)
    picture.quantize(64, dither=Image.Dither.NONE).save(path, optimize=True)


def compare(picture: Image.Image, path: Path, *, seen: Path) -> None:
    """Raise `Differs` unless it is that of `path`; what it is now is then at `seen`."""
    picture.save(seen)
    if not path.exists():
        raise Differs(f"There is no picture {path} yet: it would be {seen}. {ADVICE}")
    with Image.open(path) as before:
        share = difference(before.convert("RGB"), picture)
    if share > MAX_SHARE:
        raise Differs(f"{share:.0%} of {path} is not as it was: it is {seen} now. {ADVICE}")


def difference(one: Image.Image, other: Image.Image) -> float:
    """How much of what is on either is not on both."""
    size = (max(one.width, other.width), max(one.height, other.height))
    # Nothing is drawn in the corner below.
    ground = one.crop((0, one.height - 1, 1, one.height)).resize(size)
    first, second = ground.copy(), ground.copy()
    first.paste(one)
    second.paste(other)
    drawn = ImageChops.lighter(_unlike(first, ground), _unlike(second, ground))
    return _count(_unlike(first, second)) / max(_count(drawn), 1)


def _unlike(one: Image.Image, other: Image.Image) -> Image.Image:
    """White where two differ by more than can be seen, black elsewhere."""
    red, green, blue = ImageChops.difference(one, other).split()
    largest = ImageChops.lighter(ImageChops.lighter(red, green), blue)
    return largest.point([0] * SHADES + [255] * (256 - SHADES))


def _count(marked: Image.Image) -> int:
    return marked.histogram()[255]
