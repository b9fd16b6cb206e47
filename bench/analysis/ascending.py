"""Order statistics of very many integers that belong to series: one sort answers for all of them.

numpy is imported by the functions that compute: not every machine has it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import TypeAlias

    import numpy as np
    from numpy.typing import NDArray

    Integers: TypeAlias = NDArray[np.int64]

_LARGEST = 2**63 - 1
_SPARSE = 4
"""Names that lie further apart than so many for each value are numbered by sorting them."""


class Ascending:
    """Values in ascending order within each series, of which each has a name: an integer."""

    def __init__(self, series: Integers, values: Integers) -> None:
        """Sort. `series` names that of each value."""
        import numpy as np

        self._numbers, names = _numbered(series)
        counts = np.bincount(self._numbers, minlength=len(names))
        self._met = np.flatnonzero(counts)
        self._values = _sorted(self._numbers, values, counts)
        self.names: Integers = names[self._met]
        """Of the series that have a value, ascending."""
        self.counts: Integers = counts[self._met]
        """How many values each has."""
        self._starts = np.cumsum(self.counts) - self.counts

    def medians(self) -> NDArray[np.float64]:
        """Return the median of each series."""
        import numpy as np

        lower, upper = self._starts + (self.counts - 1) // 2, self._starts + self.counts // 2
        return np.asarray((self._values[lower] + self._values[upper]) / 2)

    def carry(self, column: Integers) -> Integers:
        """Return for each series what a column says of its values, of all of them the same."""
        import numpy as np

        said = np.zeros(int(self._numbers.max(initial=-1)) + 1, np.int64)
        said[self._numbers] = column
        return said[self._met]

    def at(self, series: int, places: Sequence[int]) -> list[int]:
        """Return the values at these places, from 1, of the series that is the so-many-th in `names`."""
        first = int(self._starts[series]) - 1
        return [int(self._values[first + place]) for place in places]


def _numbered(names: Integers) -> tuple[Integers, Integers]:
    """Return a number, from 0, for each name, in their order, and the name of each number."""
    import numpy as np

    lowest, highest = (int(names.min()), int(names.max())) if len(names) else (0, -1)
    if highest - lowest >= _SPARSE * len(names):
        found, numbers = np.unique(names, return_inverse=True)
        return numbers, found
    return names - lowest, np.arange(lowest, highest + 1)


def _sorted(numbers: Integers, values: Integers, counts: Integers) -> Integers:
    """Return values in the order of their numbers, then ascending: as one sort of integers where both fit into one."""
    import numpy as np

    if not len(values):
        return values
    lowest = int(values.min())
    span = int(values.max()) - lowest + 1
    if span * len(counts) > _LARGEST:
        return values[np.lexsort((values, numbers))]
    packed = numbers * span + (values - lowest)
    packed.sort()
    packed -= np.repeat(np.arange(len(counts)) * span - lowest, counts)
    return packed
