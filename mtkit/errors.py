"""The errors mtkit raises. The library raises them; the command line prints one line and exits with their code.

    MtkitError                     1  anything mtkit itself reports
    ├── InputError                 2  what the user gave cannot be used
    │   ├── SettingsError          2  a flag, a config key or a combination of them
    │   ├── CorpusError            2  parallel text: missing, misaligned, not UTF-8, empty
    │   ├── VocabularyError        2  a vocabulary that cannot be built, read or combined
    │   ├── PreparedError          2  a folder that is not a prepared corpus, or is damaged
    │   ├── ModelFolderError       2  a folder that is not a model, or does not fit together
    │   ├── OutputError            2  a place that cannot be written: it exists, is read-only or full
    │   └── MissingExtraError      2  a command needs packages of the full install
    ├── TrainingError              1  training cannot go on
    └── Interrupted                130 or 143  Ctrl-C or SIGTERM, after everything was saved

Every message is one line that names the file, the line or the key, and says what to do.
"""

from __future__ import annotations


class MtkitError(Exception):
    """Base of all errors that mtkit reports."""

    exit_code = 1


class InputError(MtkitError):
    """Something the user gave cannot be used."""

    exit_code = 2


class SettingsError(InputError):
    """A flag or a config key is unknown, out of bounds or does not fit with another."""


class CorpusError(InputError):
    """Parallel text is missing, misaligned, not UTF-8 or empty."""


class VocabularyError(InputError):
    """A vocabulary cannot be built from the corpus, read, or combined with another."""


class PreparedError(InputError):
    """A folder is not a prepared corpus, or is damaged."""


class ModelFolderError(InputError):
    """A folder is not a model, or its parts do not fit together."""


class OutputError(InputError):
    """A result cannot be written: the place exists, is read-only or full."""


class MissingExtraError(InputError):
    """A command needs packages that only the full install brings."""


class TrainingError(MtkitError):
    """Training cannot go on."""


class Interrupted(MtkitError):
    """A signal stopped the work after everything was saved; carries the signal's number."""

    def __init__(self, message: str, signal_number: int) -> None:
        super().__init__(message)
        self.exit_code = 128 + signal_number
