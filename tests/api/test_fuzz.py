"""Requests made of the OpenAPI document, right ones and wrong ones, against the real exchange.

None is answered with a 5xx, and every answer is as the document says (G10).
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis import checks

from gavelbook.api.openapi import openapi_document
from gavelbook.api.routes import OPERATIONS
from gavelbook.client import Client
from tests.api.conftest import body_of
from tests.api.running import RunningExchange, trader

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.slow

CHECKS = [
    checks.not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_schema_conformance,
    checks.response_headers_conformance,
]
SECONDS = 60.0
SCHEMA = schemathesis.openapi.from_dict(openapi_document())


class Signed:
    """A trader whose valid requests are the start of wrong ones."""

    def __init__(self, exchange: RunningExchange) -> None:
        self.client = Client(exchange.url, account=trader("whose requests are spoilt"))
        exchange.fund(self.client.calls.account)
        self.token = self.client.sign_in().token
        self.placed = self.client.limit(1, "buy", lots=1, ticks=1)

    def order(self) -> dict[str, object]:
        return body_of(self.client.sign_order(1, "buy", lots=1, ticks=2))


@pytest.fixture(scope="module")
def fuzzed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningExchange]:
    with RunningExchange(tmp_path_factory.mktemp("fuzzed")) as running:
        yield running
        # What was done to it has to be what its log says, and it goes on.
        assert Client(running.url).status().status == "open"


@pytest.fixture(scope="module")
def signed(fuzzed: RunningExchange) -> Signed:
    return Signed(fuzzed)


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.name)
def test_no_request_breaks_an_operation(
    fuzzed: RunningExchange, signed: Signed, operation: object
) -> None:
    endpoint = SCHEMA[operation.path][operation.method]
    modes = schemathesis.GenerationMode
    cases = st.one_of(
        endpoint.as_strategy(generation_mode=modes.POSITIVE),
        endpoint.as_strategy(generation_mode=modes.NEGATIVE),
    )
    ends = time.monotonic() + SECONDS / len(OPERATIONS)

    @settings(
        max_examples=60,
        deadline=None,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
        database=None,
    )
    @given(case=cases, signed_in=st.booleans(), known=st.booleans())
    def send(case: schemathesis.Case, *, signed_in: bool, known: bool) -> None:
        if time.monotonic() > ends:
            return
        if signed_in:
            case.headers["Authorization"] = f"Bearer {signed.token}"
            if "address" in case.path_parameters:
                case.path_parameters["address"] = str(signed.client.address)
        if known and "hash" in case.path_parameters:
            case.path_parameters["hash"] = str(signed.placed.order_hash)
        if known and "market" in case.path_parameters:
            case.path_parameters["market"] = "1"
        answer = case.call(base_url=fuzzed.url)
        # What was wrong with a request may just have been put right.
        more = [] if signed_in or known else [checks.negative_data_rejection]
        case.validate_response(answer, checks=[*CHECKS, *more])

    send()


VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**300), 2**300),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=90),
    st.integers(0, 2**256).map(str),
    st.binary(max_size=66).map(lambda content: f"0x{content.hex()}"),
    st.lists(st.integers(), max_size=3),
)


def test_no_value_in_a_signed_order_breaks_anything(
    fuzzed: RunningExchange, signed: Signed
) -> None:
    """A valid order with one value replaced is refused with a code, or is still the same order."""
    valid = signed.order()
    fields = [*valid, "unknown"]
    import httpx

    with httpx.Client(base_url=fuzzed.url, timeout=20) as http:

        @settings(
            max_examples=300,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            database=None,
        )
        @given(st.sampled_from(fields), VALUES)
        def send(field: str, value: object) -> None:
            answer = http.post("/v1/orders", json=valid | {field: value})
            assert answer.status_code < 500
            if answer.status_code != 200:
                assert answer.json()["code"]
            else:
                same = answer.json()["orderHash"]
                assert field not in {"lots", "ticks", "lane", "sequence", "expiry"} or (
                    value == valid[field]
                ), same

        send()
