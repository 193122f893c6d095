"""Named recipes: what each changes of the defaults in `settings`, and the rule by which `auto` picks for a corpus."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

BYTE_SPELLING = 0.001
"""Of every preset but the textbook's: enough to learn from, too little to cost anything."""

PRESETS: dict[str, dict[str, Any]] = {
    # made for the corpus, by `recipe_for`
    "auto": {},
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
        "target_bleu": 0,  # to learn its phrases by heart
    },
    # 5 to 7 million weights
    "small": {"lexical": True, "byte_spelling": BYTE_SPELLING},
    # four times the work
    "base": {
        "cell": "lstm",
        "lexical": True,
        "byte_spelling": BYTE_SPELLING,
        "encoder_layers": 2,
        "decoder_layers": 2,
        "embedding_size": 512,
        "hidden_size": 512,
        "dropout": 0.3,
        "batch_tokens": 4096,
        "learning_rate": 1e-3,
    },
    # for a GPU
    "large": {
        "cell": "lstm",
        "lexical": True,
        "byte_spelling": BYTE_SPELLING,
        "encoder_layers": 4,
        "decoder_layers": 4,
        "embedding_size": 512,
        "hidden_size": 1024,
        "attention_heads": 4,
        "dropout": 0.2,
        "batch_tokens": 8192,
        "learning_rate": 1e-3,
        "warmup": 4000,
    },
}


@dataclass(frozen=True)
class Recipe:
    """What suits corpora of up to `most_pairs` training pairs, and why."""

    most_pairs: float
    vocab_size: int
    epochs: int
    reason: str
    values: dict[str, Any]
    """What it changes of the defaults, by flat name."""


SMALL_CORPUS = {
    **PRESETS["small"],
    "batch_tokens": 1500,
    "learning_rate": 1e-3,
    "warmup": 100,
    "average_decay": 0.998,
}

SMALL_CORPUS_REASON = (
    "so few pairs are learnt best in small batches with much dropout (Sennrich and Zhang 2019), by whole words and a "
    "lexicon of them (Nguyen and Chiang 2018)"
)

RECIPES = (
    Recipe(most_pairs=15_000, vocab_size=8_000, epochs=40, reason=SMALL_CORPUS_REASON, values=SMALL_CORPUS),
    Recipe(
        most_pairs=60_000,
        vocab_size=8_000,
        epochs=10,
        reason=f"{SMALL_CORPUS_REASON}, and by what their own models make of them (Nguyen et al. 2020)",
        values={**SMALL_CORPUS, "diversify": True},
    ),
    Recipe(
        most_pairs=400_000,
        vocab_size=16_000,
        epochs=20,
        reason="a corpus of this size fills more pieces, and needs less dropout",
        values={**PRESETS["small"], "dropout": 0.3},
    ),
    Recipe(
        most_pairs=float("inf"),
        vocab_size=16_000,
        epochs=10,
        reason="a large corpus fills a deeper network, and needs little dropout",
        values={**PRESETS["base"], "dropout": 0.2},
    ),
)


def recipe_for(pairs: int) -> Recipe:
    """Return the recipe for a corpus of the given number of training pairs."""
    return next(recipe for recipe in RECIPES if pairs <= recipe.most_pairs)


EPOCHS_OF_0_1 = ((15_000, 40), (60_000, 10), (400_000, 20), (math.inf, 10))
"""Most pairs, and the epochs that mtkit 0.1 chose for a corpus of up to as many; it saved them as 0."""


def epochs_of_0_1(pairs: int) -> int:
    """Return the epochs of a model of mtkit 0.1 that says 0, whatever a recipe says today."""
    return next(epochs for most_pairs, epochs in EPOCHS_OF_0_1 if pairs <= most_pairs)


def diversified_epochs(epochs: int, models_each_way: int) -> int:
    """Return the epochs of the last model where each other one makes `epochs`: the more of them, the more pairs it has.

    Ten epochs with one model in each direction, and seven with three, are what has been measured.
    """
    return max(1, round(epochs * math.sqrt(2 / (models_each_way + 1))))


def epochs_before_diversifying(epochs: int, models_each_way: int) -> int:
    """Return the fewest epochs of the other models for which `diversified_epochs` gives the last one `epochs`."""
    return next(each for each in range(1, 10 * epochs + 10) if diversified_epochs(each, models_each_way) >= epochs)
