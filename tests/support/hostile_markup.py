"""The hostile corpus: XML and web pages."""

from __future__ import annotations

from itertools import pairwise
from xml.sax.saxutils import escape

from app.errors import FailureCode
from tests.support.feed_markup import car_script, element, page, script, xml
from tests.support.hostile_file import HostileFile

Code = FailureCode
_MIB = 1024 * 1024

_LAUGHS = "".join(f"<!ENTITY {outer} '{f'&{inner};' * 10}'>" for inner, outer in pairwise("abcdefghi"))
_LAUGHING_TYPE = f"<!DOCTYPE cars [<!ENTITY a 'ha'>{_LAUGHS}]>"


def _one_bad(name: str, bad: str, code: FailureCode) -> HostileFile:
    return HostileFile(f"hostile/{name}.xml", lambda: xml(element(1), bad, element(3)), good=2, bad=(code,))


def _broken(name: str, rest: str, position: str | None = "line 4") -> HostileFile:
    build = lambda: xml(element(1), rest)  # noqa: E731  # the text is big: made when it is wanted
    return HostileFile(f"hostile/{name}.xml", build, good=1, file=Code.FILE_BROKEN, position=position)


def _attributes(name: str) -> str:
    return " ".join(f'{name}{number}="1"' for number in range(100_000))


def _declared(encoding: str) -> str:
    return f'<?xml version="1.0" encoding="{encoding}"?>'


XML_RECORDS = (
    _one_bad("deep", element(2, "<a>" * 5_000 + "</a>" * 5_000), Code.RECORD_TOO_DEEP),
    _one_bad("many-attributes", f"<car {_attributes('a')}/>", Code.RECORD_TOO_BIG),
    _one_bad("more-attributes", f"<car {_attributes('attribute')}/>", Code.RECORD_TOO_BIG),
    _one_bad("many-elements", element(2, "<a/>" * 50_000), Code.RECORD_TOO_BIG),
    _one_bad("giant-text", element(2, f"<title>{'x' * 10 * _MIB}</title>"), Code.RECORD_TOO_BIG),
    _one_bad("giant-cdata", element(2, f"<title><![CDATA[{'x' * 10 * _MIB}]]></title>"), Code.RECORD_TOO_BIG),
    _one_bad("giant-attribute", f'<car><a b="{"x" * 10 * _MIB}"/></car>', Code.RECORD_TOO_BIG),
    _one_bad("text-alone", "<car>Golf</car>", Code.RECORD_NOT_AN_OBJECT),
)

XML_FILES = (
    HostileFile("hostile/empty.xml", lambda: xml(element(1), "<car/>", "<car>\n</car>", element(2)), 2, blank=2),
    HostileFile("hostile/giant-comment.xml", lambda: xml(element(1), f"<!-- {'-x' * 5 * _MIB} -->", element(2)), 2),
    HostileFile("hostile/laughs.xml", lambda: xml("<car>&i;</car>", head=_LAUGHING_TYPE), file=Code.DTD_FORBIDDEN),
    HostileFile(
        "hostile/quadratic.xml",
        lambda: xml(f"<car>{'&a;' * 50_000}</car>", head=f"<!DOCTYPE cars [<!ENTITY a '{'x' * 50_000}'>]>"),
        file=Code.DTD_FORBIDDEN,
    ),
    HostileFile(
        "hostile/external-entity.xml",
        lambda: xml("<car>&a;</car>", head='\n<!DOCTYPE cars [<!ENTITY a SYSTEM "file:///etc/passwd">]>'),
        file=Code.DTD_FORBIDDEN,
        position="line 2",
    ),
    HostileFile(
        "hostile/external-dtd.xml",
        lambda: xml(element(1), head='<!DOCTYPE cars SYSTEM "http://a.example/a.dtd">'),
        1,
    ),
    HostileFile(
        "hostile/ampersands-mended.xml",
        lambda: xml(element(1), element(2, "<a>Town & Country&nbsp;</a>")),
        2,
        hints={"mend_ampersands": True},
    ),
    _broken("ampersand", "<car>Town & Country</car>"),
    _broken("wrong-end", "<car><a></b></car>"),
    _broken("zero", element(2, "<a>\0</a>")),
    _broken("cdata-never-closed", f"<car><a><![CDATA[{'x' * 2 * _MIB}", position=None),
    _broken("comment-never-closed", f"<!-- {'x' * 2 * _MIB}", position=None),
    _broken("tag-never-closed", f"<car {'x' * 2 * _MIB}"),
    _broken("endless-names", "".join(f"<x{number}/>" for number in range(100_000))),
    HostileFile(
        "hostile/cut-off.xml",
        lambda: xml(element(1), element(2))[:-30],
        1,
        file=Code.FILE_BROKEN,
        position="line 4",
    ),
    HostileFile("hostile/never-closed.xml", lambda: b"<cars>" + b"<a>" * 200_000, file=Code.FILE_BROKEN),
    HostileFile(
        "hostile/latin-1.xml",
        lambda: xml(element(1, "<t>Käfer</t>"), head=_declared("ISO-8859-1")).decode().encode("latin-1"),
        1,
    ),
    HostileFile(
        "hostile/latin-1-unsaid.xml",
        lambda: xml(element(1), element(2, "<t>Käfer</t>")).decode().encode("latin-1"),
        1,
        file=Code.ENCODING_INVALID,
        position="line 4",
    ),
    HostileFile("hostile/rot13.xml", lambda: xml(element(1), head=_declared("rot13")), file=Code.ENCODING_INVALID),
    HostileFile("hostile/utf-16.xml", lambda: xml(element(1)).decode().encode("utf-16"), 1),
    HostileFile(
        "hostile/in-a-string.xml",
        lambda: f"<string>{escape(xml(element(1), element(2)).decode())}</string>".encode(),
        2,
    ),
    HostileFile(
        "hostile/laughs-in-a-string.xml",
        lambda: f"<string>{escape(xml(element(1), head=_LAUGHING_TYPE).decode())}</string>".encode(),
        file=Code.DTD_FORBIDDEN,
    ),
    HostileFile(
        "hostile/nothing-there.xml",
        lambda: xml(element(1)),
        file=Code.RECORDS_NOT_FOUND,
        hints={"records_path": "cars.vehicle[]"},
    ),
)

HTML_FILES = (
    HostileFile("hostile/page.html", lambda: page(car_script(1), car_script(2)), 2),
    HostileFile(
        "hostile/page-without.html",
        lambda: page(script(b'{"@type":"Organization"}')),
        file=Code.RECORDS_NOT_FOUND,
    ),
    HostileFile(
        "hostile/page-cut-off.html",
        lambda: page(car_script(1), car_script(2))[:-60],
        1,
        file=Code.FILE_BROKEN,
        position="line 4",
    ),
    HostileFile(
        "hostile/bad-script.html",
        lambda: page(car_script(1), script(b"{'@type':'Car'}"), car_script(3)),
        2,
        (Code.RECORD_MALFORMED,),
    ),
    HostileFile(
        "hostile/script-bombs.html",
        lambda: page(
            car_script(1),
            script(b"[" * 100_000),
            script(b'{"@type":"Car","a":"' + b"x" * 10 * _MIB + b'"}'),
            script(b'{"@type":"Car","a":"' + b"x" * 2 * _MIB + b'"}'),
            script(b"[" + b'{"@type":"Car"},' * 60_000 + b"1]"),
            script(b'{"@type":"Car","a":' + b"9" * 400 + b"}"),
            script(b'{"@type":"Car","a":' + b"[" * 40 + b"]" * 40 + b"}"),
            b"<!-- " + b"x" * 2 * _MIB + b" -->",
            car_script(2),
        ),
        2,
        (*4 * (Code.RECORD_TOO_BIG,), Code.RECORD_MALFORMED, Code.RECORD_TOO_DEEP),
    ),
)

MARKUP_FILES = (*XML_RECORDS, *XML_FILES, *HTML_FILES)
