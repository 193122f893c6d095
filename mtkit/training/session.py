"""Everything around the training loop, from settings to the finished folder of one model."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import msgspec
import torch
from msgspec.structs import replace

from mtkit import __version__
from mtkit.dataset.preparation import prepare
from mtkit.dataset.prepared import PreparedCorpus
from mtkit.errors import Interrupted, OutputError, PreparedError, SettingsError, TrainingError
from mtkit.model_folder import CorpusRecord, ModelConfig, ModelFolder, check_way, is_free, is_model_folder
from mtkit.nn import Seq2Seq
from mtkit.process import torch_as_it_was
from mtkit.runtime.onnx_export.export import export
from mtkit.runtime.torch_stepper import choose_precision, torch_device
from mtkit.settings import NetworkSettings, PreprocessSettings, TrainSettings
from mtkit.signals import stop_request
from mtkit.storage import new_folder, remove_drafts, writing
from mtkit.training.curves import draw_curves
from mtkit.training.events import Event, Finished, Started
from mtkit.training.log import LOG
from mtkit.training.model_card import write_model_card
from mtkit.training.processes import ALONE, Processes
from mtkit.training.schedule import Schedule
from mtkit.training.start import check_embeddings, load_start
from mtkit.training.state import Progress, newest_state
from mtkit.training.trainer import Intervals, Trainer

OF_THE_CALL = {"out", "resume", "force", "verify", "init_from", "src_embeddings", "tgt_embeddings"}
"""Settings that name files and what to do with them; a model does not remember them, since it can be copied."""
OF_THE_TEXT = {"train", "valid", "vocabulary"}
"""Settings of a corpus that say where it came from; what it came to is in the corpus itself."""
OF_VOCABULARIES = {"vocab_size", "vocab_type", "joint"}
"""Settings that vocabularies bring with them where they are taken over."""
MAY_CHANGE = {"threads", "device", "precision", "patience", "target_bleu", "accumulate", "diversify", "models_each_way"}
"""Settings that a resumed training may set anew: they decide where and how long it runs, not what it learns.

Of `accumulate` that is true together with the number of processes; where their product changes, the trainer says so.
`diversify` and `models_each_way` are about what comes after this model.
"""
LENGTHS = ("epochs", "updates")
"""Settings that a resumed training may raise, where that leaves its past as it was."""


def ignore(event: Event) -> None:
    """Listen to nothing."""


@torch_as_it_was()
def train_model(
    settings: TrainSettings,
    corpus: PreparedCorpus,
    emit: Callable[[Event], None] = ignore,
    processes: Processes = ALONE,
) -> Path:
    """Train a model on a prepared corpus and return its folder, `settings.out`.

    Args:
        settings: all of them; `out` must be given.
        corpus: what to learn from and to validate on.
        emit: called with each event, in this thread; of several processes, only in the first.
        processes: those that train together, from `join`.

    Raises:
        SettingsError: settings do not fit together, or (resuming) with those the training began with.
        PreparedError: another process was given another corpus.
        TrainingError: too many updates in a row were skipped, a GPU has no memory for a single pair, the disk is full
            at the end, or another process has ended.
        OutputError: there is something at `out` that neither `resume` nor `force` allows to touch.
        Interrupted: SIGINT or SIGTERM came, and everything is saved.
    """
    if not settings.out:
        raise SettingsError("--out is missing: the model folder to write")
    settings = replace(settings, network=resolve_network(settings.network, corpus.joint))
    check_embeddings(settings)
    folder = Path(settings.out).resolve()
    device = torch_device(settings.device)
    autocast = choose_precision(settings.precision, device)
    if settings.threads:
        torch.set_num_threads(settings.threads)
    torch.manual_seed(settings.seed)
    network = Seq2Seq(settings.network, len(corpus.src_vocabulary), len(corpus.tgt_vocabulary)).to(device)
    if processes.first(lambda: corpus.fingerprint) != corpus.fingerprint:
        raise PreparedError(f"{corpus.path}: is another corpus here than for the first process; copy that one here")
    state = processes.first(lambda: _open_for_resume(settings, corpus) if settings.resume else None)
    notes: list[Event] = []  # for the log, which has not begun yet
    if state is None:
        processes.first(lambda: load_start(settings, corpus, network, notes.append))
    if not processes.is_first:
        emit = ignore
    trainer = Trainer(settings, corpus, network, autocast, folder, emit, processes)
    if state is None:
        processes.first(lambda: _begin(folder, settings, corpus))
        trainer.begin()
    else:
        done = int(state.name)
        processes.first(lambda: _lengthen(settings, trainer, done))
        trainer.restore(state)
    if processes.is_first:
        tell = trainer.tell if state is None else emit  # the log has it already
        for event in (_started(trainer, settings, corpus), *notes):
            tell(event)
    with stop_request() as stop:
        try:
            reason = trainer.run(stop)
            processes.first(lambda: _complete(folder, settings, corpus, trainer.progress))
        except Interrupted:
            processes.first(lambda: _export_what_there_is(folder))
            raise
        except OutputError as error:
            raise TrainingError(f"{error}; --resume goes on from the last save") from error
    progress = trainer.progress
    trainer.tell(
        Finished(
            out=Path(settings.out),
            updates=progress.update,
            best_bleu=progress.best_bleu,
            best_update=progress.best_update,
            seconds=progress.seconds,
            reason=reason,
            skipped=progress.skipped,
        )
    )
    return folder


def open_corpus(
    settings: TrainSettings,
    prepared: Sequence[str],
    report: Callable[[str], None] = lambda line: None,
    processes: Processes = ALONE,
) -> PreparedCorpus:
    """Open the folders of a prepared corpus, or where there are none, prepare the raw text of `settings.corpus` first.

    Raw text is prepared by the first process, beside the model folder, so that nothing there is touched before training
    can begin, and moves in when it does. A training that is resumed goes on with what was prepared when it began.
    """
    if not settings.out:
        raise SettingsError("--out is missing: the model folder to write")
    folder = Path(settings.out).resolve()
    if not prepared:
        return PreparedCorpus.open(processes.first(lambda: _prepared_from_text(folder, settings, report)))
    corpus = PreparedCorpus.open(*map(Path, prepared), verify=settings.verify)
    for name, path in zip(prepared, corpus.paths, strict=True):
        if folder in path.resolve().parents and not settings.resume:
            raise SettingsError(f"{name}: lies inside --out, which would be replaced; move it out first")
    return corpus


def settled(corpus: PreparedCorpus, folder: Path) -> PreparedCorpus:
    """Return the corpus from where it lies once a model folder has begun: one made from raw text has moved in."""
    return PreparedCorpus.open(_corpus_inside(folder)) if corpus.path == _corpus_beside(folder) else corpus


def _prepared_from_text(folder: Path, settings: TrainSettings, report: Callable[[str], None]) -> Path:
    if settings.resume and _corpus_inside(folder).is_dir():
        corpus = PreparedCorpus.open(_corpus_inside(folder))
        _check_same_corpus(settings, corpus)
        return corpus.path
    if settings.resume:
        _check_no_weights(folder)
    check_way(folder, settings.force or settings.resume)
    resolve_network(settings.network, settings.corpus.joint)  # what does not fit shall not wait for the corpus
    check_embeddings(settings)
    wanted = settings.corpus
    if settings.init_from:
        wanted = replace(wanted, vocabulary=wanted.vocabulary or settings.init_from)
    beside = str(_corpus_beside(folder))
    return prepare(PreprocessSettings(seed=settings.seed, corpus=wanted, out=beside, force=True), report).path


def _corpus_beside(folder: Path) -> Path:
    return folder.with_name(f".{folder.name}.prepared")


def _corpus_inside(folder: Path) -> Path:
    return folder / "training" / "prepared"


def _begin(folder: Path, settings: TrainSettings, corpus: PreparedCorpus) -> None:
    """Begin a model folder, in the place of an older model where that was allowed; it appears whole."""
    config = _config(settings, corpus)
    inside = any(folder in path.resolve().parents for path in corpus.paths)
    if inside:  # a raw-text training that was cut off before it saved anything
        (folder / LOG).unlink(missing_ok=True)
        ModelFolder.create(folder, config, corpus.vocabulary_files)
        return
    check_way(folder, settings.force or settings.resume)
    with new_folder(folder) as draft:
        ModelFolder.create(draft, config, corpus.vocabulary_files)
    if corpus.path == _corpus_beside(folder):
        with writing(folder):
            _corpus_inside(folder).parent.mkdir()
            corpus.path.rename(_corpus_inside(folder))  # what is mapped stays mapped


def _complete(folder: Path, settings: TrainSettings, corpus: PreparedCorpus, progress: Progress) -> None:
    """Give the trained model what translates, its card, and its curves: last, as they are the least of it."""
    export(ModelFolder.open(folder))
    write_model_card(folder, settings, corpus, progress)
    draw_curves(folder)


def _export_what_there_is(folder: Path) -> None:
    """Make what has been learnt so far fit for use, where the disk allows."""
    with suppress(OutputError):
        if (model := ModelFolder.open(folder)).has_weights:
            export(model)
        draw_curves(folder)


def _lengthen(settings: TrainSettings, trainer: Trainer, done: int) -> None:
    """Let a training be longer; raise `SettingsError` where it would be shorter, or its `done` updates be others."""
    model = ModelFolder.open(trainer.folder)
    began = replace(settings, **{key: model.config.train[key] for key in LENGTHS})
    if began == settings:
        return
    before = Intervals.of(began, trainer.pairs, len(trainer.plan), trainer.progress).updates
    changed = [key for key in LENGTHS if getattr(began, key) != getattr(settings, key)]
    told = ", ".join(f"{key} from {getattr(began, key)} to {getattr(settings, key)}" for key in changed)
    if trainer.intervals.updates < before:
        raise SettingsError(f"--resume cannot shorten a training ({told}); stop it with Ctrl-C where it is long enough")
    if not trainer.schedule.agrees(Schedule.of(began, before), done):
        raise SettingsError(
            f"--resume cannot lengthen a training ({told}) under the schedule {settings.schedule}, whose learning "
            f"rates up to update {done:,} would have been others; leave it as it was, or train a new model from its "
            f"weights with --init-from {settings.out} and another --out"
        )
    model.configured(**{key: getattr(settings, key) for key in LENGTHS})


def _check_same_corpus(settings: TrainSettings, corpus: PreparedCorpus) -> None:
    """Raise `SettingsError` where resuming would go on with a corpus prepared in another way than it asks for."""
    began = msgspec.to_builtins(corpus.manifest.corpus)
    given = {*OF_THE_TEXT, *(OF_VOCABULARIES if settings.corpus.vocabulary or settings.init_from else ())}
    for key, now in msgspec.to_builtins(settings.corpus).items():
        if key not in given and began[key] != now:
            raise SettingsError(
                f"--resume cannot change {key} from {began[key]} to {now}; leave it as it was, or train into another "
                "--out"
            )


def resolve_network(network: NetworkSettings, joint: bool) -> NetworkSettings:
    """Settle what `auto` means for a corpus with one joint vocabulary, or with two.

    Raises:
        SettingsError: one table cannot serve two vocabularies.
    """
    if network.tied_embeddings == "all" and not joint:
        raise SettingsError("tied_embeddings all needs a joint vocabulary, and this corpus has two; use target")
    if network.tied_embeddings == "auto":
        return replace(network, tied_embeddings="all" if joint else "target")
    return network


def _config(settings: TrainSettings, corpus: PreparedCorpus) -> ModelConfig:
    manifest = corpus.manifest
    return ModelConfig(
        mtkit_version=__version__,
        src_lang=corpus.src_lang,
        tgt_lang=corpus.tgt_lang,
        vocabularies={entry.name: entry.sha256 for entry in manifest.vocabularies},
        src_vocab_size=len(corpus.src_vocabulary),
        tgt_vocab_size=len(corpus.tgt_vocabulary),
        network=settings.network,
        corpus=CorpusRecord(
            fingerprint=corpus.fingerprint,
            train_pairs=len(corpus.train),
            valid_pairs=len(corpus.valid),
            longest_src=int(corpus.train.src_lengths.max()),
            inputs=[msgspec.to_builtins(entry) for split in (manifest.train, manifest.valid) for entry in split.inputs],
        ),
        preprocess=msgspec.to_builtins(manifest.corpus),
        train=_flat(settings),
    )


def _flat(settings: TrainSettings) -> dict[str, Any]:
    """The settings of training as a `--config` file has them."""
    tree = msgspec.to_builtins(settings)
    del tree["corpus"]
    flat = {**tree.pop("network"), **tree}
    return {key: value for key, value in flat.items() if key not in OF_THE_CALL}


def _open_for_resume(settings: TrainSettings, corpus: PreparedCorpus) -> Path | None:
    """Return the state to go on from, or None where nothing was saved yet."""
    path = Path(settings.out)
    if is_free(path):
        return None
    if not is_model_folder(path):
        raise OutputError(f"{path}: is no model folder, so there is nothing to resume; choose another --out")
    for place in (path, path / "training"):
        remove_drafts(place)
    state = newest_state(path / "training")
    if state is None:
        _check_no_weights(path)
        return None
    config = ModelFolder.open(path).config
    if config.corpus.fingerprint != corpus.fingerprint:
        # diversifying has made it grow
        flag = " and --diversify" if config.train.get("diversify") and not settings.diversify else ""
        raise SettingsError(
            f"{path}: was trained on another corpus than {corpus.path}; resume with the one it began with{flag}, "
            f"or train a new model from its weights with --init-from {path} and another --out"
        )
    for key, now in _flat(settings).items():
        before = config.train.get(key, now)  # one that mtkit did not have then has changed nothing
        if key not in {*MAY_CHANGE, *LENGTHS} and before != now:
            raise SettingsError(
                f"--resume cannot change {key} from {before} to {now}; leave it as it was, or train into another --out"
            )
    return state


def _check_no_weights(path: Path) -> None:
    """Raise `OutputError` where resuming without a state, which is to start over, would cost a model its weights."""
    if (path / "model.safetensors").exists():
        raise OutputError(f"{path}: holds a model but no training state to resume from; --force trains it anew")


def _started(trainer: Trainer, settings: TrainSettings, corpus: PreparedCorpus) -> Started:
    return Started(
        out=trainer.folder,
        langs=f"{corpus.src_lang}-{corpus.tgt_lang}",
        settings=hashlib.sha256(msgspec.json.encode(_flat(settings), order="sorted")).hexdigest(),
        corpus=corpus.fingerprint,
        train_pairs=len(corpus.train),
        train_pieces=(int(corpus.train.src_lengths.sum()), int(corpus.train.tgt_lengths.sum())),
        valid_pairs=len(corpus.valid),
        src_vocab_size=len(corpus.src_vocabulary),
        tgt_vocab_size=len(corpus.tgt_vocabulary),
        joint=corpus.joint,
        parameters=trainer.network.parameters_by_part(),
        device=str(trainer.device),
        precision="float32" if trainer.autocast is None else str(trainer.autocast).removeprefix("torch."),
        threads=torch.get_num_threads(),
        memory=trainer.estimate_memory(),
        updates=trainer.intervals.updates,
        updates_per_epoch=trainer.intervals.epoch,
        first_update=trainer.progress.update + 1,
    )
