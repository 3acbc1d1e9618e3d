"""A visitor's way through a whole sale. It ends the live sale, so it comes last by its name."""

import pytest

from tests.ui.conftest import act_as
from tests.ui.test_sale_page import button, place, texts
from ui.desk import open_desk


def look_again(app, sale):
    """Run the page on the sale as it is now, not as it was a moment ago."""
    open_desk().expire(sale)
    return app.run()


@pytest.mark.slow
def test_a_visitor_bids_wins_and_claims(app, demo):
    app.run()
    act_as(app, "Eva")
    place(app, "119.9", 25)
    assert len(app.success) == 1, texts(app)
    view = demo.view(demo.live)
    demo.pass_time((view.terms.cancel_until or 0) - demo.desk.now() + 1)
    look_again(app, demo.live)
    assert "Bids can no longer be cancelled." in texts(app)
    assert not [one for one in app.button if (one.key or "").startswith("own.cancel")]

    demo.pass_time((view.terms.end or 0) - demo.desk.now() + 1)
    app.run()
    assert "The sale takes no more bids." in texts(app)

    demo.live_sales.finish()
    eva = demo.desk.demo_actors[4]
    view = demo.view(demo.live)
    before = demo.desk.pocket(view, eva)
    assert before.claimable_tokens == 25 * view.auction.lot_size
    assert before.claimable_refund > 0
    look_again(app, demo.live)
    button(app, "own.claim").click().run()
    claimed = any(message.value.startswith("Claimed 2,500 GVL and") for message in app.success)
    assert claimed, texts(app)
    after = demo.desk.pocket(view, eva)
    assert after.sale_tokens == before.sale_tokens + before.claimable_tokens
    assert after.payment_tokens == before.payment_tokens + before.claimable_refund
    assert "Everything is claimed." in texts(app)
