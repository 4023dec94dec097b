"""XML files: what an element becomes, what a bad place costs, which encoding counts."""

from __future__ import annotations

from xml.sax.saxutils import escape

import pytest

from app.errors import FailureCode
from app.model.file import FileFormat
from app.model.record import ReadHints
from tests.support.limits import limits
from tests.support.reading import Reading, read_file


def _at(path: str | None, data: str | bytes, **changes: int) -> Reading:
    text = data.encode() if isinstance(data, str) else data
    return read_file(text, ReadHints(format=FileFormat.XML, records_path=path), within=limits(**changes))


def _car(inside: str) -> object:
    """What one record becomes."""
    reading = _at("cars.car[]", f"<cars><car>{inside}</car></cars>")
    assert (reading.code, reading.codes) == (None, ())
    (value,) = reading.values
    return value


@pytest.mark.parametrize(
    ("inside", "value"),
    [
        ("<make>VW</make>", {"make": "VW"}),
        ("<make>\n  VW\n</make>", {"make": "VW"}),
        ("<a></a><b/><c> \n </c>", {"a": "", "b": "", "c": ""}),
        ("<photo>1</photo><id>7</id><photo>2</photo><photo/>", {"photo": ["1", "2", ""], "id": "7"}),
        ('<make id="8">VW</make>', {"make": {"@id": "8", "#text": "VW"}}),
        ('<make key=" VW "/>', {"make": {"@key": "VW"}}),
        ('<make key=""/>', {"make": {"@key": ""}}),
        ("<p><unit>KM</unit><value>5</value></p>", {"p": {"unit": "KM", "value": "5"}}),
        ("<p>about <b>7</b> km</p>", {"p": {"#text": "about km", "b": "7"}}),
        ('<i u="1"/><i u="2"/>', {"i": [{"@u": "1"}, {"@u": "2"}]}),
        ("<t><![CDATA[ A4 <b> & ]]></t>", {"t": "A4 <b> &"}),
        ("<t>Town &amp; Country &#228;&#xE9;&lt;b&gt;</t>", {"t": "Town & Country äé<b>"}),
        ("<t>one<!-- not <this> -->two<?nor this?></t>", {"t": "onetwo"}),
        ("<t>a<![CDATA[<!-- kept -->]]>b</t>", {"t": "a<!-- kept -->b"}),
        ("<t>]] &gt; [</t>", {"t": "]] > ["}),
        ('<t q="a > b">x</t>', {"t": {"@q": "a > b", "#text": "x"}}),
    ],
)
def test_what_an_element_becomes(inside: str, value: object) -> None:
    assert _car(inside) == value


@pytest.mark.parametrize(
    ("inside", "value"),
    [
        ("<g:make>VW</g:make>", {"make": "VW"}),
        ('<x:make x:key="VW"/>', {"make": {"@key": "VW"}}),
        ("<link>1</link><g:link>2</g:link>", {"link": ["1", "2"]}),
        ('<make a:key="1" b:key="2"/>', {"make": {"@key": ["1", "2"]}}),
        ('<make xmlns="urn:x" xmlns:y="urn:y" xsi:type="string" xml:lang="de">VW</make>', {"make": "VW"}),
        ('<price xsi:nil="true"/>', {"price": ""}),
    ],
)
def test_prefixes_do_not_count_and_need_no_declaration(inside: str, value: object) -> None:
    assert _car(inside) == value


def test_the_record_has_attributes_and_text_too() -> None:
    reading = _at("cars.car[]", '<cars><car id="1" make="VW"/><car id="2">Golf<year>2019</year></car></cars>')
    assert reading.values == [{"@id": "1", "@make": "VW"}, {"@id": "2", "#text": "Golf", "year": "2019"}]


def test_records_know_the_line_of_their_start_tag() -> None:
    data = (
        '\n\n<?xml version="1.0"?>\n<!-- a\n comment -->\n<!DOCTYPE\n cars>\n<cars\n a="1">\n<car><a>\n</a></car>\n\n'
    )
    reading = _at("cars.car[]", data + '<car\n id="2">\n</car><car><?x\n?><a/></car><car><a/></car></cars>')
    assert [record.line for record in reading.records] == [10, 13, 15, 16]


def test_an_empty_record_is_blank_and_a_text_is_none() -> None:
    reading = _at("cars.car[]", "<cars><car><a/></car><car/><car> \n</car>\n<car>Golf</car><car><b/></car></cars>")
    assert (len(reading.records), reading.blank) == (2, 2)
    assert reading.codes == (FailureCode.RECORD_NOT_AN_OBJECT,)
    assert reading.bad[0].line == 3


@pytest.mark.parametrize(
    ("path", "ids"),
    [
        ("feed.dealer.car[]", ["1", "2", "3"]),
        ("feed.*.car[]", ["1", "2", "3", "4"]),
        ("f:feed.f:shop.f:car", ["4"]),
        ("*.dealer.car", ["1", "2", "3"]),
    ],
)
def test_a_path_leads_through_every_element_of_its_names(path: str, ids: list[str]) -> None:
    data = (
        '<feed><dealer><car id="1"/><other><car id="9"/></other></dealer>'
        '<dealer><car id="2"/><car id="3"/></dealer><shop><car id="4"/></shop><car id="8"/></feed>'
    )
    assert [value["@id"] for value in _at(path, data).values] == ids


def test_a_root_can_be_the_one_record() -> None:
    assert _at("ad", '<ad><id value="7"/></ad>').values == [{"id": {"@value": "7"}}]


def test_what_is_not_there_is_told_but_an_empty_list_is_no_mistake() -> None:
    assert _at("cars.car[]", "<cars/>").error is None
    assert _at("cars.car[]", "<cars><title>Stock</title><date/></cars>").error is None
    for path in ("listings.car[]", "cars.stock.car[]", "vehicle", "cars.vehicle[]"):
        reading = _at(path, "<cars><car><a/></car></cars>")
        assert reading.code is FailureCode.RECORDS_NOT_FOUND


# XML that is the text of an element

_INNER = (
    '<?xml version="1.0" encoding="utf-16"?>\n'
    "<inv>\n<car><t>A &amp; B</t></car>\n<car><t><![CDATA[<b>]]></t></car>\n</inv>"
)


@pytest.mark.parametrize(
    "data",
    [
        f"<string>{escape(_INNER)}</string>",
        f'<string xmlns="urn:x">\n  {escape(_INNER)}\n</string>',
        f"<string><![CDATA[{_INNER.replace(']]>', ']]]]><![CDATA[>')}]]></string>",
    ],
)
@pytest.mark.parametrize("path", ["string.inv.car[]", None])
@pytest.mark.parametrize("block", [1, 7, 65_536])
def test_xml_in_a_text_is_read_as_xml(data: str, path: str | None, block: int) -> None:
    reading = read_file(data.encode(), ReadHints(records_path=path), block=block)
    assert reading.error is None
    assert reading.values == [{"t": "A & B"}, {"t": "<b>"}]
    first = data.split("car", 1)[0].count("\n") + 1
    assert [record.line for record in reading.records] == [first, first + 1]


def test_xml_in_a_text_is_found_inside_of_an_envelope() -> None:
    data = f"<s:Envelope><s:Header/><s:Body><R><Result>{escape(_INNER)}</Result></R></s:Body></s:Envelope>"
    assert len(_at(None, data).values) == 2
    assert len(_at("Envelope.Body.R.Result.inv.car", data).values) == 2


def test_xml_in_a_text_is_broken_at_a_line_of_the_file() -> None:
    data = "<string>\n\n" + escape("<inv>\n<car><t>1</t></car>\n<car></inv>") + "</string>"
    reading = _at("string.inv.car[]", data)
    assert reading.values == [{"t": "1"}]
    assert (reading.code, reading.error and reading.error.position) == (FailureCode.FILE_BROKEN, "line 5")


def test_markup_in_the_texts_of_a_record_stays_a_text() -> None:
    assert _car("<d>&lt;p&gt;Nice&lt;/p&gt;</d>") == {"d": "<p>Nice</p>"}
    assert _at(None, "<cars><t>&lt;b&gt;</t><car><a>1</a></car></cars>").values == [{"a": "1"}]


# What is broken

_GOOD = "<car><a>1</a></car>"


@pytest.mark.parametrize(
    ("bad", "line"),
    [
        ("<car>\n<a></b></car>", 3),
        ("<car>\n<a>Town & Country</a></car>", 3),
        ("<car>\n\n<a>&nbsp;</a></car>", 4),
        ("<car><a>1 < 2</a></car>", 2),
        ('<car>\n<a b="1" b="2"/></car>', 3),
        ("<car><a b=1/></car>", 2),
        ('<car><a b="<"/></car>', 2),
        ("<car><a>\x01</a></car>", 2),
        ("</car>", 2),
        ("<car><a>&#0;</a></car>", 2),
        ("<!ENTITY a 'b'>", 2),
        ("<![IGNORE[", 2),
    ],
)
def test_the_records_before_a_broken_place_stay(bad: str, line: int) -> None:
    reading = _at("cars.car[]", f"<cars>{_GOOD}\n{bad}{_GOOD}</cars>")
    assert reading.values == [{"a": "1"}]
    assert (reading.code, reading.error and reading.error.position) == (FailureCode.FILE_BROKEN, f"line {line}")


@pytest.mark.parametrize(
    "end", ["", "<car>", "<car><a", '<car><a b="', "<!--", "<!", "<![CDATA[", "<car><a><![CDATA[x", "<?x", "</cars"]
)
def test_a_file_that_is_cut_off_says_so(end: str) -> None:
    reading = _at("cars.car[]", f"<cars>{_GOOD}\n{end}")
    assert reading.values == [{"a": "1"}]
    assert reading.error is not None
    assert (reading.code, "cut off" in reading.error.message) == (FailureCode.FILE_BROKEN, True)


@pytest.mark.parametrize("end", ["x", "<cars/>", "&amp;", "<![CDATA[x]]>", "</cars>", '"'])
def test_nothing_may_follow_the_root(end: str) -> None:
    reading = _at("cars.car[]", f"<cars>{_GOOD}</cars>\n \n<!-- may -->{end}")
    assert reading.values == [{"a": "1"}]
    assert (reading.code, reading.error and reading.error.position) == (FailureCode.FILE_BROKEN, "line 1")


def test_ampersands_are_mended_where_the_profile_says_so() -> None:
    text = "Town & Country &nbsp;&euro; &amp; &#65; &zzz; &lt"
    data = f'<cars><car u="?a=1&b=2"><t>{text}</t><![CDATA[&nbsp;&]]></car></cars>'
    for block in (1, 5, 1000):
        hints = ReadHints(records_path="cars.car[]", mend_ampersands=True)
        reading = read_file(data.encode(), hints, block=block)
        assert reading.values == [
            {"@u": "?a=1&b=2", "t": "Town & Country \N{NO-BREAK SPACE}€ & A &zzz; &lt", "#text": "&nbsp;&"}
        ]


# What is too big

_ATTRIBUTES = " ".join(f'a{n}=""' for n in range(200))


def test_a_record_that_is_too_big_costs_only_itself() -> None:
    texts = {
        "text": f"<car><a>{'x' * 900}</a></car>",
        "cdata": f"<car><a><![CDATA[{'x' * 900}]]></a></car>",
        "elements": f"<car>{'<a/>' * 250}</car>",
        "attribute": f'<car a="{"x" * 900}"><b/></car>',
        "attributes": f"<car {_ATTRIBUTES}/>",
        "attributes inside": f"<car><b {_ATTRIBUTES}>\n</b></car>",
        "name": f"<car><{'x' * 150}/>{'y' * 800}</car>",
    }
    for name, text in texts.items():
        for block in (1, 50, 65_536):
            data = f"<cars>{_GOOD}{text}\n{_GOOD}</cars>".encode()
            hints = ReadHints(records_path="cars.car[]")
            reading = read_file(data, hints, block=block, within=limits(record_max_bytes=800))
            assert reading.values == [{"a": "1"}, {"a": "1"}], name
            assert (reading.code, reading.codes) == (None, (FailureCode.RECORD_TOO_BIG,)), name
            assert reading.bad[0].line == 1


def test_a_record_of_just_the_size_is_kept() -> None:
    assert len(_at("cars.car[]", f"<cars>{_GOOD}</cars>", record_max_bytes=len("<car><a>1</a>")).values) == 1
    assert len(_at("cars.car[]", f"<cars>{_GOOD}</cars>", record_max_bytes=len("<car><a>1</a>") - 1).bad) == 1


def test_a_record_that_is_too_deep_costs_only_itself() -> None:
    for levels, code in ((31, ()), (32, (FailureCode.RECORD_TOO_DEEP,)), (9_000, (FailureCode.RECORD_TOO_DEEP,))):
        deep = "<car>" + "<a>" * levels + "</a>" * levels + "</car>"
        reading = _at("cars.car[]", f"<cars>{_GOOD}{deep}{_GOOD}</cars>")
        assert (len(reading.records), reading.codes) == (3 - len(code), code)


def test_a_record_of_too_many_parts_costs_only_itself() -> None:
    reading = _at("cars.car[]", f"<cars>{_GOOD}<car>{'<a/>' * 30_000}</car>{_GOOD}</cars>")
    assert (len(reading.records), reading.codes) == (2, (FailureCode.RECORD_TOO_BIG,))


@pytest.mark.parametrize(
    "data",
    [
        "<cars>" + "<a>" * 20_000,
        "<cars><car>" + "<a>" * 20_000,
        "<cars>" + "".join(f"<a{n}/>" for n in range(40_000)),
        "<cars>" + "".join(f'<a b{n}=""/>' for n in range(40_000)),
        "<cars><car>" + "".join(f"<a{n}/>" for n in range(40_000)),
        "<cars>" + "".join(f"<car><a{n}/></car>" for n in range(40_000)),
        "<cars><" + "x" * 2_000_000,
        "<cars></cars" + " " * 2_000_000 + ">",
        "<cars><" + "x" * 2_000_000 + " a=''/></cars>",
    ],
    ids=["deep", "deep-record", "names", "attributes", "names-in-record", "names-in-records", "open", "end", "name"],
)
def test_what_would_grow_in_the_parser_is_refused(data: str) -> None:
    reading = _at("cars.car[]", data)
    assert (reading.code, reading.codes) == (FailureCode.FILE_BROKEN, ())


@pytest.mark.parametrize(
    "declaration",
    [
        '<!DOCTYPE cars [<!ENTITY a "b">]>',
        '<!DOCTYPE cars [<!ENTITY a SYSTEM "file:///etc/hostname">]>',
        '<!DOCTYPE cars [<!ENTITY % p SYSTEM "http://127.0.0.1:9/x"> %p;]>',
        '<!DOCTYPE cars SYSTEM "x.dtd" [<!ATTLIST car a CDATA "1">]>',
        "<!DOCTYPE cars [",
        "<!DOCTYPE cars <",
        "<!DOCTYPE cars" + " " * 5_000 + ">",
    ],
)
def test_a_document_type_that_declares_is_refused(declaration: str) -> None:
    for path in ("cars.car[]", None):
        reading = _at(path, f"{declaration}\n<cars><car><a>&a;</a></car></cars>")
        assert (reading.code, reading.values) == (FailureCode.DTD_FORBIDDEN, [])


@pytest.mark.parametrize(
    "declaration",
    ["<!DOCTYPE cars>", '<!DOCTYPE cars SYSTEM "http://127.0.0.1:9/a.dtd">', "<!DOCTYPE\ncars PUBLIC \"-//x>\" 'y['>"],
)
def test_a_document_type_that_only_names_a_dtd_does_not_matter(declaration: str) -> None:
    assert _at("cars.car[]", f"{declaration}<cars>{_GOOD}</cars>").values == [{"a": "1"}]
    again = _at("cars.car[]", f"{declaration}{declaration}<cars>{_GOOD}</cars>")
    assert again.code is FailureCode.FILE_BROKEN
    undefined = _at("cars.car[]", f"{declaration}<cars><car>&a;</car></cars>")
    assert undefined.code is FailureCode.FILE_BROKEN


# Encodings

_UMLAUT = "<cars><car><a>Käfer €</a></car></cars>"


@pytest.mark.parametrize(
    ("declared", "encoding"),
    [
        ("ISO-8859-1", "cp1252"),
        ("iso-8859-15", "iso-8859-15"),
        ("windows-1252", "cp1252"),
        ("Windows-1250", "cp1250"),
        ("utf-8", "utf-8"),
        ("UTF-8", "utf-8-sig"),
        ("ISO-8859-1", "utf-8-sig"),
        ("utf-16", "utf-16"),
        ("UTF-16", "utf-16-le"),
        ("UTF-16", "utf-16-be"),
        ("ISO-8859-1", "utf-16"),
        ("utf-16", "utf-8"),
        ("us-ascii", "utf-8"),
        ("gb2312", "gb18030"),
    ],
)
def test_mark_then_declaration_then_utf8(declared: str, encoding: str) -> None:
    data = f'<?xml version="1.0" encoding="{declared}"?>{_UMLAUT}'.encode(encoding)
    for block in (1, 7, 65_536):
        reading = read_file(data, ReadHints(encoding="mac_roman"), block=block)
        assert reading.error is None
        assert reading.values == [{"a": "Käfer €"}]


def test_the_fallback_is_for_what_declares_nothing_or_utf8_wrongly() -> None:
    for head in ("", '<?xml version="1.0"?>', '<?xml version="1.0" encoding="utf-8"?>'):
        data = (head + _UMLAUT).encode("cp1252")
        assert read_file(data, ReadHints(encoding="cp1252")).values == [{"a": "Käfer €"}]
        assert read_file(data).code is FailureCode.ENCODING_INVALID


@pytest.mark.parametrize(
    "declared", ["x-unknown", "utf-7", "rot13", "idna", "unicode_escape", "zlib", "cp037", "a" * 40]
)
def test_an_encoding_that_is_not_read_is_told(declared: str) -> None:
    reading = read_file(f"<?xml version='1.0' encoding='{declared}'?>{_UMLAUT}".encode())
    assert (reading.code, reading.records) == (FailureCode.ENCODING_INVALID, [])
    assert reading.error is not None
    assert declared in reading.error.message


def test_bytes_that_the_declared_encoding_has_not_are_refused() -> None:
    reading = read_file(
        b'<?xml version="1.0" encoding="windows-1252"?><cars><car><a>1</a></car>\n<car>\x81</car></cars>'
    )
    assert (reading.code, reading.values) == (FailureCode.ENCODING_INVALID, [{"a": "1"}])
    assert "line 2" in str(reading.error and reading.error.position)
