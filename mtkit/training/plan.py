"""What is known of a training before there is a network: where it begins, and the values of its settings."""

from __future__ import annotations

from dataclasses import dataclass

from msgspec.structs import replace

from mtkit.dataset.batches import Batches
from mtkit.dataset.prepared import PreparedCorpus
from mtkit.errors import PreparedError
from mtkit.settings import TrainSettings
from mtkit.training.intervals import last_update, updates_of
from mtkit.training.output_folder import OutputFolder, Resumable
from mtkit.training.processes import Processes
from mtkit.training.progress import Progress
from mtkit.training.saved_settings import (
    Saved,
    as_meant,
    check_unchanged,
    completed,
    fingerprint,
    resolve_network,
    saved_form,
)
from mtkit.training.schedule import Schedule
from mtkit.training.start import Start


@dataclass(frozen=True)
class Plan:
    """A training that can begin, or go on."""

    settings: TrainSettings
    """With nothing left open."""
    saved: Saved
    """The settings as config.json has them."""
    before: Saved
    """Those that a resumed training began with, else empty."""
    found: Resumable | None
    """What a training is resumed from."""
    start: Start
    batches: Batches
    batches_per_update: int
    """Of all processes together."""

    @classmethod
    def of(cls, settings: TrainSettings, corpus: PreparedCorpus, output: OutputFolder, processes: Processes) -> Plan:
        """Make the plan of all processes; nothing is touched yet.

        Raises:
            SettingsError: settings do not fit together, or (resuming) with those the training began with.
            PreparedError: another process was given another corpus.
            OutputError: there is nothing at `out` that can be resumed.
            ModelFolderError: what there is to resume is damaged.
        """
        network = resolve_network(settings.network, corpus.joint)
        start = Start(settings.init_from, settings.src_embeddings, settings.tgt_embeddings)
        start.check(network.embedding_size)
        if processes.first(lambda: corpus.fingerprint) != corpus.fingerprint:
            raise PreparedError(f"{corpus.path}: is another corpus here than for the first process; copy that one here")
        found = None
        if settings.resume:
            found = processes.first(lambda: output.find_resumable(diversify=settings.diversify))
        batches = Batches(corpus.train, settings.batch_tokens, settings.seed)
        batches_per_update = processes.count * settings.accumulate
        epoch = updates_of(len(batches), batches_per_update)
        before = as_meant(found.settings, corpus.size, epoch) if found else {}
        settings = completed(replace(settings, network=network), epoch, before)
        saved = saved_form(settings)
        check_unchanged(before, saved)
        return cls(settings, saved, before, found, start, batches, batches_per_update)

    @property
    def fingerprint(self) -> str:
        """Hash of every setting that the model remembers."""
        return fingerprint(self.saved)

    def schedule_before(self, schedule: Schedule, progress: Progress) -> Schedule:
        """Return the learning rates of a resumed training as they were for the length it began with."""
        updates = last_update(self.before["updates"], self.before["epochs"], len(self.batches), progress)
        return Schedule.over(updates, name=schedule.name, learning_rate=schedule.peak, warmup=self.settings.warmup)
