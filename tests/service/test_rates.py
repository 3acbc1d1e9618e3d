"""Token buckets, and that an IPv6 client has one whatever address of its network it takes."""

from __future__ import annotations

import threading

import pytest

from gavelbook.rates import Buckets, Rate, RateLimited, address_key
from tests.hand_clock import HandClock


@pytest.fixture
def clock() -> HandClock:
    return HandClock(1_000.0)


@pytest.fixture
def buckets(clock: HandClock) -> Buckets[str]:
    return Buckets("reads", Rate(2, 5), clock)


def test_a_burst_and_then_the_rate(buckets: Buckets[str], clock: HandClock) -> None:
    assert [buckets.take("a") for _ in range(5)] == [4, 3, 2, 1, 0]
    with pytest.raises(RateLimited) as caught:
        buckets.take("a")
    assert caught.value.details == {"bucket": "reads", "retry_after": 1}
    clock.now += 0.5
    assert buckets.take("a") == 0
    clock.now += 1_000
    assert buckets.take("a") == 4


def test_keys_do_not_share(buckets: Buckets[str]) -> None:
    buckets.take("a", 5)
    assert buckets.take("b") == 4


def test_a_cost_is_taken_whole_or_not(buckets: Buckets[str]) -> None:
    buckets.take("a", 3)
    with pytest.raises(RateLimited) as caught:
        buckets.take("a", 4)
    assert caught.value.details == {"bucket": "reads", "retry_after": 1}
    assert buckets.take("a", 2) == 0


def test_what_is_given_back_is_there_again(buckets: Buckets[str]) -> None:
    buckets.take("a", 5)
    buckets.give_back("a", 2)
    assert buckets.take("a", 2) == 0
    buckets.give_back("a", 100)
    assert buckets.take("a") == 4, "never more than the burst"


def test_the_memory_is_bounded(clock: HandClock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gavelbook.rates._MOST_KEYS", 10)
    buckets: Buckets[str] = Buckets("reads", Rate(1, 5), clock)
    for number in range(1_000):
        buckets.take(str(number))
        assert len(buckets._buckets) <= 10
        clock.now += 0.01


@pytest.mark.parametrize(
    ("host", "key"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:aaaa::1", "2001:db8:1:2::"),
        ("2001:db8:1:2:bbbb::9", "2001:db8:1:2::"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("unix", "unix"),
        ("", ""),
    ],
)
def test_an_ipv6_client_is_its_network(host: str, key: str) -> None:
    assert address_key(host) == key


def test_threads_take_no_token_twice() -> None:
    buckets: Buckets[int] = Buckets("actions", Rate(1, 1_000), lambda: 0.0)
    left: list[int] = []

    def take() -> None:
        left.extend(buckets.take(7) for _ in range(250))

    threads = [threading.Thread(target=take) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(left) == list(range(1_000))
