"""A step of Adam that the device makes or skips: the host does not wait to hear which."""

from __future__ import annotations

import torch
from torch import Tensor


def step_where(optimizer: torch.optim.Adam, finite: Tensor) -> None:
    """Step a fused Adam where `finite` () is true, and leave weights and moments as they are where it is not.

    Fused optimizers look for an attribute `found_inf` of theirs, which torch's GradScaler sets; it is documented
    nowhere. Seen with torch 2.10 and 2.13.
    """
    optimizer.found_inf = (~finite).float()  # type: ignore[attr-defined]
    optimizer.step()
