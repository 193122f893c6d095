"""Where the events of a training go: into the log, and to whoever listens."""

from __future__ import annotations

from collections.abc import Callable

from mtkit.training.events import Event, Warned
from mtkit.training.processes import Processes
from mtkit.training.training_state import TrainingState
from mtkit.training_log import TrainingLog, log_line


class Recorder:
    """Records the events of one training. Of several processes, the first one alone does."""

    def __init__(
        self, log: TrainingLog, state: TrainingState, processes: Processes, emit: Callable[[Event], None]
    ) -> None:
        self.log = log
        self.state = state
        self.processes = processes
        self.listener = emit

    def record(self, event: Event) -> None:
        """Write an event into the log, and emit it."""
        if self.processes.is_first:
            self.log.write(log_line(event.kind, vars(event), self.state.progress.seconds))
            self.listener(event)

    def emit(self, event: Event) -> None:
        """Emit an event that the log has already."""
        if self.processes.is_first:
            self.listener(event)

    def warn(self, message: str) -> None:
        """Record that training goes on, but not as it was meant to."""
        self.record(Warned(self.state.progress.update, message))
