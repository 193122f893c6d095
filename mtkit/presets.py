"""Named recipes: what each changes of the defaults in `settings`."""

from __future__ import annotations

from typing import Any

from mtkit.settings import PresetName

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
