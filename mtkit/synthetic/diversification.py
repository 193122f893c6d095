"""Data diversification (Nguyen et al. 2020): more to learn from the same pairs, by what models make of them.

1. A model is trained on the corpus, and one of the opposite direction.
2. They translate its two sides: to every pair (s, t) come (s, forward(s)) and (backward(t), t).
3. Models of further seeds do the same, for `models_each_way` rounds in all.
4. A final model is trained on all pairs, and takes the place of the first if it scores higher.

So the model folder holds a model from the first step on. Beside the training state it has `training/diversification/`:

    ROUND/forward/   a further forward model, until it has translated
    ROUND/backward/  a backward model, likewise
    ROUND/pairs/     what the two have added, a prepared corpus
    model/NAME       the final model, under the folder's own name, until it takes its place
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass
from dataclasses import replace as replaced
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from mtkit.dataset.prepared import PreparedCorpus
from mtkit.errors import SettingsError
from mtkit.evaluation import LABELS, ModelScore
from mtkit.lock import locked
from mtkit.model_folder import ModelFolder
from mtkit.presets import diversified_epochs
from mtkit.settings import TrainSettings
from mtkit.storage import new_folder
from mtkit.synthetic.stages import Stages
from mtkit.synthetic.translating import Translating, new_pairs, resumable, texts_of, write_pairs
from mtkit.training import Collaborators, Event, Finished, Note, Started, TrainingResult, train_model
from mtkit.training.events import ignore, notify
from mtkit.training.output_folder import corpus_in_place
from mtkit.training.processes import Processes
from mtkit.training.thresholds import reaches, threshold

LEAST_BLEU = 10.0
"""Validation BLEU, or its equivalent in chrF2, below which a model's translations have nothing to add."""


def diversify(
    settings: TrainSettings,
    corpus: PreparedCorpus,
    emit: Callable[[Event], None],
    processes: Processes,
    collaborators: Collaborators,
) -> TrainingResult:
    """Train a model on a corpus and on what models make of it.

    Arguments, result and errors are those of `train_model`.
    """
    with locked(Path(settings.out)) if processes.is_first else nullcontext():
        return _diversify(settings, corpus, emit if processes.is_first else ignore, processes, collaborators)


def _diversify(
    settings: TrainSettings,
    corpus: PreparedCorpus,
    emit: Callable[[Event], None],
    processes: Processes,
    collaborators: Collaborators,
) -> TrainingResult:
    folder = Path(settings.out).resolve()
    stages = Stages(folder / "training" / "diversification", processes)
    models = _Models(settings, emit, processes, collaborators)
    if settings.resume and stages.have_begun:
        first = processes.first(lambda: TrainingResult.recorded(folder))
    else:
        first = models.train(1, "of the corpus as it is", corpus, stays=True)
        if reason := _reason_against(first.best, settings.target_bleu):
            notify(emit, f"No diversification: {reason}")
            return first
    if not stages.begin():
        raise SettingsError(
            f"`out` {settings.out}: not all hosts see it, as `diversify` needs; share it, or `diversify=False`"
        )
    models = replaced(models, settings=replace(settings, resume=True, force=False))
    corpus = corpus_in_place(corpus, folder)
    whole = corpus
    for number in range(1, settings.models_each_way + 1):
        one_round = _Round(number, folder, corpus, whole, models)
        pairs = stages.folder(f"{number}/pairs", one_round.add)
        if pairs is None:
            break
        whole = PreparedCorpus.open(*whole.paths, pairs, verify=settings.verify)
    if whole is corpus:
        notify(emit, "No diversification: every translation is what the corpus says already")
        return first
    return _train_final(models, folder, first, whole, stages.root / "model" / folder.name)


def _reason_against(score: ModelScore, target_bleu: float) -> str:
    """Why a first model of this validation score is also the final one, or an empty text."""
    name = f"validation {LABELS[score.metric]}"
    if target_bleu > 0 and reaches(score, target_bleu):
        return f"the model has reached {name} {threshold(score.metric, target_bleu):g}"
    if not reaches(score, LEAST_BLEU):
        return f"the translations of a model below {name} {threshold(score.metric, LEAST_BLEU):g} have nothing to add"
    return ""


@dataclass(frozen=True)
class _Models:
    """Trains the models of a diversification, one after the other."""

    settings: TrainSettings
    emit: Callable[[Event], None]
    processes: Processes
    collaborators: Collaborators

    def train(
        self, number: int, about: str, corpus: PreparedCorpus, *, stays: bool = False, **changes: Any
    ) -> TrainingResult:
        """Train a model on a corpus.

        Args:
            number: of the model, from 1.
            about: what is new of it, for the line before its start.
            corpus: what it learns from.
            stays: whether it is the one in the folder that was asked for.
            changes: what it has other settings for.
        """
        title = f"Model {number} of {2 * self.settings.models_each_way + 1}: {about}"
        emit = _titled(self.emit, title, Path(self.settings.out) if stays else None)
        return train_model(replace(self.settings, **changes), corpus, emit, self.processes, self.collaborators)


def _titled(emit: Callable[[Event], None], title: str, out: Path | None) -> Callable[[Event], None]:
    """Emit the events of one training: a title before its start, and at its end the folder where its model stays.

    The title waits for the start, by when all that could be wrong with the settings has been found.
    """

    def listen(event: Event) -> None:
        if isinstance(event, Started):
            emit(Note(title))
        emit(replaced(event, out=out) if isinstance(event, Finished) else event)

    return listen


@dataclass(frozen=True)
class _Round:
    """One forward and one backward model, and the pairs that they add."""

    number: int
    """From 1; the first round has its forward model already, the first of all."""
    first_model: Path
    corpus: PreparedCorpus
    """The pairs to learn from, and to translate."""
    whole: PreparedCorpus
    """These, and what earlier rounds have added."""
    models: _Models

    def add(self, pairs: Path) -> None:
        """Train the two models, and write what is new of their translations into the folder `pairs`, if anything."""
        settings, corpus, number = self.models.settings, self.corpus, self.number
        seed = settings.seed + number - 1
        forward, backward = self.first_model, pairs.with_name("backward")
        src, tgt = corpus.src_lang, corpus.tgt_lang
        if number > 1:
            forward = pairs.with_name("forward")
            about = f"from {src} to {tgt} again, to diversify the corpus by"
            self.models.train(2 * number - 1, about, corpus, out=str(forward), seed=seed)
        self.models.train(
            2 * number,
            f"from {tgt} to {src}, to diversify the corpus by",
            corpus.reversed,
            out=str(backward),
            seed=seed,
            src_embeddings=settings.tgt_embeddings,
            tgt_embeddings=settings.src_embeddings,
        )
        translate = Translating(settings.device, settings.threads, seed)
        self.models.processes.first(lambda: self._translate(forward, backward, translate, pairs))

    def _translate(self, forward: Path, backward: Path, translate: Translating, pairs: Path) -> None:
        emit = self.models.emit
        sources, targets = texts_of(self.corpus.train)
        notify(emit, f"Translating the {len(sources):,} training pairs, in both directions")
        made = [
            *((source, target) for source, target in translate(forward, sources)),
            *((source, target) for target, source in translate(backward, targets)),
        ]
        if added := new_pairs(made, self.whole):
            write_pairs(added, self.corpus, translate.seed, pairs)
            for model in (pairs.with_name("forward"), backward):
                shutil.rmtree(model, ignore_errors=True)
            notify(emit, f"{len(added):,} pairs are new")


def _train_final(
    models: _Models, folder: Path, first: TrainingResult, whole: PreparedCorpus, place: Path
) -> TrainingResult:
    """Train the final model on the corpus and what was added to it, and return which model stays."""
    settings, processes = models.settings, models.processes
    epochs = settings.epochs and diversified_epochs(settings.epochs, settings.models_each_way)
    if processes.first(lambda: ModelFolder.open(folder).config.corpus.fingerprint) == whole.fingerprint:
        # the final model is in place: resuming may make it longer
        settings = replace(settings, epochs=epochs)
        return train_model(settings, whole, models.emit, processes, models.collaborators)
    number, about = 2 * settings.models_each_way + 1, "of the corpus and its translations"
    final = models.train(number, about, whole, out=str(place), epochs=epochs)
    scores = f"validation {first.best}, the new one {final.best}"
    if not final.best.is_better_than(first.best):
        notify(models.emit, f"The first model stays ({scores}): {settings.out}")
        return first
    processes.first(lambda: _take_place(folder, final.folder))
    scores = f"validation {final.best}, before {first.best}"
    notify(models.emit, f"The new model takes the first one's place ({scores}): {settings.out}")
    return replaced(final, folder=folder)


def _take_place(folder: Path, new: Path) -> None:
    """Put the new model in the place of the first, with what it was trained on.

    Raises:
        TrainingError: the disk is full.
    """
    with resumable(), new_folder(folder) as draft:
        # what users have put beside the first model stays too
        but_training = shutil.ignore_patterns("training")
        shutil.copytree(folder, draft, symlinks=True, ignore=but_training, dirs_exist_ok=True)
        shutil.copytree(new, draft, dirs_exist_ok=True)
        for pattern in ("training/prepared", "training/diversification/*/pairs"):
            for kept in folder.glob(pattern):
                shutil.copytree(kept, draft / kept.relative_to(folder))
