"""The settings of `mtkit train`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from msgspec import Meta
from msgspec.structs import replace

from mtkit.errors import SettingsError
from mtkit.fields import about, given_names, remember
from mtkit.presets import PRESETS
from mtkit.settings.choices import Precision, PresetName, ScheduleName
from mtkit.settings.command import CommandSettings
from mtkit.settings.corpus import CorpusSettings
from mtkit.settings.network import NetworkSettings


class TrainSettings(CommandSettings, frozen=True, kw_only=True):
    """`mtkit train`: from a prepared (or raw) corpus to a model folder."""

    preset: Annotated[PresetName, about("Named recipe that the other settings start from.", "Recipe")] = "auto"
    corpus: CorpusSettings = CorpusSettings()
    network: NetworkSettings = NetworkSettings()
    label_smoothing: Annotated[
        float, Meta(ge=0, lt=1), about("Probability spread over all pieces.", "Regularisation")
    ] = 0.1
    init_from: Annotated[
        str,
        about(
            "Model to begin with: its vocabulary, network and weights go on with another corpus.", "Recipe", saved=False
        ),
    ] = ""
    src_embeddings: Annotated[
        str, about("Pre-trained source embeddings to begin with, in word2vec's text format.", "Recipe", saved=False)
    ] = ""
    tgt_embeddings: Annotated[
        str,
        about(
            "Pre-trained target embeddings to begin with; where one table serves both, give one file.",
            "Recipe",
            saved=False,
        ),
    ] = ""
    word_dropout: Annotated[
        float,
        Meta(ge=0, lt=1),
        about("Word dropout: share of the pieces, on both sides, that are replaced by unknown.", "Regularisation"),
    ] = 0.0
    subword_sampling: Annotated[
        float,
        Meta(ge=0, le=1),
        about("Share of the sentences segmented differently in each epoch; unigram and bpe.", "Regularisation"),
    ] = 0.0
    byte_spelling: Annotated[
        float,
        Meta(ge=0, lt=1),
        about(
            "Share of the characters spelt in bytes on both sides, so that unknown ones are copied.", "Regularisation"
        ),
    ] = 0.0
    diversify: Annotated[
        bool,
        about(
            "Add forward and backward translations of the corpus to it, then train again (data diversification).",
            "Regularisation",
            resume="free",
        ),
    ] = False
    models_each_way: Annotated[
        int,
        Meta(ge=1, le=10),
        about("Models of each direction that diversify the corpus.", "Regularisation", resume="free"),
    ] = 1
    learning_rate: Annotated[float, Meta(gt=0, le=1), about("Peak learning rate of Adam.", "Optimisation")] = 2e-3
    warmup: Annotated[int, Meta(ge=0), about("Updates of linear warm-up, at most a tenth of all.", "Optimisation")] = (
        400
    )
    schedule: Annotated[ScheduleName, about("How the learning rate falls after the warm-up.", "Optimisation")] = (
        "cosine"
    )
    average_decay: Annotated[
        float,
        Meta(ge=0, lt=1),
        about(
            "Decay of the moving average of the weights, which is what is kept; 0 keeps the last ones.", "Optimisation"
        ),
    ] = 0.0
    clip_norm: Annotated[float, Meta(gt=0), about("Largest gradient norm.", "Optimisation")] = 1.0
    batch_tokens: Annotated[
        int, Meta(ge=1), about("Tokens in a batch, padding included, on the longer side.", "Optimisation")
    ] = 3000
    accumulate: Annotated[
        int,
        Meta(ge=1, le=10_000),
        about(
            "Batches in an update: their gradients are added up before the weights change.",
            "Optimisation",
            resume="free",
        ),
    ] = 1
    precision: Annotated[
        Precision,
        about(
            "Number format of the products; auto is bfloat16 where the machine is fast at it.", "General", resume="free"
        ),
    ] = "auto"
    epochs: Annotated[
        int,
        Meta(ge=0, le=1_000_000),
        about("Passes over the corpus; 0 chooses them from its size.", "Length", resume="extend", chosen_at_zero=True),
    ] = 0
    updates: Annotated[
        int,
        Meta(ge=0, le=1_000_000_000),
        about("Updates, instead of epochs; 0 goes by epochs.", "Length", resume="extend"),
    ] = 0
    patience: Annotated[
        int,
        Meta(ge=0),
        about(
            "Stop after this many validations with neither a better score nor a lower perplexity; 0 never does.",
            "Length",
            resume="free",
        ),
    ] = 10
    target_bleu: Annotated[
        float,
        Meta(ge=0, le=100),
        about(
            "Stop at a validation BLEU as high as this, or the chrF2 that goes with it; 0 never does.",
            "Length",
            resume="free",
        ),
    ] = 95.0
    valid_every: Annotated[
        int,
        Meta(ge=0),
        about("Validate after this many updates; 0 is once an epoch, 200 to 5,000.", "Reports", chosen_at_zero=True),
    ] = 0
    save_every: Annotated[
        int,
        Meta(ge=0),
        about(
            "Save the training state after this many updates; 0 is at each validation.", "Reports", chosen_at_zero=True
        ),
    ] = 0
    save_minutes: Annotated[
        float,
        Meta(ge=0, le=100_000),
        about("Save it after this many minutes too; 0 goes by updates alone.", "Reports", resume="free"),
    ] = 15.0
    verify: Annotated[
        bool,
        about(
            "Compare a prepared corpus with its checksums before training; huge ones take minutes.",
            "Corpus",
            resume="free",
            saved=False,
        ),
    ] = True
    out: Annotated[str, about("Model folder to write.", "Output", saved=False)] = ""
    resume: Annotated[bool, about("Go on with an interrupted training.", "Output", saved=False, flag="--resume")] = (
        False
    )
    force: Annotated[bool, about("Replace a model that is already there.", "Output", saved=False, flag="--force")] = (
        False
    )

    force_memory: Annotated[
        bool,
        about(
            "Train even where the estimate is beyond what memory there is.",
            "General",
            resume="free",
            saved=False,
            flag="--force-memory",
        ),
    ] = False

    @classmethod
    def completed(cls, given: Mapping[str, Any]) -> dict[str, Any]:
        """Let the preset choose what is not given. What auto chooses waits for the corpus."""
        preset, network = given.get("preset"), given.get("network", NetworkSettings())
        if not isinstance(preset, str) or not isinstance(network, NetworkSettings):
            return dict(given)
        chosen = PRESETS.get(preset, {})
        named = given_names(network, whole=True)
        names = NetworkSettings.__struct_fields__
        shaped = replace(network, **{name: chosen[name] for name in names if name in chosen and name not in named})
        remember(shaped, named)
        rest = {name: value for name, value in chosen.items() if name not in names}
        return {**rest, **given, "network": shaped}

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.diversify and self.init_from:
            raise SettingsError(
                f"`diversify` trains a model of the opposite direction, for which `init_from={self.init_from}` has no "
                "weights; leave one of them out"
            )
