"""How cost grows with size."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence


def exponent(sizes: Sequence[float], costs: Sequence[float], /) -> float:
    """Return p of the power law cost ∝ size^p that fits best by least squares over the logarithms: 1 is linear.

    Raises `ValueError` for fewer than two sizes, or for a size or cost that is not positive.
    """
    if len(sizes) < 2 or min(*sizes, *costs) <= 0:
        raise ValueError("needs two sizes or more, and positive numbers")
    return statistics.linear_regression([*map(math.log, sizes)], [*map(math.log, costs)]).slope
