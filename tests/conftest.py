"""Which tests share a process of pytest-xdist: those of a file, and all that drive a browser."""

import os

import pytest


def pytest_xdist_auto_num_workers():
    """One more than there are cores: tests in a browser mostly wait, and share one process."""
    return (os.cpu_count() or 1) + 1


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    """Group by file, but the browser's tests together: they look at one demo.

    First of all, as pytest-xdist reads the groups in the same hook.
    """
    for item in items:
        path = item.nodeid.partition("::")[0]
        group = "browser" if path.startswith("tests/browser/") else path
        item.add_marker(pytest.mark.xdist_group(group))
