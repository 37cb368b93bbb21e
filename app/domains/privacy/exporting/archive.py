"""An archive of all that is held about a person, encrypted with AES-256.

As ZIP (WinZip's AE-2), because people open it with what they have: 7-Zip, Keka, most file managers.
Its key is derived in few rounds, which matters for passwords that people choose: a passphrase has 160 random
bits. The names of the files are not encrypted; they are those of tables, the same for everybody.
"""

from __future__ import annotations

import base64
import secrets
from typing import TYPE_CHECKING

from app.domains.privacy.exporting.writing import File, files_of
from app.personal_data.registry import personal_tables
from app.personal_data.rows import shown_columns, stream

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sqlalchemy.orm import Session

    from app.domains.privacy.models import Format
    from app.personal_data.declaration import PersonalTable, Subject

PASSPHRASE_BYTES = 20
CHUNK = 256 * 1024
ABOUT = "README.txt"


def new_passphrase() -> str:
    """A passphrase to be read and typed: letters and digits in groups of four."""
    letters = base64.b32encode(secrets.token_bytes(PASSPHRASE_BYTES)).decode()
    return "-".join(letters[at : at + 4] for at in range(0, len(letters), 4))


def write_archive(path: Path, session: Session, who: Subject, *, kind: Format, passphrase: str) -> None:
    """Write the archive; of the rows, a page at a time is in memory."""
    import pyzipper  # not above: workers would start later for it

    options = {"compression": pyzipper.ZIP_DEFLATED, "encryption": pyzipper.WZ_AES}
    with pyzipper.AESZipFile(path, "w", allowZip64=True, **options) as archive:
        archive.setpassword(passphrase.encode())
        archive.setencryption(pyzipper.WZ_AES, nbits=256)
        for file in _files(session, who, kind=kind):
            with archive.open(file.name, "w", force_zip64=True) as member:
                for chunk in file.chunks:
                    member.write(chunk)


def chunks_of(path: Path) -> Iterator[bytes]:
    """The bytes of a file."""
    with path.open("rb") as file:
        while chunk := file.read(CHUNK):
            yield chunk


def _files(session: Session, who: Subject, *, kind: Format) -> Iterator[File]:
    yield File(ABOUT, [about().encode()])
    for table in personal_tables():
        rows = stream(session, table, who)
        yield from files_of(table.name, shown_columns(table), rows, kind=kind)


def about() -> str:
    """What is in the archive, and what is not, and why."""
    withheld = [line for table in personal_tables() for line in _withheld(table)]
    return "\n".join(
        [
            "This archive has what is stored about you: a file or more for each table.",
            "A file without rows says that there is nothing of its kind.",
            "",
            "What is stored and not shown, and why:",
            *withheld,
            "",
        ]
    )


def _withheld(table: PersonalTable) -> Iterator[str]:
    for column, reason in table.withheld.items():
        yield f"- {table.name}.{column}: {reason}"
