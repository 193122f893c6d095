"""Where the events of a training go: into the log, and to whoever listens."""

from __future__ import annotations

from mtkit.training.events import UNHEARD, Event, Listener, Warned
from mtkit.training.processes import Processes
from mtkit.training.training_state import TrainingState
from mtkit.training_log import TrainingLog, log_line


class Recorder:
    """Records the events of one training. Of several processes, the first one alone does.

    A listener that cannot write costs nothing: it is offered the next event, and the log has one line about it.
    """

    def __init__(self, log: TrainingLog, state: TrainingState, processes: Processes, emit: Listener) -> None:
        self.log = log
        self.state = state
        self.processes = processes
        self.listener = emit
        self._missed = False

    def record(self, event: Event) -> None:
        """Write an event into the log, and emit it."""
        if self.processes.is_first:
            self._log(event)
            self.emit(event)

    def emit(self, event: Event) -> None:
        """Emit an event that the log has already."""
        if not self.processes.is_first:
            return
        try:
            self.listener(event)
        except UNHEARD as error:
            if not self._missed:
                self._missed = True
                message = f"what is reported cannot be shown ({error}); training goes on, and this log has all of it"
                self._log(Warned(self.state.progress.update, message))

    def warn(self, message: str) -> None:
        """Record that training goes on, but not as it was meant to."""
        self.record(Warned(self.state.progress.update, message))

    def _log(self, event: Event) -> None:
        self.log.write(log_line(event.kind, vars(event), self.state.progress.seconds))
