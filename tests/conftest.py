"""Which tests share a process of pytest-xdist, which come first, and that none is timed."""

import os

import pytest
from hypothesis import HealthCheck, settings

# How fast something is says a benchmark; a test that is slow may have a slow machine.
settings.register_profile("untimed", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("untimed")

_FIRST = {"browser", "accessibility"}
_POLITENESS = 5


def pytest_xdist_auto_num_workers():
    """One more than there are cores: tests in a browser mostly wait."""
    return (os.cpu_count() or 1) + 1


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    """Group by file, but the browser's tests in two: the tests of a group look at one demo.

    These take longest, so they begin. First of all hooks, as pytest-xdist reads the groups in the
    same one.
    """
    for item in items:
        item.add_marker(pytest.mark.xdist_group(_group(item)))
    items.sort(key=lambda item: _group(item) not in _FIRST)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item):
    """Give way to the tests in a browser: a process begins with those, and what it starts inherits.

    They are the only ones in which a person's patience is measured.
    """
    if "PYTEST_XDIST_WORKER" in os.environ and _group(item) not in _FIRST and hasattr(os, "nice"):
        os.nice(max(0, _POLITENESS - os.nice(0)))


def _group(item):
    path = item.nodeid.partition("@")[0].partition("::")[0]
    if not path.startswith("tests/browser/"):
        return path
    return "accessibility" if path.endswith("/test_accessibility.py") else "browser"
