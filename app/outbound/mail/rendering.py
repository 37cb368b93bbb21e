"""Mails made of templates: a subject, a text and an HTML form, in the package of their domain."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from app.jobs.errors import PermanentError
from app.outbound.mail.message import Message
from app.packages import ROOT

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

    from jinja2 import Environment


class CannotRender(PermanentError):
    """Raised when a template is missing or needs what it was not given."""

    code = "cannot_render"

    def __init__(self, *, template: str, problem: str) -> None:
        super().__init__(f'The mail template "{template}" cannot be used: {problem}.')


@cache
def _environment() -> Environment:
    # Each worker and beat would load the engine, of which few make a mail of a template.
    from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

    return Environment(
        loader=FileSystemLoader(sorted({folder.parent.parent for folder in ROOT.glob("**/templates")})),
        undefined=StrictUndefined,
        autoescape=select_autoescape(enabled_extensions=["html.j2"], default=False),
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )


def render(
    *, key: str, to: Sequence[str], template: str, context: Mapping[str, Any], sealed: bool = False
) -> Message:
    """The mail that `template`, named "package/name", makes of `context`."""
    from jinja2 import TemplateError  # with the engine

    package, _, name = template.partition("/")

    def part(kind: str) -> str:
        return _environment().get_template(f"{package}/templates/{name}.{kind}.j2").render(context)

    try:
        # A subject is one line, whatever a name in it holds.
        subject = " ".join(part("subject").split())
        text, html = part("txt"), part("html")
        return Message(key=key, to=tuple(to), subject=subject, text=text, html=html, sealed=sealed)
    except TemplateError as error:
        raise CannotRender(template=template, problem=str(error) or type(error).__name__) from error
