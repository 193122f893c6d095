"""The model folder that a training writes: how it begins, is resumed, and is finished."""

from __future__ import annotations

import shutil
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import msgspec

from mtkit.dataset.prepared import PreparedCorpus
from mtkit.errors import OutputError, SettingsError
from mtkit.model_folder import (
    CorpusRecord,
    ModelConfig,
    ModelFolder,
    check_no_links,
    check_way,
    is_free,
    is_model_folder,
)
from mtkit.report import BestModel, draw_curves, write_model_card
from mtkit.runtime.onnx_export.export import export
from mtkit.settings import NetworkSettings
from mtkit.storage import new_folder, remove_drafts, writing
from mtkit.training.saved_settings import LENGTHS, Saved
from mtkit.training.schedule import Schedule
from mtkit.training.whole_state import newest_whole_state, refusal, saved_states
from mtkit.training_log import LOG
from mtkit.version import __version__


@dataclass(frozen=True)
class Resumable:
    """What a model folder has to go on from."""

    state: Path
    """The folder of the training state."""
    settings: Saved
    """Those that the training began with, as config.json has them."""
    damaged: tuple[str, ...]
    """A line about each newer state, which is not whole."""


class OutputFolder:
    """The model folder of one training. Only the first of several processes touches it."""

    def __init__(self, out: str, corpus: PreparedCorpus) -> None:
        self.out = out
        """As it was given, for messages."""
        self.path = Path(out).resolve()
        self.corpus = corpus

    def find_resumable(self, *, diversify: bool) -> Resumable | None:
        """Return what to go on from, or None where nothing was saved yet.

        Args:
            diversify: whether this training diversifies, which the one before may have done as its corpus asked.

        Raises:
            OutputError: there is no model, or one without a training state.
            SettingsError: it was trained on another corpus.
        """
        path = Path(self.out)
        if is_free(path):
            return None
        if not is_model_folder(path):
            raise OutputError(f"{path}: is no model folder, so there is nothing to resume; choose another `out`")
        check_no_links(path)
        for place in (path, path / "training"):
            remove_drafts(place)
        state, damaged = newest_whole_state(path / "training")
        if state is None and damaged:
            raise refusal(path, damaged)
        if state is None:
            check_no_weights(path)
            return None
        config = ModelFolder.open(path).config
        if config.corpus.fingerprint != self.corpus.fingerprint:
            # diversifying has made it grow
            more = " and `diversify=True`" if config.train.get("diversify") and not diversify else ""
            raise SettingsError(
                f"{path}: was trained on another corpus than {self.corpus.path}; resume with the one it began with"
                f"{more}, or train a new model from its weights with `init_from={path}` and another `out`"
            )
        return Resumable(state, config.train, damaged)

    def begin(self, network: NetworkSettings, settings: Saved, *, may_replace: bool) -> None:
        """Begin the folder, in the place of an older model where that is allowed; it appears whole.

        Raises:
            OutputError: there is something that may not be replaced, or the disk is full.
        """
        config, vocabularies = self._config(network, settings), self.corpus.vocabulary_files
        inside = any(self.path in path.resolve().parents for path in self.corpus.paths)
        if inside:  # a raw-text training that ended before it saved anything
            (self.path / LOG).unlink(missing_ok=True)
            ModelFolder.create(self.path, config, vocabularies)
            return
        check_way(self.path, may_replace)
        with new_folder(self.path, lambda: check_way(self.path, may_replace)) as draft:
            ModelFolder.create(draft, config, vocabularies)
        if self.corpus.path == corpus_beside(self.path):
            with writing(self.path):
                corpus_inside(self.path).parent.mkdir()
                self.corpus.path.rename(corpus_inside(self.path))  # what is mapped stays mapped

    def resume(self, before: Saved, now: Saved, began: Schedule, schedule: Schedule, done: int) -> None:
        """Let the training go on, longer where that leaves its past as it was, and write down how long it will be.

        Args:
            before: the settings it began with.
            now: those it goes on with.
            began: the learning rates of its length then.
            schedule: those of its length now.
            done: updates that are done.

        Raises:
            SettingsError: it would be shorter, or the updates that are done would have been others.
        """
        changes = [f"`{key}` from {before[key]} to {now[key]}" for key in LENGTHS if before[key] != now[key]]
        changed = ", ".join(changes)
        if changed and schedule.updates < began.updates:
            raise SettingsError(
                f"`resume=True` cannot shorten a training ({changed}); stop it with Ctrl-C where it is long enough"
            )
        if changed and not schedule.agrees(began, done):
            raise SettingsError(
                f"`resume=True` cannot lengthen a training ({changed}) under `schedule={schedule.name}`, whose "
                f"learning rates up to update {done:,} would have been others; leave it as it was, or train a new "
                f"model from its weights with `init_from={self.out}` and another `out`"
            )
        for damaged in saved_states(self.path / "training"):
            if int(damaged.name) > done:
                shutil.rmtree(damaged, ignore_errors=True)
        model = ModelFolder.open(self.path)
        resolved = {key: now[key] for key in (*LENGTHS, "valid_every", "save_every")}
        if any(model.config.train.get(key) != value for key, value in resolved.items()):
            model.configured(**resolved)

    def finish(self, network: NetworkSettings, best: BestModel) -> None:
        """Give the trained model what translates, its card, and its curves: last, as they are the least of it."""
        export(ModelFolder.open(self.path))
        write_model_card(self.path, network, self.corpus, best)
        draw_curves(self.path)

    def leave_usable(self) -> None:
        """Make what an interrupted training has learnt fit for use, where the disk allows."""
        with suppress(OutputError):
            if (model := ModelFolder.open(self.path)).has_weights:
                export(model)
            draw_curves(self.path)

    def _config(self, network: NetworkSettings, settings: Saved) -> ModelConfig:
        corpus, manifest = self.corpus, self.corpus.manifest
        inputs = [*manifest.train.inputs, *manifest.valid.inputs]
        return ModelConfig(
            mtkit_version=__version__,
            src_lang=corpus.src_lang,
            tgt_lang=corpus.tgt_lang,
            vocabularies={entry.name: entry.sha256 for entry in manifest.vocabularies},
            src_vocab_size=len(corpus.src_vocabulary),
            tgt_vocab_size=len(corpus.tgt_vocabulary),
            normalisation=manifest.normalisation,
            variants=manifest.variants,
            network=network,
            corpus=CorpusRecord(
                fingerprint=corpus.fingerprint,
                train_pairs=len(corpus.train),
                valid_pairs=len(corpus.valid),
                longest_src=int(corpus.train.src_lengths.max()),
                inputs=[msgspec.to_builtins(entry) for entry in inputs],
            ),
            preprocess=msgspec.to_builtins(manifest.corpus),
            train=dict(settings),
        )


def check_no_weights(path: Path) -> None:
    """Raise `OutputError` where resuming without a state, which is to start over, would cost a model its weights."""
    if (path / "model.safetensors").exists():
        raise OutputError(
            f"{path}: holds a model but no training state to resume from; another `out` with `init_from={path}` goes "
            "on from its weights"
        )


def corpus_beside(folder: Path) -> Path:
    """Return where the corpus of a raw-text training lies before the model folder has begun."""
    return folder.with_name(f".{folder.name}.prepared")


def corpus_inside(folder: Path) -> Path:
    """Return where it lies once the model folder has begun."""
    return folder / "training" / "prepared"


def corpus_in_place(corpus: PreparedCorpus, folder: Path) -> PreparedCorpus:
    """Return the corpus from where it lies once a model folder has begun: one made from raw text has moved in."""
    return PreparedCorpus.open(corpus_inside(folder)) if corpus.path == corpus_beside(folder) else corpus
