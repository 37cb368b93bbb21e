"""The rule for text that a person sees (`app.text`), for fields of models: behind their bounds."""

from __future__ import annotations

from pydantic import AfterValidator

from app.text import one_line, several_lines

ONE_LINE = AfterValidator(one_line)
SEVERAL_LINES = AfterValidator(several_lines)
