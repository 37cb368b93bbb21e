"""What axe finds wrong with a page."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from playwright.sync_api import Page

CONTRAST = ("color-contrast", "color-contrast-enhanced")
_ASK = """
async ({rules}) => {
    const only = rules && {runOnly: {type: "rule", values: rules}};
    const found = await axe.run({
        resultTypes: ["violations"], rules: {"color-contrast-enhanced": {enabled: true}}, ...only
    });
    return found.violations.flatMap((rule) => rule.nodes.map((node) => `${rule.id}: ${node.html}`));
}
"""


def violations(page: Page, *, rules: Sequence[str] | None = None) -> list[str]:
    """What is wrong by all of axe's rules, with contrast for those who see little; or by `rules` alone."""
    if not page.evaluate("'axe' in window"):
        page.evaluate(_axe())
    found: list[str] = page.evaluate(_ASK, {"rules": rules})
    return found


@cache
def _axe() -> str:
    return files("axe_playwright_python").joinpath("axe.min.js").read_text()
