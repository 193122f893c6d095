"""What can be read of a training: its curves and its model card."""

from mtkit.report.curves import draw_curves
from mtkit.report.model_card import BestModel, write_model_card

__all__ = ["BestModel", "draw_curves", "write_model_card"]
