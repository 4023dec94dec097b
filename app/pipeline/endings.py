"""What the endings of names promise, where no format of ours is promised."""

from __future__ import annotations

PICTURES = frozenset({"bmp", "gif", "heic", "jpeg", "jpg", "png", "svg", "tif", "tiff", "webp"})
SOUND_AND_FILM = frozenset({"avi", "mov", "mp3", "mp4", "webm"})
OFFICE = frozenset({"doc", "docx", "ods", "pdf", "ppt", "pptx", "xls", "xlsb", "xlsm", "xlsx"})
PACKED_OTHERWISE = frozenset({"7z", "exe", "lz4", "rar", "tar", "tbz2", "tgz", "txz"})


def ending_of(name: str) -> str:
    """The last ending of a key or path in lower case, without the dot; "" when there is none."""
    _, dot, ending = name.rpartition("/")[2].lower().rpartition(".")
    return ending if dot else ""
