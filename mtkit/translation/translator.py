"""The translator: one line of raw text in, one line of raw text out, whatever it holds."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from mtkit.errors import MissingExtraError
from mtkit.model_folder import ModelFolder
from mtkit.search import Hypothesis, Stepper, score_targets, search
from mtkit.settings import Device, SearchSettings
from mtkit.text.padding import pad
from mtkit.text.vocabulary import BOS, EOS, normalise_source, normalise_target
from mtkit.translation.splitting import split_line

USUAL_BEAM = SearchSettings().beam_size
SOURCE_MULTIPLE = 16
"""Sources are padded to a multiple of this, alone or in a batch: the width decides the last bits of an attention's
sums, and so whether neighbours show in a translation."""


@dataclass(frozen=True)
class Translation:
    """A translated line.

    `score` is the average log-probability of its tokens (nats), 0.0 for an empty line. `truncated` says that the
    search reached its greatest length before the sentence ended; `parts` is above 1 where a long line was cut;
    `untranslatable` marks a line that holds characters, but none that can be translated.
    """

    source: str
    text: str
    score: float
    truncated: bool = False
    parts: int = 1
    untranslatable: bool = False


class Translator:
    """Translates lines with one model. It holds no state between calls."""

    def __init__(self, folder: ModelFolder, stepper: Stepper[Any], search: SearchSettings) -> None:
        self.stepper = stepper
        self.search = search
        # A recurrent network says little of what follows the longest sentence it ever saw: longer lines go in parts.
        self.longest = folder.config.corpus.longest_src
        self.src_lang, self.tgt_lang = folder.config.src_lang, folder.config.tgt_lang
        self.src_vocabulary, self.tgt_vocabulary = folder.src_vocabulary, folder.tgt_vocabulary

    @classmethod
    def load(
        cls,
        model: str | Path | ModelFolder,
        *,
        search: SearchSettings = SearchSettings(),  # noqa: B008 - frozen
        device: Device = "auto",
        threads: int = 0,
    ) -> Translator:
        """Load a model folder; raise `ModelFolderError` where it is none."""
        folder = model if isinstance(model, ModelFolder) else ModelFolder.open(Path(model))
        try:
            from mtkit.runtime.loading import load_stepper
        except ModuleNotFoundError as error:
            raise MissingExtraError(
                f"translating needs the full install ({error.name} is missing): pip install 'mtkit[train]'"
            ) from error
        stepper = load_stepper(folder, device=device, precision="auto", threads=threads)
        return cls(folder, stepper, search)

    def translate(self, lines: Iterable[str]) -> list[Translation]:
        """Translate lines (without their line ends), each as if it were alone, and return them in order."""
        sources = list(lines)
        parts: list[list[int]] = []  # the ids of every part of every line
        counts = []  # parts of each line
        for source in sources:
            of_line = self._parts(source)
            parts += of_line
            counts.append(len(of_line))
        found = self._search(parts)
        results, first = [], 0
        for source, count in zip(sources, counts, strict=True):
            results.append(self._join(source, found[first : first + count]))
            first += count
        return results

    def log_probabilities(self, sources: Sequence[str], targets: Sequence[str]) -> tuple[float, int]:
        """Return the log-probability (nats) of given translations and their tokens, both summed over all pairs."""
        src = self.src_vocabulary.encode_batch([normalise_source(line) for line in sources])
        tgt = self.tgt_vocabulary.encode_batch([normalise_target(line) for line in targets])
        total, tokens = 0.0, 0
        for batch in self._batches(src):
            target_lengths = np.array([len(tgt[index]) + 1 for index in batch])
            scores = score_targets(
                self.stepper,
                pad([src[index] for index in batch], after=[EOS], multiple=SOURCE_MULTIPLE),
                np.array([len(src[index]) + 1 for index in batch]),
                pad([tgt[index] for index in batch], after=[EOS]),
                target_lengths,
                bos=BOS,
            )
            total += float(scores.sum())
            tokens += int(target_lengths.sum())
        return total, tokens

    def _parts(self, line: str) -> list[list[int]]:
        """Encode a line, in parts where it is too long; no parts where there is nothing to translate."""
        text = normalise_source(line)
        if not any(map(_is_visible, text)):
            return []
        ids = self.src_vocabulary.encode(text)
        if len(ids) <= self.longest:
            return [ids]
        pieces = split_line(text, lambda part: len(self.src_vocabulary.encode(part)) <= self.longest)
        return [self.src_vocabulary.encode(piece) for piece in pieces]

    def _join(self, source: str, found: list[Hypothesis]) -> Translation:
        if not found:
            return Translation(source, "", 0.0, untranslatable=bool(source.strip()))
        return Translation(
            source=source,
            text=" ".join(self.tgt_vocabulary.decode(hypothesis.ids) for hypothesis in found),
            score=sum(hypothesis.score for hypothesis in found) / len(found),
            truncated=any(hypothesis.truncated for hypothesis in found),
            parts=len(found),
        )

    def _search(self, sentences: list[list[int]]) -> list[Hypothesis]:
        results: dict[int, Hypothesis] = {}
        for batch in self._batches(sentences):
            lengths = np.array([len(sentences[index]) + 1 for index in batch])
            src = pad([sentences[index] for index in batch], after=[EOS], multiple=SOURCE_MULTIPLE)
            found = search(self.stepper, src, lengths, self.search, bos=BOS, eos=EOS)
            results.update(zip(batch, (hypotheses[0] for hypotheses in found), strict=True))
        return [results[index] for index in range(len(sentences))]

    def _batches(self, sentences: Sequence[Sequence[int]]) -> Iterable[list[int]]:
        """Cut the sentences' indices, longest first, into batches of `search.batch_tokens` source tokens.

        That is for the default beam; a wider one takes more memory a sentence, and so fewer sentences.
        """
        budget = self.search.batch_tokens * USUAL_BEAM // max(USUAL_BEAM, self.search.beam_size)
        order = sorted(range(len(sentences)), key=lambda index: -len(sentences[index]))
        batch: list[int] = []
        for index in order:
            if batch and (len(batch) + 1) * (len(sentences[batch[0]]) + 1) > budget:
                yield batch
                batch = []
            batch.append(index)
        if batch:
            yield batch


def _is_visible(character: str) -> bool:
    """Whether a character is more than space, control or formatting (Unicode categories Z and C)."""
    return unicodedata.category(character)[0] not in "ZC"
