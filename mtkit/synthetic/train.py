"""`train`: from settings and a corpus to a model, by whichever way the settings ask for."""

from __future__ import annotations

from collections.abc import Callable

from mtkit.configuration import as_resolved, for_corpus
from mtkit.dataset.prepared import PreparedCorpus
from mtkit.errors import SettingsError
from mtkit.settings import TrainSettings
from mtkit.starting_point import from_starting_point
from mtkit.synthetic.diversification import diversify
from mtkit.training import Collaborators, Event, TrainingResult, open_corpus, train_model
from mtkit.training.collaborators import USUAL
from mtkit.training.events import ignore, notify
from mtkit.training.processes import ALONE, Processes


def train(
    settings: TrainSettings,
    corpus: PreparedCorpus | None = None,
    emit: Callable[[Event], None] = ignore,
    processes: Processes = ALONE,
    collaborators: Collaborators = USUAL,
) -> TrainingResult:
    """Train a model on a corpus, by way of its own translations where `settings.diversify` says so.

    Args:
        settings: what they leave open is chosen by the corpus, or taken from the model that is resumed.
        corpus: what to learn from and to validate on; without it, the text of `settings.corpus` is prepared.
        emit: called with each event, in this thread; of several processes, only in the first.
        processes: those that train together, from `join`.
        collaborators: clock, validator and signals, where they are not the usual ones.

    Result and errors are those of `train_model` and, without a corpus, of `open_corpus`.
    """
    resolved = as_resolved(settings)
    if corpus is None:
        text = from_starting_point(resolved).settings
        corpus = open_corpus(text, (), lambda line: notify(emit, line), processes)
    fingerprint = corpus.fingerprint
    resolved = processes.first(lambda: from_starting_point(resolved, fingerprint))
    settings = for_corpus(resolved, corpus.size).settings
    if settings.diversify:
        return diversify(settings, corpus, emit, processes, collaborators)
    if settings.models_each_way > 1:
        raise SettingsError(
            f"`models_each_way={settings.models_each_way}` is of no use to a corpus that is not diversified; add "
            "`diversify=True`, or leave it out"
        )
    return train_model(settings, corpus, emit, processes, collaborators)
