"""mtkit: a recurrent machine translation toolkit.

What a Python user needs is here; it is imported when it is first used, so that `import mtkit` stays light.

    corpus = mtkit.prepare(mtkit.PreprocessSettings(corpus=..., out="build/en-fr"))
    mtkit.train(mtkit.TrainSettings(preset="base", out="models/en-fr"), corpus)
    translator = mtkit.Translator.load("models/en-fr")
    scores = mtkit.evaluate(mtkit.EvaluateSettings(test="data/test"), "models/en-fr")

Semantic versioning covers the names in `mtkit.__all__`, with the parameters, fields, methods and properties that their
documentation names; the commands, their flags, the keys of a config file and the exit codes; and that a model or a
prepared corpus is read by every later version of the same major version. It covers neither the modules below `mtkit`
as such, nor the wording of messages, nor the values that presets choose: for those, a model remembers its own.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from mtkit.version import __version__ as __version__

if TYPE_CHECKING:
    from mtkit.configuration import Resolved as Resolved
    from mtkit.configuration import resolve as resolve
    from mtkit.dataset.preparation import prepare as prepare
    from mtkit.dataset.prepared import PreparedCorpus as PreparedCorpus
    from mtkit.errors import CorpusError as CorpusError
    from mtkit.errors import InputError as InputError
    from mtkit.errors import Interrupted as Interrupted
    from mtkit.errors import MissingExtraError as MissingExtraError
    from mtkit.errors import ModelFolderError as ModelFolderError
    from mtkit.errors import MtkitError as MtkitError
    from mtkit.errors import OutputError as OutputError
    from mtkit.errors import PreparedError as PreparedError
    from mtkit.errors import SettingsError as SettingsError
    from mtkit.errors import TrainingError as TrainingError
    from mtkit.errors import VocabularyError as VocabularyError
    from mtkit.evaluation import Scores as Scores
    from mtkit.evaluation import evaluate as evaluate
    from mtkit.model_folder import ModelFolder as ModelFolder
    from mtkit.settings import CorpusSettings as CorpusSettings
    from mtkit.settings import EvaluateSettings as EvaluateSettings
    from mtkit.settings import NetworkSettings as NetworkSettings
    from mtkit.settings import PreprocessSettings as PreprocessSettings
    from mtkit.settings import SearchSettings as SearchSettings
    from mtkit.settings import TrainSettings as TrainSettings
    from mtkit.settings import TranslateSettings as TranslateSettings
    from mtkit.synthetic.train import train as train
    from mtkit.training import Event as Event
    from mtkit.training import Finished as Finished
    from mtkit.training import Note as Note
    from mtkit.training import Reported as Reported
    from mtkit.training import Sample as Sample
    from mtkit.training import Started as Started
    from mtkit.training import TrainingResult as TrainingResult
    from mtkit.training import Validated as Validated
    from mtkit.training import Warned as Warned
    from mtkit.translation import Alternative as Alternative
    from mtkit.translation import PairScore as PairScore
    from mtkit.translation import Translation as Translation
    from mtkit.translation import Translator as Translator

_ERRORS = (
    "CorpusError",
    "InputError",
    "Interrupted",
    "MissingExtraError",
    "ModelFolderError",
    "MtkitError",
    "OutputError",
    "PreparedError",
    "SettingsError",
    "TrainingError",
    "VocabularyError",
)
_SETTINGS = (
    "CorpusSettings",
    "EvaluateSettings",
    "NetworkSettings",
    "PreprocessSettings",
    "SearchSettings",
    "TrainSettings",
    "TranslateSettings",
)
_EVENTS = ("Event", "Finished", "Note", "Reported", "Sample", "Started", "Validated", "Warned")

_HOMES = {
    **dict.fromkeys(_ERRORS, "mtkit.errors"),
    **dict.fromkeys(_SETTINGS, "mtkit.settings"),
    **dict.fromkeys(("Resolved", "resolve"), "mtkit.configuration"),
    **dict.fromkeys(("PreparedCorpus", "prepare"), "mtkit.dataset"),
    **dict.fromkeys(_EVENTS, "mtkit.training.events"),
    "TrainingResult": "mtkit.training",
    "train": "mtkit.synthetic.train",
    "ModelFolder": "mtkit.model_folder",
    **dict.fromkeys(("Alternative", "PairScore", "Translation", "Translator"), "mtkit.translation"),
    **dict.fromkeys(("Scores", "evaluate"), "mtkit.evaluation"),
}

__all__ = ["__version__", *_HOMES]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'mtkit' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
