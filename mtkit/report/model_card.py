"""The model card: what a model is, what it was made from, how good it is, and how to use it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from mtkit.evaluation import Leading, ModelScore
from mtkit.settings import NetworkSettings
from mtkit.storage import new_file
from mtkit.version import __version__

if TYPE_CHECKING:
    from mtkit.dataset.prepared import PreparedCorpus


@dataclass(frozen=True)
class BestModel:
    """Which weights a model folder holds: those of the best validation of its training."""

    score: ModelScore
    """Of that validation."""
    leading: Leading
    """Why it is this score."""
    update: int
    updates: int
    """Of the whole training."""


def write_model_card(folder: Path, network: NetworkSettings, corpus: PreparedCorpus, best: BestModel) -> None:
    """Write README.md into the model folder, from what training knows; raise `OutputError` where the disk is full."""
    with new_file(folder / "README.md") as draft:
        card = model_card(folder.name, network, corpus, best)
        draft.write_text(card, encoding="utf-8", errors="replace")  # a folder's name may be any bytes


def model_card(name: str, network: NetworkSettings, corpus: PreparedCorpus, best: BestModel) -> str:
    """Return the card as Markdown."""
    manifest = corpus.manifest
    lexicon = " and lexicon" * network.has_lexicon
    direction = "bidirectional" if network.bidirectional else "unidirectional"
    inputs = "\n".join(
        f"| {split} | {entry.name} | {entry.count:,} | `{entry.sha256[:16]}` |"
        for split, part in (("training", manifest.train), ("validation", manifest.valid))
        for entry in part.inputs
    )
    vocabularies = ", ".join(f"{entry.count:,} pieces in {entry.name}" for entry in manifest.vocabularies)
    held_out = f"\n{manifest.held_out:,} pairs of the training text were held out for validation.\n" * bool(
        manifest.held_out
    )
    reason = f"\n{best.leading}.\n" * bool(best.leading.reason)
    return f"""# {name}: {corpus.src_lang} to {corpus.tgt_lang}

A recurrent machine translation model, trained with mtkit {__version__}.

    mtkit translate {name} < input.{corpus.src_lang} > output.{corpus.tgt_lang}

## Score

Validation {best.score} (sacreBLEU, cased, detokenised, greedy search) on {len(corpus.valid):,} pairs,
at update {best.update:,} of {best.updates:,}. The weights are those of that update; they were chosen by
this score, so expect a little less on new text. Score a test set of your own with `mtkit evaluate`.
{reason}
![Loss, score, learning rate and speed over the updates](curves.svg)

## Network

{network.cell} with {network.attention} attention{lexicon}; {direction} encoder of {network.encoder_layers} and
decoder of {network.decoder_layers} layers; width {network.hidden_size}, embeddings {network.embedding_size};
{vocabularies}.
Every setting is in config.json; `mtkit train --config config.json` takes them again.

## Corpus

| part | file | lines | SHA-256 begins |
|---|---|---|---|
{inputs}
{held_out}
{len(corpus.train):,} pairs were left for training after cleaning. A model repeats what it was taught: check what the
corpus says before you rely on what the model says.
"""
