"""The network: recurrent encoder, attention, decoder, and the loss they are trained with."""

from mtkit.nn.loss import Loss, consistent_cross_entropy, smoothed_cross_entropy
from mtkit.nn.seq2seq import Seq2Seq

__all__ = ["Loss", "Seq2Seq", "consistent_cross_entropy", "smoothed_cross_entropy"]
