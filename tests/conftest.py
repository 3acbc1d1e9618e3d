"""Which tests share a process of pytest-xdist: those of a file, and all that drive a browser."""

import pytest


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    """Group by file, but the browser's tests together: they look at one demo.

    First of all, as pytest-xdist reads the groups in the same hook.
    """
    for item in items:
        path = item.nodeid.partition("::")[0]
        group = "browser" if path.startswith("tests/browser/") else path
        item.add_marker(pytest.mark.xdist_group(group))
