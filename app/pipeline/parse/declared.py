"""The encoding that a document of XML or HTML names in its own first bytes."""

from __future__ import annotations

import codecs
import re

from app.errors import FailureCode, FileRejected

_XML = re.compile(rb"""\s*+<\?xml\s[^>]{0,200}?\bencoding\s*+=\s*+["']([A-Za-z][\w.:-]{0,40})["']""")
_HTML = re.compile(rb"""<meta\s[^>]{0,300}?\bcharset\s*+=\s*+["']?\s*+([A-Za-z][\w.:-]{0,40})""", re.IGNORECASE)
_LOOKED_AT = 4096
_SUPERSETS = {
    "iso8859-1": "cp1252",
    "iso8859-9": "cp1254",
    "iso8859-11": "cp874",
    "tis-620": "cp874",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "shift_jis": "cp932",
    "euc_kr": "cp949",
}
"""What browsers read under these names, and so what senders mean (WHATWG Encoding, section 4.2, "Names and labels")."""
_READ = re.compile(
    r"iso8859-\d+|cp(?:125[0-8]|437|85[025]|866|874|932|949)|koi8-[ru]|mac-(?:roman|cyrillic)|"
    r"gb18030|big5|big5hkscs|euc_jp|iso2022_jp"
)
_ASCII_BASED = ("utf-8", "ascii", "utf-16", "utf-32", "utf-16-le", "utf-16-be")
"""Where this is named in bytes that can be read as ASCII, the text is UTF-8 or wrong (the last four) and UTF-8."""


def declared_encoding(head: bytes) -> str | None:
    """The Python codec for what the XML declaration or HTML's `<meta charset>` names; None: nothing, or UTF-8.

    `head` is the beginning of a file without a byte order mark. Raises ENCODING_INVALID for an encoding that is not
    read here: what it says can not be trusted then, and nothing is guessed.
    """
    start = head[:_LOOKED_AT].lstrip()
    if not start.startswith(b"<"):
        return None
    match = _XML.match(start) or _HTML.search(start)
    if match is None:
        return None
    label = match[1].decode()
    try:
        name = codecs.lookup(label).name
    except LookupError:
        name = ""
    if name in _ASCII_BASED:
        return None
    codec = _SUPERSETS.get(name, name)
    if _READ.fullmatch(codec) is None:
        raise FileRejected(
            FailureCode.ENCODING_INVALID, f"it names the encoding {label}, which is not read; save it as UTF-8"
        )
    return codec
