"""What the endings of names promise, where no format of ours is promised."""

from __future__ import annotations

PICTURES = frozenset({"bmp", "gif", "heic", "jpeg", "jpg", "png", "svg", "tif", "tiff", "webp"})
SOUND_AND_FILM = frozenset({"avi", "mov", "mp3", "mp4", "webm"})
OFFICE = frozenset({"doc", "docx", "ods", "pdf", "ppt", "pptx", "xls", "xlsb", "xlsm", "xlsx"})
PACKED_OTHERWISE = frozenset({"7z", "exe", "lz4", "rar", "tar", "tbz2", "tgz", "txz"})


_SHEET = "one sheet saved as CSV UTF-8 (in Excel: Save as, CSV UTF-8; in LibreOffice: Save as, Text CSV)"
_TABLE = "the table itself, saved as CSV UTF-8"
_AS_DATA = "the data itself as JSON, NDJSON, CSV or XML"
_REPACKED = "the data file alone, or packed as zip, gzip, zstd, bzip2 or xz"
_KINDS: tuple[tuple[frozenset[str], str, str], ...] = (
    (frozenset({"xlsx", "xlsm", "xlsb", "xls"}), "an Excel workbook", _SHEET),
    (frozenset({"ods"}), "an OpenDocument spreadsheet", _SHEET),
    (frozenset({"doc", "docx"}), "a Word document", _TABLE),
    (frozenset({"ppt", "pptx"}), "a PowerPoint presentation", _TABLE),
    (frozenset({"pdf"}), "a PDF", _AS_DATA),
    (PICTURES, "a picture", "the listings; pictures as links in image_urls"),
    (SOUND_AND_FILM, "sound or film", "the listings"),
    (frozenset({"exe"}), "a program", _AS_DATA),
    (PACKED_OTHERWISE - {"exe"}, "an archive that is not unpacked here", _REPACKED),
)


def not_read(ending: str) -> str | None:
    """What a file of this ending is, and what to send instead; None: nothing is known of it."""
    for endings, kind, instead in _KINDS:
        if ending in endings:
            return f"{kind} (.{ending}) is not read: send {instead}"
    return None


def ending_of(name: str) -> str:
    """The last ending of a key or path in lower case, without the dot; "" when there is none."""
    _, dot, ending = name.rpartition("/")[2].lower().rpartition(".")
    return ending if dot else ""
