"""What the adapter makes of a store's answers, over HTTP: the texts of obstore that it reads must stay as they are."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from app.adapters.s3 import CHUNK_MAX_BYTES, S3Store
from app.errors import FailureCode, ListingsError, OperatorError, Outage, Rejected, Transient
from app.settings import S3Settings
from tests.support.scripted_s3 import FACTS, Asked, Reply, Script, listing, refusal, scripted_s3

BUCKET = "listings-uploads"
OBJECT = Reply(200, b"[1,2]", {**FACTS, "Content-Type": "application/json"})
EMPTY_LIST = listing()


def settings(url: str, **more: object) -> S3Settings:
    given = {
        "endpoint_url": url,
        "access_key_id": "key",
        "secret_access_key": "secret",
        "buckets": (BUCKET, "other"),
        "read_timeout_s": 0.3,
        "connect_timeout_s": 1.0,
    }
    return S3Settings.model_validate({**given, **more})


def is_list(asked: Asked) -> bool:
    return asked.key == "" and "list-type" in asked.query


def store_with(reply: Reply, *, lists: Reply = EMPTY_LIST) -> Script:
    """Every object is answered with `reply`; `known.json` is there; the bucket's list is `lists`."""

    def script(asked: Asked) -> Reply:
        if is_list(asked):
            return lists
        return OBJECT if asked.key == "known.json" else reply

    return script


async def failure(script: Script, *, read_first: str | None = None) -> ListingsError:
    async with scripted_s3(script) as server:
        store = S3Store(settings(server.url))
        if read_first:
            await store.head(BUCKET, read_first)
        with pytest.raises(ListingsError) as caught:
            await read(store, "in/a.json")
    return caught.value


async def read(store: S3Store, key: str) -> bytes:
    fetched = await store.fetch(BUCKET, key)
    return b"".join([chunk async for chunk in fetched.chunks()])


async def test_facts_and_content_come_from_one_answer() -> None:
    async with scripted_s3(lambda _: OBJECT) as server:
        store = S3Store(settings(server.url))
        fetched = await store.fetch(BUCKET, "a.json")
        assert b"".join([chunk async for chunk in fetched.chunks()]) == b"[1,2]"
        assert await store.head(BUCKET, "a.json") == fetched.info
        assert [asked.method for asked in server.asked] == ["GET", "HEAD"]
    info = fetched.info
    assert (info.size, info.etag, info.content_type) == (5, "abc", "application/json")
    assert info.uploaded_at == datetime(2026, 3, 1, 10, 3, tzinfo=UTC)


async def test_an_empty_object_is_an_object() -> None:
    async with scripted_s3(lambda _: Reply(200, b"", FACTS)) as server:
        fetched = await S3Store(settings(server.url)).fetch(BUCKET, "a.json")
        assert [chunk async for chunk in fetched.chunks()] == []
    assert fetched.info.size == 0


async def test_chunks_stay_small() -> None:
    content = bytes(range(256)) * 8192
    async with scripted_s3(lambda _: Reply(200, content, FACTS)) as server:
        fetched = await S3Store(settings(server.url)).fetch(BUCKET, "a.json")
        chunks = [chunk async for chunk in fetched.chunks()]
    assert b"".join(chunks) == content
    assert max(map(len, chunks)) <= CHUNK_MAX_BYTES


@pytest.mark.parametrize(
    "key",
    [
        "a b+c.json",
        "100%.json",
        "a%2Fb.json",
        "ä/ö é.json",
        "🚗.json",
        "q?x=1&y#z.json",
        "back\\slash",
        " x ",
        "a/...",
        "~*'()!",
    ],
)
async def test_keys_reach_the_store_as_they_are(key: str) -> None:
    async with scripted_s3(lambda _: OBJECT) as server:
        info = await S3Store(settings(server.url)).head(BUCKET, key)
        assert [asked.key for asked in server.asked] == [key]
    assert info.key == key


@pytest.mark.parametrize(
    "key", ["", "/a.json", "a/", "a//b.json", "../x.json", "a/./b.json", "a\nb.json", "a\x7f", "a\0"]
)
async def test_keys_that_would_reach_another_object_are_refused_unasked(key: str) -> None:
    async with scripted_s3(lambda _: OBJECT) as server:
        store = S3Store(settings(server.url))
        for ask in (store.head, store.fetch):
            with pytest.raises(Rejected) as caught:
                await ask(BUCKET, key)
            assert caught.value.code is FailureCode.KEY_NOT_DECODABLE
        assert server.asked == []


async def test_a_bucket_outside_the_allow_list_is_never_asked() -> None:
    async with scripted_s3(lambda _: OBJECT) as server:
        with pytest.raises(Rejected) as caught:
            await S3Store(settings(server.url)).fetch("secrets", "a.json")
        assert server.asked == []
    assert caught.value.code is FailureCode.BUCKET_NOT_ALLOWED


async def test_aws_variables_of_the_machine_do_not_mix_with_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SESSION_TOKEN", "foreign")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "foreign")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    monkeypatch.setenv("AWS_SKIP_SIGNATURE", "true")
    async with scripted_s3(lambda _: OBJECT) as server:
        await S3Store(settings(server.url)).head(BUCKET, "a.json")
        headers = server.asked[0].headers
    assert "x-amz-security-token" not in headers
    assert "Credential=key/" in headers["authorization"]


@pytest.mark.parametrize(
    ("reply", "kind", "code"),
    [
        (refusal(404, "NoSuchKey"), Rejected, FailureCode.OBJECT_MISSING),
        (refusal(404, "NoSuchBucket"), Outage, FailureCode.ACCESS_REFUSED),
        (refusal(404, "XAdminUserNotFound"), Outage, FailureCode.ACCESS_REFUSED),
        (refusal(403, "SignatureDoesNotMatch"), Outage, FailureCode.ACCESS_REFUSED),
        (refusal(401, "InvalidAccessKeyId"), Outage, FailureCode.ACCESS_REFUSED),
        (refusal(400, "ExpiredToken"), Outage, FailureCode.ACCESS_REFUSED),
        (refusal(301, "PermanentRedirect"), Outage, FailureCode.ACCESS_REFUSED),
        (refusal(503, "SlowDown"), Outage, FailureCode.OVERLOADED),
        (Reply(429), Outage, FailureCode.OVERLOADED),
        (refusal(403, "InvalidObjectState"), Rejected, FailureCode.OBJECT_FORBIDDEN),
    ],
)
async def test_refusals_that_say_whom_they_concern(reply: Reply, kind: type[ListingsError], code: FailureCode) -> None:
    error = await failure(store_with(reply))
    assert isinstance(error, kind)
    assert error.code is code


_OWN_TROUBLE = [
    (refusal(403, "AccessDenied"), Rejected, FailureCode.OBJECT_FORBIDDEN),
    (Reply(404, b"<html>not found</html>"), Rejected, FailureCode.OBJECT_MISSING),
    (refusal(500, "InternalError"), Transient, FailureCode.FETCH_FAILED),
    (Reply(502), Transient, FailureCode.FETCH_FAILED),
    (Reply(then="no answer"), Transient, FailureCode.FETCH_FAILED),
    (Reply(then="stall"), Transient, FailureCode.FETCH_TIMED_OUT),
]
_BROKEN_OFF = [
    (Reply(200, b"[1,", FACTS, length=9, then="close"), Transient, FailureCode.FETCH_FAILED),
    (Reply(200, b"[1,", FACTS, length=9, then="stall after"), Transient, FailureCode.FETCH_TIMED_OUT),
]


@pytest.mark.parametrize(("reply", "kind", "code"), [*_OWN_TROUBLE, *_BROKEN_OFF])
async def test_trouble_with_one_object_is_its_own_while_the_store_answers_otherwise(
    reply: Reply, kind: type[ListingsError], code: FailureCode
) -> None:
    error = await failure(store_with(reply))
    assert isinstance(error, kind)
    assert error.code is code


@pytest.mark.parametrize(("reply", "kind", "code"), _OWN_TROUBLE)
async def test_the_same_trouble_with_everything_is_an_outage(
    reply: Reply, kind: type[ListingsError], code: FailureCode
) -> None:
    assert isinstance(await failure(store_with(reply, lists=reply)), Outage)


async def test_without_permission_to_list_an_object_that_could_be_read_vouches_for_the_store() -> None:
    denied = refusal(403, "AccessDenied")
    script = store_with(denied, lists=denied)
    assert isinstance(await failure(script), Outage)
    assert (await failure(script, read_first="known.json")).code is FailureCode.OBJECT_FORBIDDEN


async def test_a_head_that_is_refused_without_a_word_is_asked_again_with_a_get() -> None:
    async with scripted_s3(store_with(refusal(404, "NoSuchKey"))) as server:
        store = S3Store(settings(server.url))
        with pytest.raises(Rejected):
            await store.head(BUCKET, "a.json")
        assert [asked.method for asked in server.asked] == ["HEAD", "GET"]
        server.script = store_with(refusal(404, "XAdminUserNotFound"))
        with pytest.raises(Outage):
            await store.head(BUCKET, "a.json")


async def test_a_connection_that_the_server_has_just_closed_is_no_failure() -> None:
    replies = [Reply(then="no answer"), OBJECT]
    async with scripted_s3(lambda _: replies.pop(0)) as server:
        assert (await S3Store(settings(server.url)).head(BUCKET, "a.json")).size == 5
        assert len(server.asked) == 2


async def test_it_does_not_go_on_trying_by_itself() -> None:
    async with scripted_s3(store_with(refusal(500, "InternalError"))) as server:
        with pytest.raises(Transient):
            await S3Store(settings(server.url)).fetch(BUCKET, "a.json")
        assert sum(asked.key == "a.json" for asked in server.asked) == 2


BROKEN = Reply(200, b"[1,", FACTS, length=9, then="close")
REST = Reply(206, b"2,3,4]", {**FACTS, "Content-Range": "bytes 3-8/9"})
UPLOADED_AGAIN = {**FACTS, "ETag": '"new"'}


async def test_a_broken_download_is_resumed_once() -> None:
    async with scripted_s3(lambda asked: REST if "range" in asked.headers else BROKEN) as server:
        assert await read(S3Store(settings(server.url)), "a.json") == b"[1,2,3,4]"


async def test_it_is_never_resumed_with_other_content() -> None:
    """Uploaded again while it was read: the rest, and the facts, are those of another object."""
    rest = Reply(206, REST.body, {**UPLOADED_AGAIN, "Content-Range": "bytes 3-8/9"})

    def script(asked: Asked) -> Reply:
        if is_list(asked):
            return EMPTY_LIST
        if asked.method == "HEAD":
            return Reply(200, b"[9,9,9,9]", UPLOADED_AGAIN)
        return rest if "range" in asked.headers else BROKEN

    async with scripted_s3(script) as server:
        with pytest.raises(Transient) as caught:
            await read(S3Store(settings(server.url)), "a.json")
    assert caught.value.code is FailureCode.CONTENT_CHANGED


async def test_content_that_was_read_before_vouches_for_the_store_and_a_list_does_not() -> None:
    """All reading fails and the bucket's list answers: that is an outage, and no trouble of one object."""
    broken = refusal(500, "InternalError")
    async with scripted_s3(store_with(broken)) as server:
        store = S3Store(settings(server.url))
        await read(store, "known.json")
        server.script = lambda asked: EMPTY_LIST if is_list(asked) else broken
        with pytest.raises(Outage):
            await read(store, "in/a.json")
        with pytest.raises(Outage):
            await store.ping()


async def test_what_vouched_and_was_removed_since_is_forgotten() -> None:
    async with scripted_s3(store_with(refusal(404, "NoSuchKey"))) as server:
        store = S3Store(settings(server.url))
        await read(store, "known.json")
        server.script = lambda asked: EMPTY_LIST if is_list(asked) else refusal(404, "NoSuchKey")
        await store.ping()


def _facts_but(content: Reply, lists: Reply = EMPTY_LIST, readable: tuple[str, ...] = ()) -> Script:
    """Facts of every object can be had; only the content of `readable` comes, and `content` for all others."""

    def script(asked: Asked) -> Reply:
        if is_list(asked):
            return lists
        return OBJECT if asked.method == "HEAD" or asked.key in readable else content

    return script


@pytest.mark.parametrize(
    ("heads", "lists", "readable", "kind"),
    [
        (2, EMPTY_LIST, (), Transient),
        (3, EMPTY_LIST, (), Outage),
        (3, refusal(403, "AccessDenied"), (), Outage),
        (20, listing("a.json", "b.json"), (), Outage),
        (20, listing("a.json", "b.json"), ("b.json",), Transient),
        (20, EMPTY_LIST, ("17.json",), Transient),
        (20, EMPTY_LIST, ("3.json",), Outage),
    ],
    ids=["too few", "enough", "no list", "listed neither", "one that is listed", "one that was seen", "one long ago"],
)
async def test_content_that_comes_from_nothing_is_an_outage_for_a_worker_that_has_just_started_too(
    heads: int, lists: Reply, readable: tuple[str, ...], kind: type[ListingsError]
) -> None:
    async with scripted_s3(_facts_but(BROKEN, lists, readable)) as server:
        store = S3Store(settings(server.url))
        for number in range(heads):
            await store.head(BUCKET, f"{number}.json")
        with pytest.raises(kind):
            await read(store, "0.json")
        server.script = store_with(OBJECT)
        assert await read(store, "0.json") == b"[1,2]"
        await store.ping()


CUT = Reply(200, b"[1,", FACTS, length=12, then="close")
LATE = replace(OBJECT, late_s=0.15)  # in time, but not at a decent rate
LONG = Reply(200, b"[" + b" " * 8 + b"]", FACTS)


def _contents(default: Reply, lists: Reply = EMPTY_LIST, **replies: Reply) -> Script:
    """The content of `a`, `b`, … as given and of all others `default`; their facts can be had."""

    def script(asked: Asked) -> Reply:
        if is_list(asked):
            return lists
        return OBJECT if asked.method == "HEAD" else replies.get(asked.key, default)

    return script


async def _judged(store: S3Store, key: str = "broken") -> ListingsError:
    with pytest.raises(ListingsError) as caught:
        await read(store, key)
    return caught.value


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """What was compared is not believed for a second, and decent is what takes less than a tenth."""
    monkeypatch.setattr("app.adapters.s3_opinion._OLD_AFTER_S", 0.0)
    monkeypatch.setattr("app.adapters.s3_opinion._DECENT_MIN_S", 0.1)


OWN, IN_DOUBT, DOWN = "its own", "in doubt", "down"


def _meaning(error: ListingsError) -> str:
    if isinstance(error, Outage):
        return DOWN
    assert isinstance(error, Transient)
    return IN_DOUBT if error.in_doubt else OWN


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize(
    ("known", "lists", "meanings"),
    [
        ({"a": LONG, "b": LONG}, EMPTY_LIST, (OWN, OWN)),
        ({"a": LONG, "b": CUT}, EMPTY_LIST, (IN_DOUBT, OWN)),
        ({"a": LONG, "b": replace(LONG, then="stall")}, EMPTY_LIST, (IN_DOUBT, OWN)),
        ({"a": CUT, "b": CUT}, EMPTY_LIST, (DOWN, DOWN)),
        ({"a": CUT}, EMPTY_LIST, (DOWN, DOWN)),
        ({"a": LATE, "b": LATE}, EMPTY_LIST, (DOWN, DOWN)),
        ({"a": OBJECT, "b": OBJECT}, EMPTY_LIST, (IN_DOUBT, IN_DOUBT)),
        ({"a": OBJECT, "b": replace(OBJECT, body=b"[1, 2]")}, EMPTY_LIST, (OWN, OWN)),
        ({"a": OBJECT}, listing("c", "broken"), (OWN, OWN)),
        ({}, listing("c", "broken"), (OWN, OWN)),
        ({}, listing("broken"), (IN_DOUBT, IN_DOUBT)),
        ({"a": refusal(404, "NoSuchKey")}, EMPTY_LIST, (IN_DOUBT, IN_DOUBT)),
    ],
    ids=[
        "others come",
        "one of two breaks off: it may be broken itself, so the other decides next",
        "one of two stalls",
        "none comes",
        "the only one known does not come",
        "others crawl",
        "others are much shorter than where it broke off",
        "one of them is half as long",
        "one that is listed is as long",
        "nothing was read yet, and one that is listed comes",
        "it is the only one",
        "the only other was removed",
    ],
)
async def test_a_body_that_breaks_off_is_judged_by_others_that_are_read_now(
    known: dict[str, Reply], lists: Reply, meanings: tuple[str, ...]
) -> None:
    async with scripted_s3(lambda _: OBJECT) as server:
        store = S3Store(settings(server.url, read_timeout_s=0.4))
        for key in known:
            await read(store, key)
        server.script = _contents(LONG, lists, broken=CUT, **known)
        assert tuple([_meaning(await _judged(store)) for _ in meanings]) == meanings


@pytest.mark.usefixtures("quick")
async def test_an_object_that_could_be_read_before_does_not_vouch_for_itself() -> None:
    """A feed under one key, put anew each day: the others of the bucket decide, for the probe too."""
    async with scripted_s3(lambda _: OBJECT) as server:
        store = S3Store(settings(server.url))
        await read(store, "broken")
        server.script = _contents(LONG, listing("c"), broken=CUT)
        assert _meaning(await _judged(store)) == OWN
        await store.ping()


async def test_health_has_to_be_seen_after_the_failure_and_trouble_is_believed_for_a_while() -> None:
    async with scripted_s3(lambda _: OBJECT) as server:
        store = S3Store(settings(server.url))
        await read(store, "a")

        async def asked_of_a() -> int:
            before = len(server.asked)
            await _judged(store)
            return sum(asked.key == "a" for asked in server.asked[before:])

        server.script = _contents(LONG, broken=CUT, a=LONG)
        assert [await asked_of_a() for _ in range(2)] == [1, 1]
        server.script = _contents(LONG, broken=CUT, a=CUT)
        assert await asked_of_a()
        assert not await asked_of_a()


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize(
    ("reply", "others", "meaning"),
    [(Reply(500), {}, OWN), (Reply(500), {"a": OBJECT, "b": CUT}, IN_DOUBT), (Reply(then="no answer"), {}, IN_DOUBT)],
    ids=["it answers", "it answers some", "it says nothing"],
)
async def test_a_status_is_the_word_of_a_store_that_answers(
    reply: Reply, others: dict[str, Reply], meaning: str
) -> None:
    async with scripted_s3(lambda _: OBJECT) as server:
        store = S3Store(settings(server.url))
        for key in others:
            await read(store, key)
        server.script = _contents(LONG, broken=reply, **others)
        error = await _judged(store)
        assert _meaning(error) == meaning
        assert isinstance(error, Transient)
        assert error.by_chance == (reply.then == "no answer")


async def test_content_that_comes_too_slowly_is_judged_in_the_same_way() -> None:
    late = Transient(FailureCode.FETCH_TIMED_OUT, "expected the content within 900 s")
    async with scripted_s3(lambda _: OBJECT) as server:
        store = S3Store(settings(server.url))
        await read(store, "a")
        fetched = await store.fetch(BUCKET, "big")
        assert await fetched.judged(late) is late
        assert not late.in_doubt
        server.script = _contents(LONG, a=CUT)
        assert isinstance(await fetched.judged(late), Outage)


@pytest.mark.parametrize("content", [refusal(404, "NoSuchKey"), refusal(403, "AccessDenied")])
async def test_removed_and_forbidden_objects_say_nothing_of_others(content: Reply) -> None:
    async with scripted_s3(_facts_but(content)) as server:
        store = S3Store(settings(server.url))
        for number in range(5):
            await store.head(BUCKET, f"{number}.json")
        await store.ping()


SLOW_DOWN = refusal(503, "SlowDown")


@pytest.mark.parametrize(
    ("value", "seconds"), [("7", 7.0), (None, None), ("Thu, 01 Jan 1970 00:00:00 GMT", 0.0), ("soon", None)]
)
async def test_an_overloaded_store_says_when_to_ask_again(value: str | None, seconds: float | None) -> None:
    headers = {} if value is None else {"Retry-After": value}
    reply = Reply(503, SLOW_DOWN.body, headers)
    async with scripted_s3(lambda _: reply) as server:
        store = S3Store(settings(server.url))
        for ask in (store.head(BUCKET, "a.json"), store.fetch(BUCKET, "a.json"), store.ping()):
            with pytest.raises(Outage) as caught:
                await ask
            assert (caught.value.code, caught.value.retry_after_s) == (FailureCode.OVERLOADED, seconds)
        by_hand = [asked for asked in server.asked if "max-keys" in asked.query and asked.query["max-keys"] == ["1"]]
        assert len(by_hand) == 1, "an overloaded store is asked for its wish once a second at most"
        assert "Credential=key/" in by_hand[0].headers["authorization"]


async def test_no_connection_is_an_outage() -> None:
    async with scripted_s3(lambda _: OBJECT) as server:
        gone = server.url
    store = S3Store(settings(gone))
    for ask in (store.head(BUCKET, "a.json"), store.fetch(BUCKET, "a.json"), store.ping()):
        with pytest.raises(Outage) as caught:
            await ask
        assert caught.value.code is FailureCode.UNREACHABLE


async def test_many_failures_at_once_make_one_second_question() -> None:
    async with scripted_s3(store_with(refusal(500, "InternalError"))) as server:
        store = S3Store(settings(server.url))
        results = await asyncio.gather(*(store.fetch(BUCKET, f"{n}.json") for n in range(20)), return_exceptions=True)
        assert {type(result) for result in results} == {Transient}
        assert sum(map(is_list, server.asked)) == 1


async def test_an_object_without_its_time_is_not_given_the_year_1970() -> None:
    error = await failure(store_with(Reply(200, b"[]", {"ETag": '"abc"'})))
    assert isinstance(error, Transient)
    assert "Last-Modified" in error.message


async def test_ping_tells_whether_the_store_answers() -> None:
    async with scripted_s3(store_with(OBJECT)) as server:
        store = S3Store(settings(server.url))
        await store.ping()
        server.script = store_with(OBJECT, lists=refusal(403, "SignatureDoesNotMatch"))
        with pytest.raises(Outage) as caught:
            await store.ping()
    assert caught.value.code is FailureCode.ACCESS_REFUSED


async def test_ping_is_not_misled_by_a_missing_permission_to_list() -> None:
    denied = refusal(403, "AccessDenied")
    async with scripted_s3(store_with(denied, lists=denied)) as server:
        store = S3Store(settings(server.url))
        await store.ping()
        await store.head(BUCKET, "known.json")
        await store.ping()
        server.script = lambda _: denied
        for _ in range(2):
            with pytest.raises(Outage):
                await store.ping()


async def test_a_list_has_every_key_as_it_is_page_by_page() -> None:
    pages = {
        None: listing("in/a+b%2Bc.json", "in//x", "in/%0A", after="t/1="),
        "t/1=": listing("in/folder/", "in/%C3%A9"),
    }

    def script(asked: Asked) -> Reply:
        assert asked.query["prefix"] == ["in/"]
        return pages[asked.query.get("continuation-token", [None])[0]]

    async with scripted_s3(script) as server:
        found = [info async for info in S3Store(settings(server.url)).list(BUCKET, "in/", start_after="in/ä b")]
        assert server.asked[0].query["start-after"] == ["in/ä b"]
    assert [info.key for info in found] == ["in/a b+c.json", "in//x", "in/\n", "in/folder/", "in/é"]
    assert (found[0].size, found[0].etag, found[0].uploaded_at) == (5, "abc", datetime(2026, 3, 1, 10, 3, tzinfo=UTC))


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        (refusal(403, "AccessDenied"), Outage),
        (refusal(404, "NoSuchBucket"), Outage),
        (Reply(200, b"<html>"), OperatorError),
        (Reply(500), Outage),
        (Reply(then="stall"), Outage),
        (Reply(then="no answer"), Outage),
    ],
)
async def test_a_list_that_fails_says_so(reply: Reply, kind: type[ListingsError]) -> None:
    async with scripted_s3(lambda _: reply) as server:
        with pytest.raises(kind):
            _ = [info async for info in S3Store(settings(server.url)).list(BUCKET)]


async def test_a_list_needs_keys_of_its_own() -> None:
    with pytest.raises(OperatorError) as caught:
        _ = [info async for info in S3Store(settings("http://127.0.0.1:1", access_key_id=None)).list(BUCKET)]
    assert caught.value.code is FailureCode.SETTING_INVALID
