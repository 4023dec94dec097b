"""The schema registry over the API of Confluent (Apicurio speaks it too), as far as we need it.

`Outage(SCHEMA_REGISTRY)` when it can not be reached, refuses the credentials, is overloaded, or when what answers is no
registry; `OperatorError(COMMAND_FAILED)` when it refuses a schema.
"""

from __future__ import annotations

from datetime import UTC, datetime
from types import TracebackType
from typing import Any, Self

import aiohttp
import orjson

from app.errors import Dependency, FailureCode, OperatorError, Outage
from app.failures.retry_after import read_retry_after
from app.settings import SchemaRegistrySettings

_MEDIA_TYPE = "application/vnd.schemaregistry.v1+json"
_NOT_FOUND = range(40400, 40500)
"""Error codes that come with 404 when the registry itself says that something is not there."""


class SchemaRegistry:
    """Made once, used in one event loop; the connection is opened at the first question."""

    def __init__(self, settings: SchemaRegistrySettings) -> None:
        self._settings = settings
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Close the connections."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def ping(self) -> None:
        """Whether it answers; `Outage` when not."""
        await self._ask("GET", "/subjects")

    async def schema(self, schema_id: int) -> object | None:
        """The schema of an id, parsed from its JSON; None when the registry does not know the id."""
        found = await self._ask("GET", f"/schemas/ids/{schema_id}")
        return None if found is None else orjson.loads(found["schema"])

    async def id_of(self, subject: str, schema: object) -> int | None:
        """The id under which exactly this schema is registered for the subject; None when it is not."""
        found = await self._ask("POST", f"/subjects/{subject}", _body(schema))
        return None if found is None else int(found["id"])

    async def published(self, subject: str) -> dict[int, object]:
        """Every version of a subject, oldest first; empty when there is none."""
        numbers = await self._ask("GET", f"/subjects/{subject}/versions")
        versions: dict[int, object] = {}
        for number in numbers or ():
            found = await self._ask("GET", f"/subjects/{subject}/versions/{number}")
            if found is not None:
                versions[int(number)] = orjson.loads(found["schema"])
        return versions

    async def is_compatible(self, subject: str, schema: object) -> bool:
        """Whether the subject's own rule lets the schema in, against every version; True for a new subject."""
        found = await self._ask("POST", f"/compatibility/subjects/{subject}/versions", _body(schema))
        return found is None or bool(found["is_compatible"])

    async def level(self, subject: str) -> str | None:
        """The subject's own compatibility rule, as in `FULL_TRANSITIVE`; None when it has none."""
        found = await self._ask("GET", f"/config/{subject}")
        return None if found is None else str(found["compatibilityLevel"])

    async def set_level(self, subject: str, level: str) -> None:
        """Give the subject a compatibility rule of its own; it need not exist yet."""
        await self._ask("PUT", f"/config/{subject}", {"compatibility": level})

    async def register(self, subject: str, schema: object) -> int:
        """Add a version; the id, which stays the same for a schema that is registered already."""
        found = await self._ask("POST", f"/subjects/{subject}/versions", _body(schema))
        if found is None:
            raise _no_registry(self._settings.url)
        return int(found["id"])

    async def _ask(self, method: str, path: str, body: object = None) -> Any | None:
        """The answer's JSON; None when the registry says that there is no such thing."""
        try:
            async with self._opened().request(
                method,
                f"{self._settings.url.rstrip('/')}{path}",
                data=None if body is None else orjson.dumps(body),
                headers={"Content-Type": _MEDIA_TYPE, "Accept": f"{_MEDIA_TYPE}, application/json"},
            ) as response:
                status, content = response.status, await response.read()
                wish = response.headers.get("Retry-After")
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            reason = str(error) or f"no answer in {self._settings.timeout_s:g} s"
            raise _outage(FailureCode.UNREACHABLE, f"cannot be reached: {reason}") from error
        return _judged(status, _json(content), self._settings.url, read_retry_after(wish, datetime.now(UTC)))

    def _opened(self) -> aiohttp.ClientSession:
        if self._session is None:
            user, password = self._settings.username, self._settings.password
            self._session = aiohttp.ClientSession(
                timeout=aiohttp.ClientTimeout(total=self._settings.timeout_s),
                auth=aiohttp.BasicAuth(user, password.get_secret_value() if password else "") if user else None,
            )
        return self._session


def _judged(status: int, answer: Any, url: str, wish_s: float | None) -> Any | None:
    if status == 200 and answer is not None:
        return answer
    told = answer if isinstance(answer, dict) else {}
    message = str(told.get("message", ""))[:500]
    if status == 404 and told.get("error_code") in _NOT_FOUND:
        return None
    if status in (401, 403):
        raise _outage(
            FailureCode.ACCESS_REFUSED,
            f"says {status}; check LISTINGS_SCHEMA_REGISTRY__USERNAME and LISTINGS_SCHEMA_REGISTRY__PASSWORD",
        )
    if status == 429 or status >= 500:
        code = FailureCode.OVERLOADED if status in (429, 503) else FailureCode.UNREACHABLE
        raise _outage(code, f"fails: {status} {message}".rstrip(), wish_s)
    if status in (409, 422):
        raise OperatorError(FailureCode.COMMAND_FAILED, f"the schema registry refuses the schema: {message}")
    raise _no_registry(url)


def _json(content: bytes) -> Any | None:
    try:
        return orjson.loads(content)
    except orjson.JSONDecodeError:
        return None


def _body(schema: object) -> dict[str, str]:
    return {"schema": orjson.dumps(schema).decode(), "schemaType": "AVRO"}


def _no_registry(url: str) -> Outage:
    return _outage(
        FailureCode.UNREACHABLE, f"is not at {url}: something else answers; check LISTINGS_SCHEMA_REGISTRY__URL"
    )


def _outage(code: FailureCode, what: str, wish_s: float | None = None) -> Outage:
    return Outage(code, Dependency.SCHEMA_REGISTRY, f"the schema registry {what}", wish_s)
