import pytest

from gavelbook.chain.errors import ChainError, ChainUnreachable
from gavelbook.client import ApiError, NetworkError
from ui.panels.notices import outcome_unknown


@pytest.mark.parametrize(
    "error",
    [
        NetworkError("no_answer", "Expected an answer, was none"),
        ApiError("answer_unknown", "Expected an answer in time, was none", status=504),
        ApiError("outcome_unknown", "Expected to know, did not", status=504),
        ChainUnreachable("rpc_timeout", "Expected an answer in time, was ReadTimeout"),
        ChainError("not_mined", "Expected a block with it, was none"),
    ],
)
def test_what_may_have_happened_is_not_called_refused(error):
    assert outcome_unknown(error)


@pytest.mark.parametrize(
    "error",
    [
        ApiError("insufficient_balance", "Expected more, was less", status=422),
        ApiError("rate_limited", "Expected fewer, was more", status=429),
        ChainError("reverted", "The contract refused"),
    ],
)
def test_what_was_refused_did_not_happen(error):
    assert not outcome_unknown(error)
