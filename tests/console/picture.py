"""Takes README's picture of the overview, by day and by night, of what `scripts/up --demo` runs here.

python -m tests.console.picture
"""

from __future__ import annotations

from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Literal

from PIL import Image

from app.console import places
from app.db.sessions import transaction
from app.domains.accounts.links import signing_in
from tests.console.journeys.chromium import launched

if TYPE_CHECKING:
    from playwright.sync_api import Browser

FOLDER = Path(__file__).parents[2] / "app" / "console" / "pictures"
ADMINISTRATOR = "admin@example.org"
WIDTH, HEIGHT = 1_200, 620
COLOURS = 64
SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")


def take(browser: Browser, scheme: Literal["light", "dark"]) -> Image.Image:
    """The overview as the administrator sees it."""
    console = signing_in.console_url()
    with transaction() as session:
        token = signing_in.make(session, email=ADMINISTRATOR, made_by=__spec__.name)
    context = browser.new_context(
        viewport={"width": WIDTH, "height": HEIGHT}, color_scheme=scheme, reduced_motion="reduce"
    )
    page = context.new_page()
    page.goto(signing_in.address_of(token, console=console))
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(f"**{places.ROOT}")
    shown = Image.open(BytesIO(page.screenshot(animations="disabled")))
    context.close()
    return shown.convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE)


def main() -> None:
    """Write both."""
    FOLDER.mkdir(exist_ok=True)
    with TemporaryDirectory() as folder, launched(Path(folder)) as browser:
        for scheme in SCHEMES:
            path = FOLDER / f"overview-{scheme}.png"
            take(browser, scheme).save(path, optimize=True)
            print(f"{path.relative_to(Path.cwd())}: {path.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
