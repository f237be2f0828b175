"""What a file really is, told from its first bytes."""

from __future__ import annotations

from pathlib import Path

from t5gemma_app.errors import InputError

HEAD = 65_536
"""Bytes that are looked at."""

_KINDS: tuple[tuple[bytes, str, str], ...] = (
    (b"PAR1", "a parquet file", "Name it .parquet."),
    (b"PK\x03\x04", "a ZIP archive or an Excel workbook", "Save the sheet as csv, or unpack the archive."),
    (b"\x1f\x8b", "compressed with gzip", "Unpack it first."),
    (b"\xfd7zXZ", "compressed with xz", "Unpack it first."),
    (b"BZh", "compressed with bzip2", "Unpack it first."),
    (b"\x28\xb5\x2f\xfd", "compressed with zstd", "Unpack it first."),
    (b"%PDF", "a PDF", "Copy its text into a table."),
    (b"\xd0\xcf\x11\xe0", "an old Excel or Word file", "Save it as csv."),
    (b"SQLite format 3", "a SQLite database", "Export a table as csv."),
    (b"\x89PNG", "an image", ""),
    (b"\xff\xd8\xff", "an image", ""),
)


def refuse_other_kinds(path: Path, name: str, format_name: str) -> None:
    """Raise `InputError` where the first bytes show that a file is not what its name says."""
    with path.open("rb") as file:
        head = file.read(HEAD)
    for magic, kind, remedy in _KINDS:
        if head.startswith(magic) and not (format_name == "parquet" and magic == b"PAR1"):
            raise InputError(f"{name} is {kind}, not {format_name}.", remedy=remedy)
    if format_name == "parquet" and not head.startswith(b"PAR1"):
        raise InputError(f"{name} is not a parquet file.", remedy="Give it the ending of what it is, such as .csv.")
    if format_name != "parquet" and b"\0" in head and not is_utf16(head):
        raise InputError(f"{name} is not text: it holds zero bytes.", expected=f"A {format_name} file in UTF-8.")


def is_utf16(head: bytes) -> bool:
    """Return whether a file's first bytes mark it as UTF-16, which Excel calls Unicode text."""
    return head[:2] in (b"\xff\xfe", b"\xfe\xff")


def not_utf8(name: str, line: int, error: UnicodeError) -> InputError:
    """Return what is said of a file whose bytes are no text."""
    return InputError(
        f"{name} is not UTF-8 near line {line:,}.", remedy="Save the file as UTF-8, in Excel as “CSV UTF-8”."
    )
