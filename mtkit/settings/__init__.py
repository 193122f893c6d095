"""The settings of every command: the one place of each default, bound and help text.

Flags, the keys of a `--config` file and the saved `config.json` are all made from these fields; what one means for
resuming and for saving stands with it (`about`). A field that is itself a settings class groups its fields; flags and
config keys are flat.
"""

from mtkit.settings.choices import (
    AlignmentUnit,
    AttentionType,
    Cell,
    DecodingErrors,
    Device,
    LengthNorm,
    OutputFormat,
    Precision,
    PresetName,
    RuntimePrecision,
    ScheduleName,
    Tying,
    VocabType,
)
from mtkit.settings.command import CommandSettings
from mtkit.settings.corpus import CorpusSettings, PreprocessSettings
from mtkit.settings.network import NetworkSettings
from mtkit.settings.training import TrainSettings
from mtkit.settings.translating import EvaluateSettings, SearchSettings, TranslateSettings

__all__ = [
    "AlignmentUnit",
    "AttentionType",
    "Cell",
    "CommandSettings",
    "CorpusSettings",
    "DecodingErrors",
    "Device",
    "EvaluateSettings",
    "LengthNorm",
    "NetworkSettings",
    "OutputFormat",
    "Precision",
    "PreprocessSettings",
    "PresetName",
    "RuntimePrecision",
    "ScheduleName",
    "SearchSettings",
    "TrainSettings",
    "TranslateSettings",
    "Tying",
    "VocabType",
]
