"""The OpenAPI document is what is served, what is committed, and what the router knows."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import msgspec

from ape_gavelbook.paths import project_root
from gavelbook.api.openapi import openapi_bytes, openapi_document
from gavelbook.api.routes import OPERATIONS
from gavelbook.wire.orders import OrderRequest

if TYPE_CHECKING:
    import httpx


def test_the_committed_document_is_up_to_date() -> None:
    """Run ``make openapi`` where this fails."""
    assert (project_root() / "docs" / "openapi.json").read_bytes() == openapi_bytes()


def test_no_description_is_indented_as_its_docstring_is() -> None:
    assert b"\\n " not in openapi_bytes()


def test_the_served_document_is_the_same(http: httpx.Client) -> None:
    answer = http.get("/openapi.json")
    assert answer.headers["content-type"] == "application/json"
    assert answer.content == openapi_bytes()


def test_every_operation_is_described_once() -> None:
    document = openapi_document()
    described = [
        (method, path) for path, methods in document["paths"].items() for method in methods
    ]
    assert len(described) == len(OPERATIONS)
    names = [operation.name for operation in OPERATIONS]
    assert len(set(names)) == len(names)
    for operation in OPERATIONS:
        entry = document["paths"][operation.path][operation.method.lower()]
        assert entry["summary"]
        assert "429" in entry["responses"]
        assert ("security" in entry) == (operation.access != "public")


def test_the_schema_of_an_order_is_the_decoder() -> None:
    """One definition: what the decoder demands is what the schema says."""
    schema = openapi_document()["components"]["schemas"]["OrderRequest"]
    fields = msgspec.structs.fields(OrderRequest)
    assert set(schema["properties"]) == {each.encode_name for each in fields}
    assert schema["required"] == [each.encode_name for each in fields if each.required]
    assert schema["additionalProperties"] is False


def test_every_reference_leads_somewhere() -> None:
    document = openapi_document()
    text = json.dumps(document)
    for name in {part.split('"')[0] for part in text.split("#/components/schemas/")[1:]}:
        assert name in document["components"]["schemas"], name


def test_every_code_and_path_is_in_the_manual() -> None:
    manual = (project_root() / "docs" / "api.md").read_text()
    document = openapi_document()
    for path, methods in document["paths"].items():
        for described in methods.values():
            for response in described["responses"].values():
                for code in re.findall(r"`([a-z]+(?:_[a-z]+)+)`", response["description"]):
                    assert f"`{code}`" in manual, (path, code)
