"""What the order form keeps and forgets between two runs of the page."""

import pytest
from streamlit.testing.v1 import AppTest


def script():
    import streamlit as st

    from gavelbook.service.market_view import MarketTerms
    from gavelbook.service.sale_view import Token
    from ui.panels.order_inputs import OrderInputs

    zero = "0x" + "00" * 20
    base, quote = Token(zero, "Gavel", "GVL", 18), Token(zero, "Dollar", "DUSD", 18)
    terms = MarketTerms(1, base, quote, 10**18, 10**15, 30, 10)
    inputs = OrderInputs(terms)
    inputs.begin()
    st.text_input("Size", key=inputs.key("size"))
    if st.button("Place", key="place"):
        # As when the wallet of a browser is asked: what comes of it is known in a later run.
        st.session_state["asked"] = inputs.size_text
    if st.button("Sign", key="sign"):
        inputs.clear(st.session_state["asked"])
        st.rerun()


@pytest.fixture
def form():
    return AppTest.from_function(script).run()


def write(form, size):
    return form.text_input[0].input(size).run()


def press(form, key):
    form.button(key=key).click().run()
    assert [each.message for each in form.exception] == []


def test_a_size_that_was_placed_is_gone(form):
    write(form, "3")
    press(form, "place")
    assert form.text_input[0].value == "3"
    press(form, "sign")
    assert form.text_input[0].value == ""
    write(form, "3")
    assert form.text_input[0].value == "3"


def test_a_size_that_was_typed_while_the_order_was_placed_stays(form):
    write(form, "3")
    press(form, "place")
    write(form, "7")
    press(form, "sign")
    assert form.text_input[0].value == "7"
