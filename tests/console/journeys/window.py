"""A window of a real browser, and what went wrong in it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.console.browser import SIGN_IN
from tests.domains.accounts.people import PASSWORD

if TYPE_CHECKING:
    from playwright.sync_api import Browser, ConsoleMessage, Page, Request, Response

#: Chromium says of most violations what they are in its console, too; not of those that a script caught.
TELL_VIOLATIONS = """
document.addEventListener("securitypolicyviolation", (event) =>
    console.error(`refused by the policy: ${event.violatedDirective} ${event.blockedURI}`));
"""


class Window:
    """Somebody's window, with cookies of its own; `problems` must be empty in the end."""

    def __init__(self, browser: Browser, *, url: str, **options: Any) -> None:
        self.problems: list[str] = []
        self.responses: list[Response] = []
        self._url = url
        self._context = browser.new_context(base_url=url, **options)
        self._context.add_init_script(TELL_VIOLATIONS)
        self.page: Page = self._context.new_page()
        self.page.on("console", self._note_message)
        self.page.on("pageerror", lambda error: self.problems.append(f"script: {error}"))
        self.page.on("request", self._note_request)
        self.page.on("response", lambda response: self.responses.append(response))

    def open(self, path: str) -> Page:
        """Go to a page, which must be there."""
        answer = self.page.goto(path)
        assert answer
        assert answer.status == 200, f"{path}: {answer.status}"
        return self.page

    def sign_in(self, email: str) -> Page:
        """Sign in as a person does."""
        self.open(SIGN_IN)
        self.page.get_by_label("Address").fill(email)
        self.type_password()
        self.page.wait_for_url("**/console")
        return self.page

    def type_password(self) -> None:
        self.page.get_by_label("Password").fill(PASSWORD)
        self.page.get_by_role("button", name="Sign in").click()

    def resize(self, width: int, height: int = 800) -> None:
        self.page.set_viewport_size({"width": width, "height": height})

    def close(self) -> None:
        self._context.close()

    def _note_message(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.problems.append(f"console: {message.text}")

    def _note_request(self, request: Request) -> None:
        if not request.url.startswith((f"{self._url}/", "data:")):
            self.problems.append(f"asked somebody else: {request.url}")
