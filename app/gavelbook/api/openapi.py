"""The OpenAPI document, made of the operations and the types they take and give.

``python -m gavelbook.api.openapi FILE`` writes it.
"""

from __future__ import annotations

import ast
import inspect
import json
import sys
import textwrap
from collections import defaultdict
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args, get_type_hints

import msgspec

from gavelbook import __version__
from gavelbook.api.errors import status_of
from gavelbook.api.operations import unwrapped
from gavelbook.api.routes import OPERATIONS
from gavelbook.files.atomic import replacing
from gavelbook.wire.problems import Problem
from gavelbook.wire.scalars import SCALARS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from gavelbook.api.operations import Operation

_REFERENCE = "#/components/schemas/{name}"
_COMMON = ("malformed_query", "rate_limited", "internal_error")
_WITH_BODY = ("malformed_json", "malformed_body", "body_timeout", "body_too_large",
              "unsupported_media_type")  # fmt: skip
_TITLES = {
    400: "The request is malformed",
    401: "A session is needed",
    403: "Not for this account",
    404: "There is no such thing",
    408: "The body did not arrive in time",
    409: "It has happened before",
    413: "The body is too large",
    415: "The body is no JSON",
    422: "The exchange refuses it",
    429: "Too many requests",
    500: "Something broke here",
    503: "Not just now",
    504: "It is not known whether it was accepted: ask again with the same bytes",
}
_DESCRIPTION = """\
An exchange that matches signed orders off chain and settles on chain.

Amounts, lots, ticks and ids are decimal strings; hashes and addresses are `0x` text. Errors are
RFC 9457 problems with a stable `code`. Signing, states, limits and the WebSocket at `/v1/stream`
are described in docs/api.md."""
_RATE_HEADERS = {
    "RateLimit-Limit": "Requests at once at most.",
    "RateLimit-Remaining": "Requests left just now.",
    "RateLimit-Reset": "Seconds until all are there again.",
}


def openapi_document() -> dict[str, Any]:
    """Return the document, OpenAPI 3.1."""
    paths: dict[str, dict[str, Any]] = defaultdict(dict)
    for operation in OPERATIONS:
        paths[operation.path][operation.method.lower()] = _operation(operation)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Gavelbook exchange",
            "version": __version__,
            "description": _DESCRIPTION,
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        "servers": [{"url": "/"}],
        "paths": dict(paths),
        "components": {
            "schemas": dict(sorted(_schemas().items())),
            "securitySchemes": {
                "session": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "The token of POST /v1/session.",
                },
                "operator": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "The token in the file GAVELBOOK_OPERATOR_TOKEN_FILE.",
                },
            },
            "headers": {
                name: {"description": text, "schema": {"type": "integer", "minimum": 0}}
                for name, text in _RATE_HEADERS.items()
            },
        },
    }


def openapi_bytes() -> bytes:
    """Return the document as it is served and committed."""
    return (json.dumps(openapi_document(), indent=1) + "\n").encode()


def _operation(operation: Operation) -> dict[str, Any]:
    described: dict[str, Any] = {
        "operationId": operation.name,
        "tags": [operation.tag],
        "summary": operation.summary,
        "responses": _responses(operation),
    }
    if operation.description:
        described["description"] = operation.description
    parameters = [
        *_parameters(operation.path_type, "path"),
        *_parameters(operation.query_type, "query"),
    ]
    if parameters:
        described["parameters"] = parameters
    if operation.body is not None:
        described["requestBody"] = {"required": True, "content": _content(operation.body)}
    if operation.access == "operator":
        described["security"] = [{"operator": []}]
    elif operation.access != "public":
        session: list[dict[str, list[str]]] = [{"session": []}]
        described["security"] = [{}, *session] if operation.access == "either" else session
    return described


def _responses(operation: Operation) -> dict[str, Any]:
    headers = {name: {"$ref": f"#/components/headers/{name}"} for name in _RATE_HEADERS}
    answer = operation.answer
    if answer is None:
        responses = {"204": {"description": "Done", "headers": headers}}
    else:
        described = {"description": "Answered", "headers": headers, "content": _content(answer)}
        responses = {"200": described}
    for status, codes in sorted(_codes(operation).items()):
        named = ", ".join(f"`{code}`" for code in codes)
        responses[str(status)] = {
            "description": f"{_TITLES[status]}: {named}",
            "content": {
                "application/problem+json": {"schema": {"$ref": _REFERENCE.format(name="Problem")}}
            },
        }
    return responses


def _codes(operation: Operation) -> dict[int, list[str]]:
    codes = [*_COMMON, *operation.problems]
    if operation.body is not None:
        codes += _WITH_BODY
    if operation.path_type is not None:
        codes.append("malformed_path")
    if operation.access == "session":
        codes += ["session_required", "unknown_session"]
    if operation.access == "operator":
        codes.append("operator_required")
    by_status: dict[int, list[str]] = defaultdict(list)
    for code in sorted(set(codes)):
        by_status[status_of(code)].append(code)
    return by_status


def _content(kind: type[msgspec.Struct]) -> dict[str, Any]:
    return {"application/json": {"schema": {"$ref": _REFERENCE.format(name=kind.__name__)}}}


def _parameters(kind: type[msgspec.Struct] | None, place: str) -> list[dict[str, Any]]:
    if kind is None:
        return []
    schema = _components([kind])[kind.__name__]
    required = schema.get("required", [])
    parameters = []
    for name, described in schema["properties"].items():
        parameter = {"name": name, "in": place, "required": name in required, "schema": described}
        text = described.pop("description", None)
        if text:
            parameter["description"] = text
        parameters.append(parameter)
    return parameters


def _schemas() -> dict[str, Any]:
    kinds: dict[str, type[msgspec.Struct]] = {"Problem": Problem}
    for operation in OPERATIONS:
        for kind in (operation.body, operation.answer):
            if kind is not None:
                kinds[kind.__name__] = kind
    return _components(kinds.values()) | {kind.__name__: kind.schema() for kind in SCALARS}


def _components(kinds: Iterable[type[msgspec.Struct]]) -> dict[str, Any]:
    """Return the schemas of ``kinds`` and of what they are made of, by name."""
    _, components = msgspec.json.schema_components(
        kinds, schema_hook=_scalar, ref_template=_REFERENCE
    )
    for kind in _structs_within(kinds):
        schema = components[kind.__name__]
        schema["description"] = unwrapped(schema["description"])
        for name, text in _field_texts(kind).items():
            schema["properties"][name]["description"] = text
    return components


def _scalar(kind: type) -> dict[str, Any]:
    return {"$ref": _REFERENCE.format(name=kind.__name__)}


def _structs_within(kinds: Iterable[type[msgspec.Struct]]) -> list[type[msgspec.Struct]]:
    """Return all structs that ``kinds`` are made of, themselves included."""
    found: dict[type[msgspec.Struct], None] = {}
    waiting: list[Any] = list(kinds)
    while waiting:
        kind = waiting.pop()
        if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
            if kind not in found:
                found[kind] = None
                waiting += get_type_hints(kind).values()
        else:
            waiting += get_args(kind)
    return list(found)


def _field_texts(kind: type[msgspec.Struct]) -> dict[str, str]:
    """Return what the source says below each field of ``kind``, by the field's name on the wire."""
    definition = ast.parse(textwrap.dedent(inspect.getsource(kind))).body[0]
    names = {each.name: each.encode_name for each in msgspec.structs.fields(kind)}
    texts = {}
    for above, below in pairwise(definition.body):  # type: ignore[attr-defined]
        match above, below:
            case (
                ast.AnnAssign(target=ast.Name(id=name)),
                ast.Expr(value=ast.Constant(value=str(text))),
            ):
                texts[names[name]] = " ".join(text.split())
    return texts


if __name__ == "__main__":
    with replacing(Path(sys.argv[1])) as file:
        file.write(openapi_bytes().decode())
