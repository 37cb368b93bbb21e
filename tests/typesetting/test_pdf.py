"""A template is given data, and reaches nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from app.typesetting.errors import CannotTypeset
from app.typesetting.pdf import pdf_of

if TYPE_CHECKING:
    from pathlib import Path


def template(folder: Path, program: str) -> Path:
    path = folder / "some.typ"
    path.write_text(program)
    return path


def test_a_template_reads_what_it_is_given(tmp_path: Path) -> None:
    given = template(tmp_path, '#json("data.json").text #str(read("note.txt"))')
    pdf = pdf_of(given, {"data.json": {"text": "#let x"}}, files={"note.txt": b"note"}, tagged=True)
    assert pdf.startswith(b"%PDF-")


@pytest.mark.parametrize(
    "program",
    ['#read("/etc/passwd")', '#read("../../etc/passwd")', '#import "@preview/cetz:0.3.0"', "#(1/0)"],
)
def test_a_template_that_reaches_for_more_is_refused(tmp_path: Path, program: str) -> None:
    with pytest.raises(CannotTypeset, match=r"The template some.typ cannot set this document"):
        pdf_of(template(tmp_path, program), {}, tagged=False)
