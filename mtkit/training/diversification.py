"""Data diversification (Nguyen et al. 2020): more to learn from the same pairs, by what models make of them.

1. A model is trained on the corpus, and one of the opposite direction.
2. They translate its two sides: to every pair (s, t) come (s, forward(s)) and (backward(t), t).
3. Models of further seeds do the same, for `models_each_way` rounds in all.
4. A new model is trained on all pairs, and takes the place of the first if it scores higher.

So the model folder holds a model from the first step on. Beside the training state it has `training/diversification/`:

    ROUND/forward/   a further model of this direction, until it has translated
    ROUND/backward/  one of the opposite direction, likewise
    ROUND/pairs/     what the two have added, a prepared corpus
    model/NAME       the new model, under the folder's own name, until it takes its place
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace as replaced
from pathlib import Path
from tempfile import TemporaryDirectory

from msgspec.structs import replace

from mtkit.dataset.preparation import prepare
from mtkit.dataset.prepared import PreparedCorpus, Split
from mtkit.errors import Interrupted, OutputError, SettingsError, TrainingError
from mtkit.model_folder import ModelFolder
from mtkit.presets import diversified_epochs, recipe_for
from mtkit.settings import PreprocessSettings, TrainSettings
from mtkit.signals import stop_request
from mtkit.storage import new_folder, writing
from mtkit.training.events import Event, Finished, Note, Started
from mtkit.training.log import read_log
from mtkit.training.processes import ALONE, Processes
from mtkit.training.session import ignore, settled, train_model
from mtkit.translation import Translator

LEAST_BLEU = 10.0
"""Validation BLEU below which a model's translations have nothing to add."""

TRANSLATED_TOGETHER = 2_000
"""Lines between two looks at whether to stop."""

Pairs = list[tuple[str, str]]
Emit = Callable[[Event], None]


def train(
    settings: TrainSettings,
    corpus: PreparedCorpus,
    emit: Emit = ignore,
    processes: Processes = ALONE,
) -> Path:
    """Train a model on a prepared corpus, by way of its own translations where `settings.diversify` says so.

    Arguments, result and errors are those of `train_model`.
    """
    if settings.models_each_way > 1 and not settings.diversify:
        raise SettingsError(
            f"--models-each-way {settings.models_each_way} is of no use to a corpus that is not diversified; add "
            "--diversify, or leave it out"
        )
    if not settings.diversify:
        return train_model(settings, corpus, emit, processes)
    tell = emit if processes.is_first else ignore
    folder = Path(settings.out).resolve()
    work = folder / "training" / "diversification"
    if not (settings.resume and processes.first(work.is_dir)):
        title = _title(settings, 1, "of the corpus as it is")
        train_model(settings, corpus, _part(emit, title, Path(settings.out)), processes)
        bleu = processes.first(lambda: _best_bleu(folder))
        if reason := _reason_against(bleu, settings.target_bleu):
            tell(Note(f"No diversification: {reason}"))
            return folder
        processes.first(lambda: work.mkdir(exist_ok=True))
    if processes.largest(int(not work.is_dir())):
        raise SettingsError(
            f"--out {settings.out}: not all hosts see it, as diversify needs; share it, or --no-diversify"
        )
    corpus = settled(corpus, folder)
    settings = replace(settings, resume=True, force=False)
    whole = corpus
    for number in range(1, settings.models_each_way + 1):
        pairs = work / str(number) / "pairs"
        if not processes.first(pairs.is_dir) and not _add_round(number, settings, corpus, whole, emit, processes):
            break
        whole = PreparedCorpus.open(*whole.paths, pairs)
    if whole is corpus:
        tell(Note("No diversification: every translation is what the corpus says already"))
        return folder
    # a corpus that has grown is still learnt by the recipe for its own pairs
    epochs = diversified_epochs(settings.epochs or recipe_for(corpus.size).epochs, settings.models_each_way)
    settings = replace(settings, epochs=epochs)
    if processes.first(lambda: ModelFolder.open(folder).config.corpus.fingerprint) == whole.fingerprint:
        return train_model(settings, whole, emit, processes)  # the new model is in place: resuming may make it longer
    title = _title(settings, 2 * settings.models_each_way + 1, "of the corpus and its translations")
    new = work / "model" / folder.name
    train_model(replace(settings, out=str(new)), whole, _part(emit, title, None), processes)
    processes.first(lambda: tell(Note(f"{_let_the_better_stay(folder, new)}: {settings.out}")))
    return folder


def _title(settings: TrainSettings, number: int, about: str) -> str:
    return f"Model {number} of {2 * settings.models_each_way + 1}: {about}"


def _reason_against(bleu: float, target_bleu: float) -> str:
    """Why a first model of this validation BLEU is also the last, or an empty text."""
    if 0 < target_bleu <= bleu:
        return f"the model has reached validation BLEU {target_bleu:g}"
    if bleu < LEAST_BLEU:
        return f"the translations of a model below validation BLEU {LEAST_BLEU:g} have nothing to add"
    return ""


def _add_round(
    number: int,
    settings: TrainSettings,
    corpus: PreparedCorpus,
    whole: PreparedCorpus,
    emit: Emit,
    processes: Processes,
) -> int:
    """Train the two models of a round, and return how many pairs they add to the corpus and those of earlier rounds.

    Args:
        number: of the round, from 1; the first has its model of this direction already, that of the corpus as it is.
        settings: those of that model, to resume by.
        corpus: the pairs to learn from, and to translate.
        whole: these, and what earlier rounds have added.
        emit: called with each event.
        processes: those that train together.
    """
    forward = Path(settings.out).resolve()
    folder = forward / "training" / "diversification" / str(number)
    backward = folder / "backward"
    settings = replace(settings, seed=settings.seed + number - 1)
    if number > 1:
        forward = folder / "forward"
        about = f"from {corpus.src_lang} to {corpus.tgt_lang} again, to diversify the corpus by"
        title = _title(settings, 2 * number - 1, about)
        train_model(replace(settings, out=str(forward)), corpus, _part(emit, title, None), processes)
    title = _title(settings, 2 * number, f"from {corpus.tgt_lang} to {corpus.src_lang}, to diversify the corpus by")
    opposite = replace(
        settings, out=str(backward), src_embeddings=settings.tgt_embeddings, tgt_embeddings=settings.src_embeddings
    )
    train_model(opposite, corpus.reversed, _part(emit, title, None), processes)

    def add() -> int:
        added = _diversify(settings, corpus, whole, forward, backward, emit)
        if added:
            with _resumable():
                _write(added, corpus, settings, folder / "pairs")
            for model in (folder / "forward", backward):
                shutil.rmtree(model, ignore_errors=True)
            emit(Note(f"{len(added):,} pairs are new"))
        return len(added)

    return processes.first(add)


def _diversify(
    settings: TrainSettings, corpus: PreparedCorpus, whole: PreparedCorpus, forward: Path, backward: Path, tell: Emit
) -> Pairs:
    """Let two models translate the sides of a corpus; return the pairs that the whole does not have yet.

    Raises:
        Interrupted: SIGINT or SIGTERM came.
    """
    sources, targets = _texts(corpus.train)
    tell(Note(f"Translating the {len(sources):,} training pairs, both ways"))
    added = dict.fromkeys(
        [
            *((source, target) for source, target in _translated(forward, sources, settings)),
            *((source, target) for target, source in _translated(backward, targets, settings)),
        ]
    )
    for pair in zip(*_texts(whole.train), strict=True):
        added.pop(pair, None)
    return list(added)


def _texts(split: Split) -> tuple[list[str], list[str]]:
    """Return the two sides of all pairs."""
    everything = range(len(split))
    return split.src_texts(everything), split.tgt_texts(everything)


def _translated(model: Path, lines: Sequence[str], settings: TrainSettings) -> Pairs:
    """Return each line and its translation, without those that a glance shows to be bad."""
    translator = Translator.load(model, device=settings.device, threads=settings.threads, seed=settings.seed)
    pairs: Pairs = []
    with stop_request() as stop:
        for first in range(0, len(lines), TRANSLATED_TOGETHER):
            translations = translator.translate(lines[first : first + TRANSLATED_TOGETHER])
            pairs += [(one.source, one.text) for one in translations if one.text and not one.flags]
            if number := stop.signal_number:
                raise Interrupted("stopped while translating the corpus; both models are saved", number)
    return pairs


def _write(pairs: Pairs, corpus: PreparedCorpus, settings: TrainSettings, out: Path) -> None:
    """Prepare pairs with the vocabularies and the filters of a corpus, and validation pairs of it."""
    texts = {"machine-translated": pairs, "valid": list(zip(*_texts(corpus.valid), strict=True))}
    with writing(out), TemporaryDirectory() as temporary:
        prefixes = [Path(temporary) / name for name in texts]
        for prefix, of_split in zip(prefixes, texts.values(), strict=True):
            for lang, lines in zip((corpus.src_lang, corpus.tgt_lang), zip(*of_split, strict=True), strict=True):
                file = prefix.with_name(f"{prefix.name}.{lang}")
                file.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
        train, held_out = ((str(prefix),) for prefix in prefixes)
        given = replace(corpus.manifest.corpus, train=train, valid=held_out, vocabulary=str(corpus.path))
        prepare(PreprocessSettings(seed=settings.seed, corpus=given, out=str(out)))


def _let_the_better_stay(folder: Path, new: Path) -> str:
    """Put the new model in the place of the first if it is better, with what it was trained on; say which one stays.

    Raises:
        TrainingError: the disk is full.
    """
    first_bleu, new_bleu = _best_bleu(folder), _best_bleu(new)
    if new_bleu <= first_bleu:
        return f"The first model stays (validation BLEU {first_bleu:.2f}, the new one {new_bleu:.2f})"
    with _resumable(), new_folder(folder) as draft:
        # what users have put beside the first model stays too
        but_training = shutil.ignore_patterns("training")
        shutil.copytree(folder, draft, symlinks=True, ignore=but_training, dirs_exist_ok=True)
        shutil.copytree(new, draft, dirs_exist_ok=True)
        for pattern in ("training/prepared", "training/diversification/*/pairs"):
            for kept in folder.glob(pattern):
                shutil.copytree(kept, draft / kept.relative_to(folder))
    return f"The new model takes the first one's place (validation BLEU {new_bleu:.2f}, before {first_bleu:.2f})"


@contextmanager
def _resumable() -> Iterator[None]:
    """Say of a full disk that nothing is lost by it."""
    try:
        yield
    except OutputError as error:
        raise TrainingError(f"{error}; --resume goes on from here") from error


def _best_bleu(folder: Path) -> float:
    """The best validation BLEU of a model whose training is over."""
    return float(next(record["best_bleu"] for record in reversed(read_log(folder)) if record["kind"] == "finished"))


def _part(emit: Emit, title: str, out: Path | None) -> Emit:
    """Emit what one of the trainings tells: a title before its start, and at its end the folder where its model stays.

    The title waits for the start, by when all that could be wrong with the settings has been found.
    """

    def tell(event: Event) -> None:
        if isinstance(event, Started):
            emit(Note(title))
        emit(replaced(event, out=out) if isinstance(event, Finished) else event)

    return tell
