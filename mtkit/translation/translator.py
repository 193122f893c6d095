"""The translator: one line of raw text in, one line of raw text out, whatever it holds."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np

from mtkit.arrays import Ids
from mtkit.errors import CorpusError, ModelFolderError, SettingsError
from mtkit.model_folder import ModelFolder
from mtkit.search import Hypothesis, Stepper, score_targets, search
from mtkit.settings import AlignmentUnit, Device, RuntimePrecision, SearchSettings
from mtkit.text.padding import pad
from mtkit.text.several import check_several
from mtkit.text.vocabulary import BOS, EOS
from mtkit.translation.alignment import AttentionWeights, Link, first_words, links, words_of_pieces
from mtkit.translation.batching import SOURCE_MULTIPLE, batches, most_together, shares
from mtkit.translation.finite_stepper import FiniteStepper
from mtkit.translation.joining import Joiner, begin_within_words
from mtkit.translation.parallel import CancellableStepper, in_parallel, nothing, usable_cores
from mtkit.translation.splitting import split_line
from mtkit.translation.translation import Alternative, PairScore, Translation, is_loop

USUAL_BEAM = SearchSettings().beam_size


@dataclass(frozen=True, slots=True)
class _Part:
    """What is translated in one pass: a line, or a part of a long one."""

    text: str
    ids: list[int]


class Translator:
    """Translates lines with one model, or with several at once.

    It holds no state between calls, so that threads may share it. `attention` says whether the stepper has weights
    to show; `seed` is that of sampling; `workers` are the threads that one call shares its sentences out among.
    """

    def __init__(
        self,
        folder: ModelFolder,
        stepper: Stepper[Any],
        search: SearchSettings,
        *,
        attention: bool = True,
        seed: int = 1,
        workers: int = 1,
    ) -> None:
        self.stepper = stepper
        self.search = search
        self.seed = seed
        self.workers = workers
        self.attention = attention
        # A recurrent network says little of what follows the longest sentence it ever saw: longer lines go in parts.
        self.longest = folder.config.corpus.longest_src
        self.src_lang, self.tgt_lang = folder.config.src_lang, folder.config.tgt_lang
        self.normaliser = folder.normaliser
        self.src_vocabulary, self.tgt_vocabulary = folder.src_vocabulary, folder.tgt_vocabulary
        self.joiner = Joiner(self.tgt_lang)
        self.name = str(folder.path)

    @classmethod
    def load(
        cls,
        model: str | PathLike[str] | ModelFolder,
        *,
        search: SearchSettings = SearchSettings(),  # noqa: B008 - frozen
        device: Device = "auto",
        threads: int = 0,
        precision: RuntimePrecision = "auto",
        ensemble: Sequence[str | PathLike[str]] = (),
        seed: int = 1,
    ) -> Translator:
        """Load a model.

        Args:
            model: the folder that training wrote.
            search: how translations are searched for.
            device: where the network runs.
            threads: CPU threads; 0 takes all cores.
            precision: number format of the products.
            ensemble: more models of the same languages and vocabularies; the mean of all their probabilities counts.
            seed: of sampling.

        Raises:
            ModelFolderError: a folder is no model, or two do not go together.
            SettingsError: the device is not there, or cannot run at this precision.
            MissingExtraError: the device needs the full install.
        """
        check_several(ensemble=ensemble)
        folder = model if isinstance(model, ModelFolder) else ModelFolder.open(Path(model))
        folders = [folder, *(ModelFolder.open(Path(other)) for other in ensemble)]
        for other in folders[1:]:
            _check_same(folder, other)
        from mtkit.runtime.loading import choose_device, load_stepper

        place = choose_device(device, precision, folders)
        steppers = [load_stepper(one, place, precision) for one in folders]
        stepper = steppers[0]
        if len(steppers) > 1:
            from mtkit.runtime.ensemble import Ensemble

            stepper = Ensemble(steppers)
        attention = all(one.config.network.attention != "none" for one in folders)
        workers = (threads or usable_cores()) if place == "cpu" else 1
        translator = cls(folder, stepper, search, attention=attention, seed=seed, workers=workers)
        translator.name = " + ".join(str(one.path) for one in folders)
        translator.longest = min(one.config.corpus.longest_src for one in folders)
        return translator

    def check(self, *, n_best: int = 1, alignments: AlignmentUnit = "none", attention: bool = False) -> None:
        """Raise `SettingsError` where this model and search cannot give what `translate` would be asked for."""
        if n_best < 1:
            raise SettingsError(f"`n_best={n_best}` asks for no translation; give 1 or more")
        if n_best > self.search.beam_size and not self.search.sample:
            raise SettingsError(
                f"`n_best={n_best}` is more than a beam of {self.search.beam_size} finds; "
                f"give `beam_size={n_best}` or more, or `sample=True`"
            )
        if not self.attention and (attention or alignments != "none" or self.search.coverage_penalty):
            raise SettingsError(
                "`alignments`, `attention` and `coverage_penalty` need attention, "
                "and this model was trained with `attention=none`"
            )

    def translate(
        self,
        lines: Iterable[str],
        *,
        prefixes: Iterable[str] | None = None,
        n_best: int = 1,
        alignments: AlignmentUnit = "none",
        attention: bool = False,
        check: Callable[[], None] = nothing,
    ) -> list[Translation]:
        """Translate lines (without their line ends), each as if it were alone, and return them in order.

        Args:
            lines: raw text.
            prefixes: the beginning of each translation, which may be empty and may end within a word.
            n_best: most translations of each line.
            alignments: what links are wanted between: pieces, or words (what spaces part) of the translation and of
                the source in NFKC.
            attention: whether the attention weights are wanted.
            check: called before every step, by the threads that make it; what it raises ends the work.

        Raises:
            SettingsError: as `check`; or lines or prefixes are a single text.
            CorpusError: there are not as many prefixes as lines.
        """
        self.check(n_best=n_best, alignments=alignments, attention=attention)
        check_several(lines=lines, prefixes=prefixes)
        sources, beginnings = list(lines), None if prefixes is None else list(prefixes)
        check_prefixes(sources, beginnings)
        parts = self._parts(sources)
        found = self._search(
            [part.ids for of_line in parts for part in of_line],
            None if beginnings is None else self._prefixes(beginnings, [len(of_line) for of_line in parts]),
            n_best,
            attention or alignments != "none",
            check,
        )
        results, first = [], 0
        for source, of_line in zip(sources, parts, strict=True):
            results.append(self._join(source, of_line, found[first : first + len(of_line)], alignments, attention))
            first += len(of_line)
        return results

    def score(self, sources: Sequence[str], targets: Sequence[str]) -> list[PairScore]:
        """Return what the model thinks of given translations, in order; lines are never cut here.

        Raises:
            SettingsError: sources or targets are a single text.
            CorpusError: there are not as many targets as sources.
        """
        check_several(sources=sources, targets=targets)
        if len(sources) != len(targets):
            raise CorpusError(f"{len(sources):,} sources have {len(targets):,} targets; give one for each")
        src = self.src_vocabulary.encode_batch([self.normaliser.source(line) for line in sources])
        tgt = self.tgt_vocabulary.encode_batch([self.normaliser.target(line) for line in targets])

        def work(batch: list[int], check: Callable[[], None]) -> list[PairScore]:
            lengths = np.array([len(tgt[index]) + 1 for index in batch])
            tgt_batch = pad([tgt[index] for index in batch], after=[EOS])
            src_batch = _padded([src[index] for index in batch])
            log_probs = score_targets(self._checked(check), *src_batch, tgt_batch, lengths, bos=BOS)
            return list(map(PairScore, log_probs.tolist(), lengths.tolist()))

        jobs = list(batches([len(ids) + 1 for ids in src], self.search.batch_tokens))
        scores: dict[int, PairScore] = {}
        for batch, found in zip(jobs, in_parallel(work, jobs, self.workers), strict=True):
            scores.update(zip(batch, found, strict=True))
        return [scores[index] for index in range(len(src))]

    def _checked(self, check: Callable[[], None]) -> Stepper[Any]:
        return CancellableStepper(FiniteStepper(self.stepper, self.name), check)

    def _parts(self, sources: list[str]) -> list[list[_Part]]:
        """Encode lines, in parts where they are too long; no parts where there is nothing to translate."""
        parts = []
        for text in map(self.normaliser.source, sources):
            ids = self.src_vocabulary.encode(text) if any(map(_is_visible, text)) else []
            if len(ids) > self.longest:
                cut = split_line(text, self._lengths, self.longest)
                parts.append(list(map(_Part, cut, self.src_vocabulary.encode_batch(cut))))
            else:
                parts.append([_Part(text, ids)] if ids else [])
        return parts

    def _lengths(self, texts: list[str]) -> list[int]:
        return list(map(len, self.src_vocabulary.encode_batch(texts)))

    def _prefixes(self, prefixes: list[str], counts: list[int]) -> list[list[int]]:
        """Encode the prefix of each line for the first of its `counts` parts; the others have none."""
        encoded = self.tgt_vocabulary.encode_batch([self.normaliser.target(prefix) for prefix in prefixes])
        of_parts: list[list[int]] = []
        for prefix, count in zip(encoded, counts, strict=True):
            of_parts += [prefix, *[[]] * (count - 1)] if count else []
        return of_parts

    def _search(
        self,
        sources: list[list[int]],
        prefixes: list[list[int]] | None,
        n_best: int,
        attention: bool,
        check: Callable[[], None],
    ) -> list[list[Hypothesis]]:
        rows = n_best if self.search.sample else self.search.beam_size
        # `batch_tokens` is for the usual beam; more rows a sentence take more memory, and so fewer sentences.
        budget = self.search.batch_tokens * USUAL_BEAM // max(USUAL_BEAM, rows)
        jobs = shares([len(ids) + 1 for ids in sources], self.workers)
        budget //= max(1, min(self.workers, len(jobs)))  # it is for all workers together: memory is theirs together

        def work(job: tuple[int, list[int]], check: Callable[[], None]) -> list[list[Hypothesis]]:
            width, indices = job
            return search(
                self._checked(check),
                *_padded([sources[index] for index in indices]),
                self.search,
                bos=BOS,
                eos=EOS,
                n_best=n_best,
                prefixes=prefixes and [prefixes[index] for index in indices],
                attention=attention,
                seed=self.seed,
                together=most_together(width, budget),
            )

        results: dict[int, list[Hypothesis]] = {}
        for (_, indices), found in zip(jobs, in_parallel(work, jobs, self.workers, check), strict=True):
            results.update(zip(indices, found, strict=True))
        return [results[index] for index in range(len(sources))]

    def _join(
        self,
        source: str,
        parts: list[_Part],
        found: list[list[Hypothesis]],
        alignments: AlignmentUnit,
        attention: bool,
    ) -> Translation:
        """Make one translation of what was found for the parts of a line."""
        if not parts:
            blank = Alternative("", 0.0)
            return Translation(source, *blank, untranslatable=bool(source.strip()), n_best=(blank,))
        within = begin_within_words(self.normaliser.source(source), [part.text for part in parts])
        n_best = tuple(self._alternative(hypotheses, within) for hypotheses in zip(*found, strict=False))
        best = [hypotheses[0] for hypotheses in found]
        text, score = n_best[0]
        return Translation(
            source=source,
            text=text,
            score=score,
            truncated=any(hypothesis.truncated for hypothesis in best),
            loop=any(is_loop(part.ids, hypothesis.ids) for part, hypothesis in zip(parts, best, strict=True)),
            copied=bool(text) and text == self.normaliser.target(source),
            parts=len(parts),
            unknown=any(self.src_vocabulary.spells(part.ids) for part in parts),
            n_best=n_best,
            alignment=self._links(source, parts, best, alignments, within) if alignments != "none" else (),
            attention=tuple(map(self._attention, parts, best)) if attention else (),
        )

    def _alternative(self, hypotheses: Sequence[Hypothesis], within: Sequence[bool]) -> Alternative:
        texts = [self.tgt_vocabulary.decode(hypothesis.ids) for hypothesis in hypotheses]
        score = sum(hypothesis.score for hypothesis in hypotheses) / len(hypotheses)
        return Alternative(self.joiner.join(texts, within), score)

    def _links(
        self, source: str, parts: list[_Part], best: list[Hypothesis], unit: AlignmentUnit, within: Sequence[bool]
    ) -> tuple[Link, ...]:
        """Link the pieces or words of a line and its translation, both counted through all parts."""
        starts = first_words(self.normaliser.source(source), [part.text for part in parts])
        found: set[Link] = set()
        src_first, tgt_first, text = 0, 0, ""
        for part, hypothesis, start, inside in zip(parts, best, starts, within, strict=True):
            assert hypothesis.attention is not None  # the search was asked for it
            if unit == "word":
                src_first, tgt_first = start, len(text.split())
                src_units = words_of_pieces(self.src_vocabulary, part.ids)
                tgt_units = words_of_pieces(self.tgt_vocabulary, hypothesis.ids)
                said = self.tgt_vocabulary.decode(hypothesis.ids)
                if text and said and self.joiner.touch(text, said, inside):  # it goes on with the last word
                    tgt_first -= 1
                text = self.joiner.join((text, said), (False, inside))
            else:
                src_units, tgt_units = list(range(len(part.ids))), list(range(len(hypothesis.ids)))
            of_part = links(hypothesis.attention, src_units, tgt_units)
            found |= {(src_first + src, tgt_first + tgt) for src, tgt in of_part}
            src_first += len(part.ids)
            tgt_first += len(hypothesis.ids)
        return tuple(sorted(found))

    def _attention(self, part: _Part, hypothesis: Hypothesis) -> AttentionWeights:
        assert hypothesis.attention is not None  # the search was asked for it
        ended = [] if hypothesis.truncated else [EOS]
        return AttentionWeights(
            tuple(self.src_vocabulary.pieces([*part.ids, EOS])),
            tuple(self.tgt_vocabulary.pieces([*hypothesis.ids, *ended])),
            hypothesis.attention[:, : len(part.ids) + 1],
        )


def check_prefixes(lines: Sequence[str], prefixes: Sequence[str] | None) -> None:
    """Raise `CorpusError` unless there is a prefix for each line, where there are any."""
    if prefixes is not None and len(prefixes) != len(lines):
        raise CorpusError(f"{len(lines):,} lines have {len(prefixes):,} prefixes; give one for each")


def _padded(sources: Sequence[list[int]]) -> tuple[Ids, Ids]:
    """Return the ids (N, S) of sentences of one padded width, with eos and padding, and their lengths (N,)."""
    src = pad(sources, after=[EOS], multiple=SOURCE_MULTIPLE)
    return src, np.array([len(ids) + 1 for ids in sources])


def _check_same(one: ModelFolder, other: ModelFolder) -> None:
    """Raise `ModelFolderError` where two models cannot be asked together."""
    names = [f"{folder.config.src_lang}-{folder.config.tgt_lang}" for folder in (one, other)]
    if names[0] != names[1]:
        raise ModelFolderError(
            f"{other.path} translates {names[1]} and {one.path} {names[0]}; an ensemble is of one language pair"
        )
    # by content: the hashes of the source's and the target's vocabulary, which may be one
    hashes = [list(folder.config.vocabularies.values()) for folder in (one, other)]
    if hashes[0] != hashes[1]:
        raise ModelFolderError(
            f"{other.path} and {one.path} have different vocabularies; "
            "train all models of an ensemble on one prepared corpus"
        )


def _is_visible(character: str) -> bool:
    """Whether a character is more than space, control or formatting (Unicode categories Z and C)."""
    return unicodedata.category(character)[0] not in "ZC"
