"""Wrong results and wrong margins: the right ones, spoilt in every way a poster might think of."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

from tests.evm.machine import account
from tests.evm.sale import Clearing, key_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from random import Random

    from tests.evm.ledger import Outcome

HUGE = (2**32 - 1, 2**32, 2**64, 2**128, 2**255, 2**256 - 2, 2**256 - 1)


def spoilt(outcome: Outcome, random: Random) -> Iterator[tuple[Clearing, list[int]]]:
    """Yield wrong results and wrong margins."""
    right, margin = outcome.clearing, outcome.margin
    yield from ((clearing, margin) for clearing in _numbers(outcome, random))
    yield from ((right, keys) for keys in _margins(outcome, random))
    for clearing in random.sample(list(_numbers(outcome, random)), 5):
        yield from ((clearing, keys) for keys in ([], *_margins(outcome, random)))


def _numbers(outcome: Outcome, random: Random) -> Iterator[Clearing]:
    right = outcome.clearing
    arrivals = [entry.arrival for entry in outcome.entries]
    ticks = [right.tick - 1, right.tick + 1, random.randrange(4096), *HUGE]
    ticks += [entry.tick for entry in outcome.entries]
    levels = [right.level - 1, right.level + 1, 0, random.randrange(2**32), *HUGE]
    levels += [entry.lots for entry in outcome.entries]
    cuts = [right.cut - 1, right.cut + 1, 0, random.randrange(2**32), *HUGE, *arrivals]
    for tick in set(ticks) - {right.tick, -1}:
        yield right._replace(tick=tick)
    for level in set(levels) - {right.level, -1}:
        yield right._replace(level=level)
    for cut in set(cuts) - {right.cut, -1}:
        yield right._replace(cut=cut)
    for level, cut in itertools.product((right.level - 1, right.level + 1), set(arrivals)):
        if level >= 0:
            yield right._replace(level=level, cut=cut)


def _margins(outcome: Outcome, random: Random) -> Iterator[list[int]]:
    margin = outcome.margin
    foreign = [entry.key for entry in outcome.entries if entry.key not in margin]
    nobodys = [key_of(account("nobody"), 0), 0, 1, *HUGE]
    for key in [*random.sample(foreign, min(3, len(foreign))), *nobodys]:
        for at in {0, len(margin)}:
            yield [*margin[:at], key, *margin[at:]]
    if not margin:
        return
    yield []
    yield margin[::-1] if len(margin) > 1 else margin * 2
    for at in {0, len(margin) - 1, random.randrange(len(margin))}:
        key = margin[at]
        yield [*margin[:at], *margin[at + 1 :]]
        yield [*margin[:at], key, key, *margin[at + 1 :]]
        yield [*margin, key]
        yield [*margin[:at], key | 1 << random.randrange(168, 256), *margin[at + 1 :]]
        for index in (24, 25, 255, key & 0xFF ^ 1, (key & 0xFF) + 3):
            yield [*margin[:at], key & ~0xFF | index, *margin[at + 1 :]]
        if foreign:
            yield [*margin[:at], random.choice(foreign), *margin[at + 1 :]]
    if len(margin) > 1:
        at = random.randrange(len(margin) - 1)
        yield [*margin[:at], margin[at + 1], margin[at], *margin[at + 2 :]]
