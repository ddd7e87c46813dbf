"""What embedders return."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Vectors = NDArray[np.float32]  # (texts, dimensions), each of length 1
