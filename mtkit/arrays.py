"""What NumPy arrays hold: ids of pieces (and whatever counts rows), and real numbers."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Ids = NDArray[np.int64]
Reals = NDArray[np.floating[Any]]
