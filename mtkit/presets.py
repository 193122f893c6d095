"""Named recipes: what each changes of the defaults in `settings`."""

from __future__ import annotations

from typing import Any

from mtkit.settings import PresetName

EPOCHS = ((15_000, 20), (60_000, 40), (400_000, 20))
"""Training pairs up to, and passes over them."""

VOCAB_SIZES = ((15_000, 2_000), (60_000, 4_000), (400_000, 8_000))
"""Training pairs up to, and pieces."""


def default_epochs(pairs: int) -> int:
    """Return the passes that suit a corpus of so many training pairs.

    Measured for two: the 10,000 made pairs in data/ are learnt after 20 passes, the 29,000 real ones of Multi30k go on
    getting better up to 40. Larger corpora repeat themselves and need fewer.
    """
    return next((epochs for most, epochs in EPOCHS if pairs <= most), 10)


def default_vocab_size(pairs: int) -> int:
    """Return the number of pieces that suits a corpus of so many training pairs."""
    return next((size for most, size in VOCAB_SIZES if pairs <= most), 16_000)


PRESETS: dict[PresetName, dict[str, Any]] = {
    # the textbook's encoder-decoder without attention (Dive into Deep Learning, section 10.7)
    "tiny": {
        "cell": "gru",
        "encoder_layers": 2,
        "decoder_layers": 2,
        "bidirectional": False,
        "attention": "none",
        "hidden_size": 256,
        "residual": False,
        "tied_embeddings": "none",
        "dropout": 0.2,
        "label_smoothing": 0.0,
        "batch_tokens": 500,
        "epochs": 40,
    },
    # the defaults: 5 to 7 million weights, for 5,000 to 200,000 sentence pairs
    "small": {},
    # four times the work, for larger corpora
    "base": {
        "cell": "lstm",
        "encoder_layers": 2,
        "decoder_layers": 2,
        "embedding_size": 512,
        "hidden_size": 512,
        "dropout": 0.3,
        "batch_tokens": 4096,
        "learning_rate": 1e-3,
    },
}
