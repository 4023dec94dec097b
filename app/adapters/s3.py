"""The object store over S3, with obstore (the Rust crate object_store).

obstore does the transport; what it does not do is here. A HEAD answers without a body, so its refusals are asked for
again with a GET. A refusal that may concern one object or everybody is settled by a second question to the store.
Keys that obstore would change (it drops slashes at both ends) or can not express are refused by name instead of
reading another object.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from obstore.store import S3Store as Bucket

from app.adapters.s3_errors import OTHERS_TOO, Answer, Doubt, interpret, read_answer
from app.adapters.s3_listing import Listing
from app.adapters.s3_opinion import ERRORS, Opinion, SecondOpinion
from app.adapters.s3_wish import Wishes
from app.errors import Dependency, FailureCode, ListingsError, OperatorError, Outage, Rejected, Transient
from app.model.file import ObjectInfo
from app.settings import S3Settings

if TYPE_CHECKING:
    from obstore import GetResult

CHUNK_MAX_BYTES = 256 * 1024
_CHUNK_MIN_BYTES = 64 * 1024
_PART_BYTES = 8 * 1024 * 1024
_READ_BYTES = 1024 * 1024
_UNLIMITED = timedelta(days=30)
_RETRY: Any = {
    "max_retries": 1,
    "retry_timeout": timedelta(seconds=2),
    "backoff": {"init_backoff": timedelta(milliseconds=50), "max_backoff": timedelta(milliseconds=200)},
}
"""One quick try more: a pooled connection that the server has just closed is no failure. The rest is the retry
topic's."""


class S3Object:
    """An object being read (`app.ports.FetchedObject`)."""

    def __init__(self, store: S3Store, info: ObjectInfo, result: GetResult) -> None:
        self.info = info
        self._store = store
        self._result = result

    async def chunks(self) -> AsyncIterator[bytes]:
        """Pieces of at most 256 KiB. `Transient(FETCH_FAILED | FETCH_TIMED_OUT | CONTENT_CHANGED)` when the content
        breaks off, is shorter than the store said, or was replaced meanwhile; `Outage` when the store as a whole is
        gone."""
        received = 0
        try:
            async for block in self._result.stream(min_chunk_size=_CHUNK_MIN_BYTES):
                received += len(block)
                for start in range(0, len(block), CHUNK_MAX_BYTES):
                    if start:
                        await asyncio.sleep(0)  # who reads it counts on a turn of the loop with each piece
                    yield bytes(block[start : start + CHUNK_MAX_BYTES])
        except ERRORS as error:
            # At most: obstore drops what it has gathered of a piece when the rest does not come.
            came = min(self.info.size, received + _CHUNK_MIN_BYTES)
            raise await self._store.explain_break(read_answer(error), self.info, came) from error
        if received != self.info.size:
            raise Transient(
                FailureCode.FETCH_FAILED,
                f"expected {self.info.size:,} bytes of {self.info.bucket}/{self.info.key}, received {received:,}",
            )
        if received:
            self._store.opinion.read(self.info.bucket, self.info.key)

    async def judged(self, error: Transient) -> ListingsError:
        """Return the error, or the `Outage` when other objects do not come either."""
        down = Outage(FailureCode.UNREACHABLE, Dependency.OBJECT_STORE, f"{error.message}; {OTHERS_TOO}")
        return await self._store.judge(error, down, self.info.bucket, self.info.key, 0)


class S3Store:
    """Implements `app.ports.ObjectStore`; made once, used by all of a process."""

    def __init__(self, settings: S3Settings) -> None:
        self._settings = settings
        self._buckets: dict[str, Bucket] = {}
        self.opinion = SecondOpinion(settings)
        self._wishes = Wishes(settings)

    async def head(self, bucket: str, key: str) -> ObjectInfo:
        """The object as it is now. Raises as told at `app.adapters.s3_errors.interpret`, and KEY_NOT_DECODABLE,
        BUCKET_NOT_ALLOWED."""
        opened = self._open(bucket)
        _check_key(bucket, key)
        try:
            result = await opened.get_async(key, options={"head": True})
        except ERRORS as error:
            answer = read_answer(error)
            if answer.is_unexplained:
                return (await self.fetch(bucket, key)).info
            raise await self.explain(answer, bucket, key) from error
        return self._info(bucket, key, result)

    async def fetch(self, bucket: str, key: str) -> S3Object:
        """Open the object as it is now; its facts come with the same answer as its content. Errors as for `head`."""
        opened = self._open(bucket)
        _check_key(bucket, key)
        try:
            result = await opened.get_async(key)
        except ERRORS as error:
            raise await self.explain(read_answer(error), bucket, key) from error
        return S3Object(self, self._info(bucket, key, result), result)

    async def put(
        self,
        bucket: str,
        key: str,
        body: bytes | Path,
        *,
        content_type: str | None = None,
        on_progress: Callable[[int], None] | None = None,
    ) -> ObjectInfo:
        """Write an object, a file in parts of 8 MiB; `on_progress` gets the bytes of each piece read.

        `OperatorError(COMMAND_FAILED)` when it does not work. Returns the object as the store has it.
        """
        opened = self._open(bucket)
        _check_key(bucket, key)
        small = body if isinstance(body, bytes) else _small(body)
        source: Any = small if small is not None else _pieces(Path(str(body)), on_progress)
        attributes: Any = {"Content-Type": content_type} if content_type else None
        try:
            await opened.put_async(key, source, attributes=attributes, chunk_size=_PART_BYTES, max_concurrency=4)
        except ERRORS as error:
            keyless = "" if self._settings.access_key_id else " (LISTINGS_S3__ACCESS_KEY_ID is not set)"
            raise OperatorError(
                FailureCode.COMMAND_FAILED,
                f"cannot upload to {bucket}/{key}: the store says {read_answer(error)}{keyless}",
            ) from error
        if small is not None and on_progress is not None:
            on_progress(len(small))
        return await self.head(bucket, key)

    async def list(self, bucket: str, prefix: str = "", start_after: str = "") -> AsyncIterator[ObjectInfo]:
        """Every object whose key starts with `prefix`, in the store's order, after `start_after`; folder markers too.

        Asks with a request of its own: obstore's listing ends at the first key with an empty segment, drops the
        slash of folder markers and takes a prefix for a folder.
        """
        self._open(bucket)
        listing = Listing(self._settings, bucket)
        async for info in listing.objects(prefix, start_after):
            yield info

    async def ping(self) -> None:
        """Whether the store answers, for every bucket of the allow-list; `Outage` when not.

        A list that is forbidden is an answer as long as no object could ever be read: then objects have to be tried.
        """
        for bucket in self._settings.buckets:
            answer = await self.opinion.ask(bucket, self._open(bucket))
            if answer is not None and not (answer.code == "AccessDenied" and not self.opinion.may_have_read(bucket)):
                error = interpret(answer, bucket, "")
                raise await self._with_wish(error.everybody if isinstance(error, Doubt) else error, bucket)

    async def explain(self, answer: Answer, bucket: str, key: str, came: int = 0) -> ListingsError:
        """The error for an answer, after `came` bytes of the object; where it may concern one object or everybody, the
        store is asked once more."""
        error = interpret(answer, bucket, key)
        if not isinstance(error, Doubt):
            return await self._with_wish(error, bucket)
        if isinstance(error.alone, Transient):
            # A status is the word of a store that answers; a connection that breaks or stalls says nothing.
            error.alone.by_chance = is_silent = answer.status is None
            return await self.judge(error.alone, error.everybody, bucket, key, came, is_silent)
        otherwise = await self.opinion.answers_otherwise(bucket, self._open(bucket))
        return error.alone if otherwise else error.everybody

    async def judge(
        self, alone: Transient, everybody: Outage, bucket: str, key: str, came: int, is_silent: bool = True
    ) -> ListingsError:
        """Return the error that fits what becomes of other objects, which are asked for now."""
        opinion = await self.opinion.compare(bucket, self._open(bucket), key, came)
        alone.in_doubt = opinion is Opinion.MIXED or (is_silent and opinion is Opinion.UNKNOWN)
        return everybody if opinion is Opinion.ILL else alone

    async def explain_break(self, answer: Answer, info: ObjectInfo, came: int) -> ListingsError:
        """The same for content that broke off. obstore resumes it where it broke, but never with another entity tag:
        so a replaced object looks like a broken connection until it is asked for."""
        error = await self.explain(answer, info.bucket, info.key, came)
        if isinstance(error, Transient) and await self._was_replaced(info):
            return Transient(
                FailureCode.CONTENT_CHANGED, f"{info.bucket}/{info.key} was uploaded again while it was being read"
            )
        return error

    async def _was_replaced(self, info: ObjectInfo) -> bool:
        try:
            async with asyncio.timeout(self._settings.connect_timeout_s):
                now = await self._open(info.bucket).get_async(info.key, options={"head": True})
        except (*ERRORS, TimeoutError):
            return False
        return bool(info.etag) and (now.meta["e_tag"] or "").strip('"') != info.etag

    async def _with_wish(self, error: ListingsError, bucket: str) -> ListingsError:
        if isinstance(error, Outage) and error.code is FailureCode.OVERLOADED:
            error.retry_after_s = await self._wishes.seconds(bucket)
        return error

    def _open(self, bucket: str) -> Bucket:
        if bucket not in self._settings.buckets:
            raise Rejected(
                FailureCode.BUCKET_NOT_ALLOWED, f"bucket {bucket} is not among LISTINGS_S3__BUCKETS, so it is not read"
            )
        if bucket not in self._buckets:
            self._buckets[bucket] = _bucket(self._settings, bucket)
        return self._buckets[bucket]

    def _info(self, bucket: str, key: str, result: GetResult) -> ObjectInfo:
        meta = result.meta
        uploaded_at = meta["last_modified"]
        if uploaded_at <= datetime.fromtimestamp(0, UTC):
            raise Transient(
                FailureCode.FETCH_FAILED, f"expected the store to say when {bucket}/{key} was uploaded (Last-Modified)"
            )
        self.opinion.saw(bucket, key)
        return ObjectInfo(
            bucket=bucket,
            key=key,
            size=meta["size"],
            etag=(meta["e_tag"] or "").strip('"'),
            uploaded_at=uploaded_at,
            content_type=result.attributes.get("Content-Type"),
        )


def _bucket(settings: S3Settings, bucket: str) -> Bucket:
    """obstore also reads AWS_… variables; what we know is given here, so that they do not mix with ours."""
    config: dict[str, Any] = {}
    if settings.access_key_id is not None and settings.secret_access_key is not None:
        credential = {
            "access_key_id": settings.access_key_id,
            "secret_access_key": settings.secret_access_key.get_secret_value(),
            "expires_at": None,
        }
        config["credential_provider"] = lambda: credential
    try:
        return Bucket(
            bucket,
            endpoint=settings.endpoint_url.rstrip("/"),
            region=settings.region,
            virtual_hosted_style_request=False,
            skip_signature=False,
            client_options=_client_options(settings),
            retry_config=_RETRY,
            **config,
        )
    except ERRORS as error:
        raise OperatorError(
            FailureCode.SETTING_INVALID, f"cannot use LISTINGS_S3__ENDPOINT_URL or LISTINGS_S3__REGION: {error}"
        ) from error


def _client_options(settings: S3Settings) -> Any:
    return {
        "allow_http": settings.endpoint_url.startswith("http://"),
        "connect_timeout": timedelta(seconds=settings.connect_timeout_s),
        "read_timeout": timedelta(seconds=settings.read_timeout_s),
        "timeout": _UNLIMITED,  # of a whole download: a file may take as long as the index makes it wait
        "pool_idle_timeout": timedelta(seconds=20),
    }


def _check_key(bucket: str, key: str) -> None:
    """Refuse a key that obstore would change or can not express, before another object is read in its place."""
    segments = key.split("/")
    if "" in segments:
        wrong = "an empty segment (a slash at the start or the end, or two in a row)"
    elif "." in segments or ".." in segments:
        wrong = "a segment `.` or `..`"
    elif any(char < " " or char == "\x7f" for char in key):
        wrong = "a control character"
    else:
        return
    raise Rejected(
        FailureCode.KEY_NOT_DECODABLE, f"the key of {bucket}/{key!r} has {wrong}: upload it under another key"
    )


def _small(path: Path) -> bytes | None:
    return path.read_bytes() if path.stat().st_size <= _PART_BYTES else None


def _pieces(path: Path, on_progress: Callable[[int], None] | None) -> Iterator[bytes]:
    with path.open("rb") as file:
        while piece := file.read(_READ_BYTES):
            yield piece
            if on_progress is not None:
                on_progress(len(piece))
