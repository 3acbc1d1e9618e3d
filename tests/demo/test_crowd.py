import pytest

from gavelbook.auction import AuctionTerms, Bids, Pricing, Rule, allocate
from gavelbook.demo.crowd import Crowd, Kind

DAY = 24 * 60 * 60


@pytest.fixture
def terms():
    return AuctionTerms(
        rule=Rule.GROUP_ROUND_ROBIN,
        pricing=Pricing.PAY_AS_BID,
        supply_lots=10_000,
        lot_size=10**20,
        floor_price=40 * 10**18,
        tick_value=5 * 10**17,
        tick_count=161,
        min_bid_lots=5,
        cap_bps=150,
    )


def live_bids(moves):
    live = {}
    for move in moves:
        place = (move.bidder, move.index)
        if move.kind is Kind.BID:
            assert place not in live
            live[place] = move
        else:
            del live[place]
    return list(live.values())


def test_the_same_seed_gives_the_same_moves(terms):
    moves = Crowd(terms, 200, seed=7).moves(DAY, DAY // 2)
    assert moves == Crowd(terms, 200, seed=7).moves(DAY, DAY // 2)
    assert moves != Crowd(terms, 200, seed=8).moves(DAY, DAY // 2)


@pytest.mark.parametrize("seed", range(10))
def test_every_move_is_one_that_the_sale_takes(terms, seed):
    moves = Crowd(terms, 220, seed).moves(DAY, DAY // 2)
    assert [move.at for move in moves] == sorted(move.at for move in moves)
    assert all(0 <= move.at < DAY for move in moves)
    assert {move.bidder for move in moves} == set(range(220))
    lots = {}
    for bid in live_bids(moves):
        assert terms.min_bid_lots <= bid.lots <= terms.cap_lots
        assert 0 <= bid.tick < terms.tick_count
        lots[bid.bidder] = lots.get(bid.bidder, 0) + bid.lots
    assert max(lots.values()) <= terms.cap_lots
    cancels = [move for move in moves if move.kind is Kind.CANCEL]
    assert cancels
    assert all(move.at < DAY // 2 for move in cancels)


@pytest.mark.parametrize("seed", range(10))
def test_supply_ends_inside_a_price_that_many_bid(terms, seed):
    bids = live_bids(Crowd(terms, 240, seed).moves(DAY, DAY // 2))
    columns = Bids.from_columns([bid.tick for bid in bids], [bid.lots for bid in bids])
    allocation = allocate(terms, columns)
    assert columns.total_lots > terms.supply_lots
    assert allocation.outcomes.partial > 1
    marginal = [bid for bid in bids if bid.tick == allocation.clearing.marginal_tick]
    assert len(marginal) > len(bids) // 6


def test_a_live_sale_gets_bids_until_everybody_is_at_the_cap(terms):
    crowd = Crowd(terms, 3, seed=1)
    lots = [0, 0, 0]
    while (move := crowd.next_bid(0)) is not None:
        lots[move.bidder] += move.lots
    assert all(terms.cap_lots - terms.min_bid_lots < bidder <= terms.cap_lots for bidder in lots)
