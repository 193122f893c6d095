"""`train`: from settings and a corpus to a model, by whichever way the settings ask for."""

from __future__ import annotations

from collections.abc import Callable

from msgspec.structs import replace

from mtkit.dataset.prepared import PreparedCorpus
from mtkit.errors import SettingsError
from mtkit.presets import recipe_for
from mtkit.settings import TrainSettings
from mtkit.synthetic.diversification import diversify
from mtkit.training import Collaborators, Event, TrainingResult, train_model
from mtkit.training.collaborators import USUAL
from mtkit.training.events import ignore
from mtkit.training.processes import ALONE, Processes


def train(
    settings: TrainSettings,
    corpus: PreparedCorpus,
    emit: Callable[[Event], None] = ignore,
    processes: Processes = ALONE,
    collaborators: Collaborators = USUAL,
) -> TrainingResult:
    """Train a model on a prepared corpus, by way of its own translations where `settings.diversify` says so.

    Arguments, result and errors are those of `train_model`.
    """
    if not (settings.epochs or settings.updates):
        settings = replace(settings, epochs=recipe_for(corpus.size).epochs)
    if settings.diversify:
        return diversify(settings, corpus, emit, processes, collaborators)
    if settings.models_each_way > 1:
        raise SettingsError(
            f"`models_each_way={settings.models_each_way}` is of no use to a corpus that is not diversified; add "
            "`diversify=True`, or leave it out"
        )
    return train_model(settings, corpus, emit, processes, collaborators)
