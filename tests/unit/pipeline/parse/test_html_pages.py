"""HTML pages: which scripts count, and what of broken JSON is read."""

from __future__ import annotations

import orjson
import pytest

from app.errors import FailureCode
from app.model.file import FileFormat
from app.model.record import ReadHints
from app.pipeline.parse.json_repair import lenient_json
from tests.support.reading import Reading, read_file

_CAR = '{"@type":"Car","name":"a"}'
_VALUE = {"@type": "Car", "name": "a"}


def _page(body: str, **more: int) -> Reading:
    return read_file(f"<!DOCTYPE html>\n<html><body>\n{body}\n</body></html>".encode(), **more)  # type: ignore[arg-type]


def _script(text: str, attributes: str = 'type="application/ld+json"') -> str:
    return f"<script {attributes}>{text}</script>"


@pytest.mark.parametrize(
    "attributes",
    [
        'type="application/ld+json"',
        "type='application/ld+json'",
        "type=application/ld+json",
        'TYPE = "Application/LD+JSON"',
        'async id="x>y" data-a=\'"\' type="application/ld+json" nonce',
        'type="application/ld+json; charset=utf-8"',
        'type="application/ld&#43;json"',
        'type="application/ld+json" type="text/x"',
        '\n  type="application/ld+json"\n',
    ],
)
@pytest.mark.parametrize("block", [1, 65_536])
def test_scripts_that_count(attributes: str, block: int) -> None:
    reading = _page(_script(_CAR, attributes), block=block)
    assert (reading.error, reading.values) == (None, [_VALUE])


@pytest.mark.parametrize(
    "body",
    [
        _script(_CAR, ""),
        _script(_CAR, 'type="application/json"'),
        _script(_CAR, 'type="text/x" type="application/ld+json"'),
        _script(_CAR, 'data-type="application/ld+json"'),
        f"<!-- {_script(_CAR)} -->",
        f"<style>{_script(_CAR)}</style>",
        f"<textarea>{_script(_CAR)}</textarea>",
        f"<title>{_script(_CAR)}</title>",
        f"<scripts type='application/ld+json'>{_CAR}</scripts>",
        f"<script>document.write('<script type=\"application/ld+json\">{_CAR}')</script>",
        _script('{"@type":"Organization"}'),
    ],
)
@pytest.mark.parametrize("block", [1, 65_536])
def test_scripts_that_do_not(body: str, block: int) -> None:
    reading = _page(body, block=block)
    assert (reading.code, reading.values, reading.codes) == (FailureCode.RECORDS_NOT_FOUND, [], ())
    assert reading.error is not None
    assert "application/ld+json" in reading.error.message


@pytest.mark.parametrize(
    "before",
    [
        "<!-->",
        "<!--->",
        "<!-- a -- b > -->",
        "<script>if (a<b) x('</scrip' + '-->')</script>",
        "<SCRIPT\n>x</ScRiPt\n>",
        "<p title='<script>'>don't</p>".replace("<script>", "&lt;script>"),
        "<script src=x></script>",
    ],
)
def test_what_stands_before_a_script_does_not_hide_it(before: str) -> None:
    for block in (1, 3, 65_536):
        assert _page(before + _script(_CAR), block=block).values == [_VALUE]


def test_records_have_the_line_of_their_script() -> None:
    two = _script("[" + _CAR + ",\n" + _CAR + "]")
    reading = _page(f"<p>\n</p>\n{two}\n\n{_script(_CAR)}")
    assert [record.line for record in reading.records] == [5, 5, 8]


def test_scripts_of_a_page_refer_to_each_other() -> None:
    body = _script('{"@type":"Car","offers":{"@id":"#o"}}') + _script('{"@id":"#o","price":5}')
    assert _page(body).values == [{"@type": "Car", "offers": {"@id": "#o", "price": 5}}]


def test_a_bad_script_costs_only_itself() -> None:
    reading = _page(_script(_CAR) + "\n" + _script('{"@type":"Car" "name":1}') + _script("") + _script(_CAR))
    assert reading.code is None
    assert reading.values == [_VALUE, _VALUE]
    assert reading.codes == (FailureCode.RECORD_MALFORMED, FailureCode.RECORD_MALFORMED)
    assert [(bad.number, bad.line) for bad in reading.bad] == [(2, 4), (3, 4)]


def test_a_page_that_ends_inside_a_script_is_broken() -> None:
    page = f"<html>{_script(_CAR)}\n<script type=application/ld+json>{_CAR}</scr"
    reading = read_file(page.encode())
    assert reading.values == [_VALUE]
    assert (reading.code, reading.error and reading.error.position) == (FailureCode.FILE_BROKEN, "line 2")
    assert read_file(f"<html>{_script(_CAR)}\n<script>var a".encode()).error is None


def test_the_page_names_its_encoding() -> None:
    for meta in ('<meta charset="windows-1252">', '<META http-equiv=content-type content="text/html; charset=latin1">'):
        data = (f"<html><head>{meta}</head>" + _script('{"@type":"Car","name":"ä€"}')).encode("cp1252")
        assert read_file(data).values == [{"@type": "Car", "name": "ä€"}]


def test_xhtml_is_a_page() -> None:
    script = _script("//<![CDATA[\n" + _CAR + "\n//]]>")
    data = f'<?xml version="1.0"?>\n<html xmlns="http://www.w3.org/1999/xhtml">{script}</html>'
    reading = read_file(data.encode())
    assert reading.shape is not None
    assert (reading.shape.format, reading.values) == (FileFormat.HTML, [_VALUE])


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('{"a":1};', {"a": 1}),
        ('{"a":1} ; ;\n', {"a": 1}),
        ('{"a":[1,2,],"b":{"c":1,},}', {"a": [1, 2], "b": {"c": 1}}),
        ('{"a":NaN /* none */,"b":"NaN"}', {"a": "NaN", "b": "NaN"}),
        ('{"a":1, // all\n "b":2 /* , */ }', {"a": 1, "b": 2}),
        ('{"a":1,/* last */}', {"a": 1}),
        ('{"a":"x // y /* z */ ,}"/**/}', {"a": "x // y /* z */ ,}"}),
        ('{"a":"x\ty\nz\x0b"}', {"a": "x\ty\nz"}),
        ('<!--\n{"a":1}\n-->', {"a": 1}),
        ('<!-- {"a":1} //-->', {"a": 1}),
        ('//<![CDATA[\n{"a":1}\n//]]>', {"a": 1}),
        ('/* <![CDATA[ */ {"a":1} /* ]]> */', {"a": 1}),
        ('<![CDATA[{"a":1,}]]>', {"a": 1}),
        ("{&quot;a&quot;:&quot;1 &amp; 2&quot;}", {"a": "1 & 2"}),
        ('\ufeff{"a":1}', {"a": 1}),
    ],
)
def test_what_of_broken_json_is_read(text: str, value: object) -> None:
    assert lenient_json(text.encode()) == value


@pytest.mark.parametrize(
    "text", ["", "{", "{a:1}", "{'a':1}", '{"a":1}}', '{"a":1} {"b":2}', '{"a":01}', '{"a":"\\x"}']
)
def test_what_is_not_guessed(text: str) -> None:
    with pytest.raises(orjson.JSONDecodeError):
        lenient_json(text.encode())


def test_a_page_is_known_by_its_name_when_nothing_else_tells() -> None:
    data = f"<x-app>{_script(_CAR)}</x-app>".encode()
    assert read_file(data, ReadHints(format=FileFormat.HTML)).values == [_VALUE]
    assert read_file(data, ReadHints(content_type="text/html; charset=utf-8")).values == [_VALUE]
