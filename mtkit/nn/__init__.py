"""The network: recurrent encoder, attention, decoder, and the loss they are trained with."""

from mtkit.nn.loss import Loss, smoothed_cross_entropy
from mtkit.nn.seq2seq import Seq2Seq

__all__ = ["Loss", "Seq2Seq", "smoothed_cross_entropy"]
