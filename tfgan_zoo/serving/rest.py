"""REST as TensorFlow Serving speaks it, beside health and metrics.

POST /v1/models/NAME[/versions/V|/labels/L]:predict
GET  /v1/models/NAME[/versions/V|/labels/L][/metadata]
GET  /healthz  /readyz  /monitoring/prometheus/metrics  /metrics
"""

import asyncio
import json
import re
import zlib
from collections.abc import Awaitable, Callable

from google.protobuf import json_format
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route
from tensorflow_serving.apis import get_model_metadata_pb2

from tfgan_zoo.serving import json_tensors
from tfgan_zoo.serving.refusals import Refused
from tfgan_zoo.serving.service import Service

WHERE = r"/v1/models/(?P<name>[^/:]+)(?:/versions/(?P<version>\d{1,19})|/labels/(?P<label>[^/:]+))?"
PREDICT = re.compile(rf"{WHERE}:(?P<verb>predict|classify|regress)", re.ASCII)
LOOK = re.compile(rf"{WHERE}(?P<metadata>/metadata)?", re.ASCII)
SMALL = 32_768  # bytes of JSON that are read at once, without leaving the event loop for it


def app(service: Service, lifespan) -> Starlette:
    """The ASGI application."""

    async def models(request: Request) -> Response:
        path = request.scope["path"]
        pattern = {"POST": PREDICT, "GET": LOOK}.get(request.method)
        found = pattern.fullmatch(path) if pattern else None
        name = found["name"] if found else ""
        with service.counted("rest", name):
            service.admit(request.headers.get("authorization", ""))
            if found is None:
                raise Refused("INVALID_ARGUMENT", f"Malformed request: {request.method} {path[:200]}")
            version = int(found["version"]) if found["version"] else None
            if request.method == "POST":
                return await predict(service, request, found["verb"], (name, version, found["label"]))
            look = metadata if found["metadata"] else status
            return as_json(look(service, name, version, found["label"]))

    async def health(request: Request) -> Response:
        return Response("ok\n", media_type="text/plain")

    async def ready(request: Request) -> Response:
        return Response("ok\n" if service.ready else "not ready\n", 200 if service.ready else 503)

    async def scraped(request: Request) -> Response:
        service.admit(request.headers.get("authorization", ""))
        return Response(service.metrics.text(), media_type="text/plain; version=0.0.4")

    routes = [
        Route("/healthz", health),
        Route("/readyz", ready),
        Route("/metrics", refusing(scraped)),
        Route("/monitoring/prometheus/metrics", refusing(scraped)),
        Route("/v1/{rest:path}", refusing(models), methods=["GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS"]),
    ]
    return Starlette(routes=routes, lifespan=lifespan)


def refusing(handler: Callable[[Request], Awaitable[Response]]) -> Callable[[Request], Awaitable[Response]]:
    """The handler with refusals as TensorFlow Serving words them: {"error": message}."""

    async def handle(request: Request) -> Response:
        try:
            return await handler(request)
        except ClientDisconnect:
            return Response(status_code=400)  # nobody reads it
        except Refused as refused:
            headers = {"WWW-Authenticate": "Bearer"} if refused.status == 401 else {}
            headers |= {"Retry-After": "1"} if refused.status == 429 else {}
            return as_json(json.dumps({"error": refused.message}).encode(), refused.status, headers)

    return handle


def as_json(body: bytes | str, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """A response that holds JSON."""
    return Response(body, status, headers, media_type="application/json")


async def predict(service: Service, request: Request, verb: str, where: tuple) -> Response:
    """`:predict`."""
    version = service.models.find(*where)
    if verb != "predict":
        raise Refused("INVALID_ARGUMENT", f"Expected {verb} signature method_name to be tensorflow/serving/{verb}")
    body = await body_of(request, service.settings.body, service.settings.timeout)

    def read():
        asked = json_tensors.parse(body)
        signature = version.signature(asked.signature)
        return asked, signature, json_tensors.tensors(asked, {k: s.dtype for k, s in signature.inputs.items()})

    asked, signature, inputs = read() if len(body) <= SMALL else await asyncio.to_thread(read)
    outputs = await service.ask(version, signature, inputs)
    if sum(value.size for value in outputs.values()) <= SMALL:
        return as_json(json_tensors.answer(outputs, asked.by_row))
    return as_json(await asyncio.to_thread(json_tensors.answer, outputs, asked.by_row))


async def body_of(request: Request, limit: int, seconds: float) -> bytes:
    """The body, unpacked where it is compressed. Raises Refused where it is too large, slow or damaged."""
    too_large = Refused("RESOURCE_EXHAUSTED", f"the body has more than {limit:,} bytes", 413)
    declared = request.headers.get("content-length", "")
    if declared.isdecimal() and int(declared[:19]) > limit:
        raise too_large
    parts, size = [], 0
    try:
        async with asyncio.timeout(seconds):
            async for part in request.stream():
                parts.append(part)
                size += len(part)
                if size > limit:
                    raise too_large
    except TimeoutError:
        raise Refused("DEADLINE_EXCEEDED", f"the body did not arrive within {seconds:g} s", 408) from None
    body, packed = b"".join(parts), request.headers.get("content-encoding", "identity").lower()
    if packed == "identity":
        return body
    if packed != "gzip":
        raise Refused("UNIMPLEMENTED", f"Content-Encoding {packed[:20]!r}: use gzip or none", 415)
    unpacker = zlib.decompressobj(wbits=31)
    try:
        body = unpacker.decompress(body, limit + 1)
    except zlib.error:
        raise Refused("INVALID_ARGUMENT", "the body is no gzip") from None
    if len(body) > limit:
        raise too_large
    if not unpacker.eof:
        raise Refused("INVALID_ARGUMENT", "the body is gzip that is cut off")
    return body


def status(service: Service, name: str, version: int | None, label: str | None) -> str:
    """The states of a model's versions."""
    return as_text(service.models.status(name, version, label))


def metadata(service: Service, name: str, version: int | None, label: str | None) -> str:
    """The signatures of a version."""
    found = service.models.find(name, version, label)
    signatures = get_model_metadata_pb2.SignatureDefMap(signature_def=found.definitions)
    # A plain document: printing the whole protocol message would add "@type" to it, which TensorFlow Serving does not.
    spec = {"name": name, "signature_name": "", "version": str(found.number)}
    return json.dumps({"model_spec": spec, "metadata": {"signature_def": json.loads(as_text(signatures))}}, indent=1)


def as_text(message) -> str:
    """A protocol message as JSON, as TensorFlow Serving prints it."""
    return json_format.MessageToJson(
        message, preserving_proto_field_name=True, always_print_fields_with_no_presence=True, indent=1
    )
