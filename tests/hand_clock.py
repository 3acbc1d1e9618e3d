"""A clock that stands still until a test moves it."""


class HandClock:
    """Returns ``now``, in whatever unit the code under test counts."""

    def __init__(self, now: float) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now
