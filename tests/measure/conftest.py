from __future__ import annotations

import pytest

from bench.catalogue import Catalogue, load


@pytest.fixture(scope="session")
def catalogue() -> Catalogue:
    """What this machine has: the native worker is built where it is not yet."""
    return load()
