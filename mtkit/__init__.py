"""mtkit: a recurrent machine translation toolkit.

What a Python user needs is here; it is imported when it is first used, so that `import mtkit` stays light.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from mtkit.configuration import resolve as resolve
    from mtkit.dataset.preparation import prepare as prepare
    from mtkit.errors import MtkitError as MtkitError
    from mtkit.evaluation import evaluate as evaluate
    from mtkit.settings import EvaluateSettings as EvaluateSettings
    from mtkit.settings import PreprocessSettings as PreprocessSettings
    from mtkit.settings import SearchSettings as SearchSettings
    from mtkit.settings import TrainSettings as TrainSettings
    from mtkit.settings import TranslateSettings as TranslateSettings
    from mtkit.synthetic.train import train as train
    from mtkit.translation import Translation as Translation
    from mtkit.translation import Translator as Translator

_HOMES = {
    "EvaluateSettings": "mtkit.settings",
    "MtkitError": "mtkit.errors",
    "PreprocessSettings": "mtkit.settings",
    "SearchSettings": "mtkit.settings",
    "TrainSettings": "mtkit.settings",
    "Translation": "mtkit.translation",
    "TranslateSettings": "mtkit.settings",
    "Translator": "mtkit.translation",
    "evaluate": "mtkit.evaluation",
    "prepare": "mtkit.dataset.preparation",
    "resolve": "mtkit.configuration",
    "train": "mtkit.synthetic.train",
}

__all__ = ["__version__", *_HOMES]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'mtkit' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)
