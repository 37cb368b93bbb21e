"""Debian's Chromium, with nothing of its own and with the fonts of the project alone."""

from __future__ import annotations

import os
import shutil
from contextlib import contextmanager
from typing import TYPE_CHECKING

from playwright.sync_api import sync_playwright

from app.typesetting.fonts import FOLDER

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import Browser

#: Nothing of its own asks for anything outside; root has no sandbox.
ALONE = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--font-render-hinting=none",
    "--disable-lcd-text",
)
FONTS = """
<fontconfig>
<dir>{fonts}</dir>
<cachedir>{cache}</cachedir>
<match><edit name="family" mode="append"><string>Noto Sans</string></edit></match>
</fontconfig>
"""


@contextmanager
def launched(folder: Path) -> Iterator[Browser]:
    """The browser, which keeps what it needs to know of fonts in `folder`."""
    binary = shutil.which("chromium")
    assert binary, "Chromium is missing; scripts/test installs it"
    fonts = folder / "fonts.conf"
    fonts.write_text(FONTS.format(fonts=FOLDER, cache=folder))
    known: dict[str, str | float | bool] = {**os.environ, "FONTCONFIG_FILE": str(fonts)}
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=binary, args=ALONE, env=known)
        yield browser
        browser.close()
