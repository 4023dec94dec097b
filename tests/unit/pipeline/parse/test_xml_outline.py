"""Where the records are in XML that nobody has described."""

from __future__ import annotations

import pytest

from app.pipeline.parse.xml_outline import find_records
from tests.support.reading import read_file


@pytest.mark.parametrize(
    ("document", "path"),
    [
        # known roots
        ("<rss><channel><title/><link/><item><title/></item></channel></rss>", ("rss", "channel", "item")),
        ("<rss><channel/></rss>", ("rss", "channel", "item")),
        ('<feed xmlns="http://www.w3.org/2005/Atom"><id/></feed>', ("feed", "entry")),
        ("<a:feed><a:entry><a:id/></a:entry></a:feed>", ("feed", "entry")),
        ("<rdf:RDF><channel><a/></channel><item><a/></item></rdf:RDF>", ("RDF", "item")),
        ("<yml_catalog><shop><name/><offers/></shop></yml_catalog>", ("yml_catalog", "shop", "offers", "offer")),
        # the child that comes again
        ("<cars><car><a/></car><car><a/></car></cars>", ("cars", "car")),
        ("<x:cars><y:car><a/></y:car><z:car><a/></z:car></x:cars>", ("cars", "car")),
        ("<feed><date>1</date><car><a/></car><car><a/></car></feed>", ("feed", "car")),
        ("<feed><pic><u/></pic><car><a/></car><pic><u/></pic><car><a/></car><car><a/></car></feed>", ("feed", "car")),
        ('<cars><car a="1" b="2" c="3"/><car a="1" b="2" c="3"/></cars>', ("cars", "car")),
        # the only one
        ("<cars><title>x</title><car><a/><pic><u/></pic><pic><u/></pic></car></cars>", ("cars", "car")),
        ("<cars><car><a/></car></cars>", ("cars", "car")),
        ("<a><b><c><d>1</d></c><c><d>1</d></c></b></a>", ("a", "b", "c")),
        ("<a><b><c><d>1</d></c></b></a>", ("a", "b", "c")),
        ("<a><b><c><d>1</d><e><f/></e></c></b></a>", ("a", "b", "c")),
        # the root itself
        ("<ad><make>VW</make><price>1</price></ad>", ("ad",)),
        ('<ad><make key="VW"/><price key="1"/></ad>', ("ad",)),
        ("<ad><id/><vehicle><a/></vehicle><price><b/></price></ad>", ("ad",)),
        ('<car make="VW" model="Golf"/>', ("car",)),
        # nothing
        ("<cars/>", ("cars", None)),
        ("<!-- no element -->", (None,)),
        ("no xml", (None,)),
    ],
)
def test_the_rule(document: str, path: tuple[str | None, ...]) -> None:
    assert find_records(document.encode()) == path


@pytest.mark.parametrize(
    ("beginning", "path"),
    [
        ("<data><cars><car><a>1</a></car><car><a>", ("data", "cars", "car")),
        ("<cars><car><make>VW</make><pics><pic><u>1</u></pic><pic>", ("cars", "car")),
        ("<cars><car><a>1</a></car><ca", ("cars", "car")),
        ("<cars><car><a>1</a></car><car><a>Town & Country", ("cars", "car")),
    ],
)
def test_a_beginning_is_enough(beginning: str, path: tuple[str, ...]) -> None:
    assert find_records(beginning.encode()) == path


def test_a_long_file_is_judged_by_its_beginning_however_it_is_cut() -> None:
    car = b"<car><t>" + b"x" * 1_000 + b"</t></car>"
    data = b"<cars><other><a/></other>" + 100 * car + 200 * b"<other><a/></other>" + b"</cars>"
    for chunk in (1_000, 65_536, 1_000_000):
        assert len(read_file(data, chunk=chunk).values) == 100


@pytest.mark.parametrize(
    "document",
    [
        '<rss version="2.0" xmlns:g="urn:g"><channel><title>x</title><item><g:id>1</g:id></item><item><g:id>2</g:id>'
        "</item></channel></rss>",
        '<feed xmlns="http://www.w3.org/2005/Atom"><title>x</title><entry><g:id>1</g:id></entry><entry><g:id>2</g:id>'
        "</entry></feed>",
    ],
)
def test_rss_and_atom_need_no_profile(document: str) -> None:
    assert read_file(document.encode()).values == [{"id": "1"}, {"id": "2"}]
