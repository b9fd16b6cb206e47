"""The names that exist on this machine, as far as a scenario needs to know them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True)
class Vocabulary:
    """What a scenario may name. The catalogue fills it; nothing here knows what a name does."""

    strategies: Mapping[str, bool]
    """Name of a strategy -> whether it reaps its children by itself."""
    reapers: tuple[str, ...]
    hygiene: tuple[str, ...]
    backings: tuple[str, ...]
    hazards: tuple[str, ...]
