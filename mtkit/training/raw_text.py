"""The corpus of a training: prepared folders, or raw text that is prepared first."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from msgspec.structs import replace

from mtkit.corpus import ParallelText
from mtkit.dataset.preparation import prepare
from mtkit.dataset.prepared import PreparedCorpus
from mtkit.errors import MtkitError, SettingsError
from mtkit.model_folder import check_way
from mtkit.settings import CorpusSettings, PreprocessSettings, TrainSettings
from mtkit.storage import sha256
from mtkit.text.languages import split_langs
from mtkit.text.lines import is_pipe
from mtkit.training.output_folder import check_no_weights, corpus_beside, corpus_inside
from mtkit.training.processes import ALONE, Processes
from mtkit.training.saved_settings import check_same_corpus, resolve_network
from mtkit.training.start import Start


def open_corpus(
    settings: TrainSettings,
    prepared: Sequence[str],
    report: Callable[[str], None] = lambda line: None,
    processes: Processes = ALONE,
) -> PreparedCorpus:
    """Open the folders of a prepared corpus, or where there are none, prepare the raw text of `settings.corpus` first.

    Raw text is prepared by the first process, beside the model folder, so that nothing there is touched before training
    can begin, and moves in when it does. A training that is resumed goes on with what was prepared when it began.

    Raises:
        SettingsError: `out` is missing, a prepared folder lies inside it, or (resuming) the corpus is prepared in
            another way than when it began.
        OutputError: there is something at `out` that neither `resume` nor `force` allows to touch.
        CorpusError: the raw text cannot be used.
    """
    if not settings.out:
        raise SettingsError("`out` is missing: the model folder to write")
    folder = Path(settings.out).resolve()
    if not prepared:
        return PreparedCorpus.open(processes.first(lambda: _prepared_from_text(folder, settings, report)))
    corpus = PreparedCorpus.open(*map(Path, prepared), verify=settings.verify)
    for name, path in zip(prepared, corpus.paths, strict=True):
        if folder in path.resolve().parents and not settings.resume:
            raise SettingsError(f"{name}: lies inside `out`, which would be replaced; move it out first")
    return corpus


def _prepared_from_text(folder: Path, settings: TrainSettings, report: Callable[[str], None]) -> Path:
    wanted = settings.corpus
    if settings.resume and corpus_inside(folder).is_dir():
        corpus = PreparedCorpus.open(corpus_inside(folder))
        given = bool(wanted.vocabulary or settings.init_from)
        check_same_corpus(corpus.manifest.corpus, wanted, vocabulary_is_given=given)
        if changed := changed_text(corpus, wanted):
            report(
                f"{changed}: is not the text that this training began with, which it keeps to; to learn from the new "
                f"one, train into another `out` with `init_from={settings.out}`"
            )
        return corpus.path
    if settings.resume:
        check_no_weights(folder)
    check_way(folder, settings.force or settings.resume)
    # what does not fit shall not wait for the corpus
    network = resolve_network(settings.network, wanted.joint)
    start = Start(settings.init_from, settings.src_embeddings, settings.tgt_embeddings)
    start.check(network.embedding_size)
    if wanted.langs:
        start.check_direction(*split_langs(wanted.langs))
    if settings.init_from:
        wanted = replace(wanted, vocabulary=wanted.vocabulary or settings.init_from)
    beside = str(corpus_beside(folder))
    return prepare(PreprocessSettings(seed=settings.seed, corpus=wanted, out=beside, force=True), report).path


def changed_text(corpus: PreparedCorpus, given: CorpusSettings) -> str:
    """Return which text is not the one that a corpus was prepared from, or nothing where none is known to differ.

    Text that is no longer there, or is given as a pipe, is not compared.
    """
    langs, manifest = (corpus.src_lang, corpus.tgt_lang), corpus.manifest
    for specs, entries in ((given.train, manifest.train.inputs), (given.valid, manifest.valid.inputs)):
        try:
            texts = [ParallelText.parse(spec, *langs, given.columns) for spec in specs]
            files = [file for text in texts for file in text.files]
            if any(map(is_pipe, files)):
                continue
            digests = [sha256(file) for file in files]
        except (MtkitError, OSError):
            continue
        if specs and digests != [entry.sha256 for entry in entries]:
            return ", ".join(map(str, texts))
    return ""
