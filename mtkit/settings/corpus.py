"""The settings of a corpus, and of `mtkit preprocess`."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from mtkit.fields import Settings, about
from mtkit.settings.choices import VocabType
from mtkit.settings.command import CommandSettings


class CorpusSettings(Settings, frozen=True, kw_only=True):
    """A parallel corpus and how it becomes ids."""

    langs: Annotated[str, about("Source and target language, as in en-fr.", "Corpus")] = ""
    train: Annotated[
        tuple[str, ...],
        about(
            "Training text: PREFIX for PREFIX.en + PREFIX.fr, SRC:TGT or FILE.tsv, each also .gz; repeats.",
            "Corpus",
            saved=False,
        ),
    ] = ()
    valid: Annotated[
        tuple[str, ...],
        about(
            "Validation text, in the same forms; without it 2 % of the training pairs are held out.",
            "Corpus",
            saved=False,
        ),
    ] = ()
    columns: Annotated[
        str,
        about(
            "Columns of source and target in TSV files, from 1 on, as in 2,4; else the first two.",
            "Corpus",
            saved=False,
        ),
    ] = ""
    max_length: Annotated[int, Meta(ge=1, le=100_000), about("Drop pairs with a longer side, in pieces.", "Corpus")] = (
        250
    )
    max_ratio: Annotated[
        float, Meta(ge=1), about("Drop pairs whose lengths differ by a larger factor, in characters.", "Corpus")
    ] = 9.0
    vocab_size: Annotated[
        int,
        Meta(ge=0, le=1_000_000),
        about(
            "Pieces in a vocabulary; 0 chooses it from the size of the corpus.",
            "Vocabulary",
            comes_with="vocabulary",
            chosen_at_zero=True,
        ),
    ] = 0
    vocab_type: Annotated[VocabType, about("What a piece is.", "Vocabulary", comes_with="vocabulary")] = "unigram"
    vocabulary: Annotated[
        str,
        about(
            "Prepared corpus or model whose vocabularies to take, instead of training new ones.",
            "Vocabulary",
            saved=False,
        ),
    ] = ""
    joint: Annotated[
        bool,
        about(
            "One vocabulary for both languages, or one each.",
            "Vocabulary",
            flag="--joint/--separate",
            comes_with="vocabulary",
        ),
    ] = True


class PreprocessSettings(CommandSettings, frozen=True, kw_only=True):
    """`mtkit preprocess`: from parallel text to a prepared corpus."""

    corpus: CorpusSettings = CorpusSettings()
    out: Annotated[str, about("Folder to write the prepared corpus into.", "Output", saved=False)] = ""
    force: Annotated[
        bool, about("Replace a prepared corpus that is already there.", "Output", saved=False, flag="--force")
    ] = False
