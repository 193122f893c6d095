"""The settings of every command: the one place of each default, bound and help text.

Flags, the keys of a `--config` file and the saved `config.json` are all made from these fields; what one means for
resuming and for saving stands with it (`about`). A field that is itself a settings class groups its fields; flags and
config keys are flat.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from msgspec import Meta
from msgspec.structs import replace

from mtkit.errors import SettingsError
from mtkit.fields import Settings, about, given_names, remember
from mtkit.presets import PRESETS

VocabType = Literal["unigram", "bpe", "word", "char"]
Cell = Literal["gru", "lstm", "gru-original"]
AttentionType = Literal["none", "additive", "dot", "general"]
Tying = Literal["auto", "all", "target", "none"]
Device = Literal["auto", "cpu", "cuda"]
Precision = Literal["auto", "float32", "bfloat16"]
RuntimePrecision = Literal["auto", "float32", "int8", "bfloat16"]
ScheduleName = Literal["cosine", "inverse-sqrt", "plateau"]
PresetName = Literal["auto", "tiny", "small", "base", "large"]
LengthNorm = Literal["average", "wu"]
AlignmentUnit = Literal["none", "piece", "word"]
OutputFormat = Literal["text", "jsonl"]
DecodingErrors = Literal["strict", "replace"]


def shape(text: str) -> Meta:
    """Describe a setting that the shapes of the weights follow from, or what they mean."""
    return about(text, "Network", comes_with="weights")


class CommandSettings(Settings, frozen=True, kw_only=True):
    """What every command takes."""

    seed: Annotated[int, Meta(ge=0, le=2**32 - 1), about("Seed of everything random.", "General")] = 1
    threads: Annotated[int, Meta(ge=0, le=1024), about("CPU threads; 0 takes all cores.", "General", resume="free")] = 0
    device: Annotated[
        Device, about("Where the network runs; auto takes a GPU if there is one.", "General", resume="free")
    ] = "auto"


class CorpusSettings(Settings, frozen=True, kw_only=True):
    """A parallel corpus and how it becomes ids."""

    langs: Annotated[str, about("Source and target language, as in en-fr.", "Corpus")] = ""
    train: Annotated[
        tuple[str, ...],
        about(
            "Training text: PREFIX for PREFIX.en + PREFIX.fr, SRC:TGT or FILE.tsv, each also .gz; repeats.",
            "Corpus",
            saved=False,
        ),
    ] = ()
    valid: Annotated[
        tuple[str, ...],
        about(
            "Validation text, in the same forms; without it 2 % of the training pairs are held out.",
            "Corpus",
            saved=False,
        ),
    ] = ()
    columns: Annotated[
        str,
        about(
            "Columns of source and target in TSV files, from 1 on, as in 2,4; else the first two.",
            "Corpus",
            saved=False,
        ),
    ] = ""
    max_length: Annotated[int, Meta(ge=1, le=100_000), about("Drop pairs with a longer side, in pieces.", "Corpus")] = (
        250
    )
    max_ratio: Annotated[
        float, Meta(ge=1), about("Drop pairs whose lengths differ by a larger factor, in characters.", "Corpus")
    ] = 9.0
    vocab_size: Annotated[
        int,
        Meta(ge=0, le=1_000_000),
        about(
            "Pieces in a vocabulary; 0 chooses it from the size of the corpus.",
            "Vocabulary",
            comes_with="vocabulary",
            chosen_at_zero=True,
        ),
    ] = 0
    vocab_type: Annotated[VocabType, about("What a piece is.", "Vocabulary", comes_with="vocabulary")] = "unigram"
    vocabulary: Annotated[
        str,
        about(
            "Prepared corpus or model whose vocabularies to take, instead of training new ones.",
            "Vocabulary",
            saved=False,
        ),
    ] = ""
    joint: Annotated[
        bool,
        about(
            "One vocabulary for both languages, or one each.",
            "Vocabulary",
            flag="--joint/--separate",
            comes_with="vocabulary",
        ),
    ] = True


class PreprocessSettings(CommandSettings, frozen=True, kw_only=True):
    """`mtkit preprocess`: from parallel text to a prepared corpus."""

    corpus: CorpusSettings = CorpusSettings()
    out: Annotated[str, about("Folder to write the prepared corpus into.", "Output", saved=False)] = ""
    force: Annotated[
        bool, about("Replace a prepared corpus that is already there.", "Output", saved=False, flag="--force")
    ] = False


class NetworkSettings(Settings, frozen=True, kw_only=True):
    """The shape of the network; with the vocabulary sizes it determines every weight's shape."""

    cell: Annotated[Cell, shape("Recurrent cell.")] = "gru"
    encoder_layers: Annotated[int, Meta(ge=1, le=16), shape("Encoder layers.")] = 1
    decoder_layers: Annotated[int, Meta(ge=1, le=16), shape("Decoder layers.")] = 2
    bidirectional: Annotated[
        bool,
        shape("Read the source in both directions, half of the hidden size each."),
    ] = True
    embedding_size: Annotated[int, Meta(ge=1, le=16_384), shape("Width of embeddings and readout.")] = 256
    hidden_size: Annotated[int, Meta(ge=1, le=16_384), shape("Width of the recurrent layers.")] = 512
    attention: Annotated[AttentionType, shape("How the decoder looks at the source.")] = "general"
    attention_heads: Annotated[
        int, Meta(ge=1), shape("Heads that attend independently; they divide the hidden size.")
    ] = 1
    lexical: Annotated[
        bool,
        shape(
            "Add a lexicon to the output layer: each source word votes for its translations, weighted by the attention."
        ),
    ] = False
    residual: Annotated[bool, shape("Add a layer's input to its output.")] = True
    tied_embeddings: Annotated[
        Tying,
        shape("Share one table of weights: source, target and output (all), target and output (target), or none."),
    ] = "auto"
    dropout: Annotated[
        float, Meta(ge=0, lt=1), about("Dropout on layer inputs, one mask a sentence.", "Regularisation")
    ] = 0.4

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.bidirectional and self.hidden_size % 2:
            raise SettingsError(
                f"`hidden_size={self.hidden_size}` is odd, and two directions share it (`bidirectional`); "
                "choose an even one, or `bidirectional=False`"
            )
        if self.hidden_size % self.attention_heads:
            raise SettingsError(
                f"`attention_heads={self.attention_heads}` does not divide `hidden_size={self.hidden_size}`; "
                "choose one that does"
            )

    @property
    def has_lexicon(self) -> bool:
        """Whether there is one: it reads the weights of an attention."""
        return self.lexical and self.attention != "none"


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


TranslatingPrecision = Annotated[
    RuntimePrecision,
    about("Number format; auto is int8 on a CPU with instructions for it, bfloat16 on a GPU.", "Speed"),
]
"""Of every command that translates."""


class SearchSettings(Settings, frozen=True, kw_only=True):
    """How a translation is searched for. Lengths are counted in pieces."""

    beam_size: Annotated[int, Meta(ge=1, le=100), about("Hypotheses kept; 1 is greedy.", "Search")] = 5
    length_penalty: Annotated[
        float, Meta(ge=0, le=10), about("Scores are divided by length to this power.", "Search")
    ] = 1.0
    length_norm: Annotated[
        LengthNorm, about("What length is: tokens (average), or (5 + tokens) / 6 (wu).", "Search")
    ] = "average"
    coverage_penalty: Annotated[
        float, Meta(ge=0, le=10), about("Weight of a penalty for source pieces that were not attended to.", "Search")
    ] = 0.0
    min_length_ratio: Annotated[
        float, Meta(ge=0, le=10), about("Least length of a translation, as a multiple of the source's.", "Search")
    ] = 0.0
    max_length_ratio: Annotated[
        float, Meta(gt=0, le=100), about("Greatest length, as a multiple of the source's; 20 are added.", "Search")
    ] = 2.0
    no_repeat_ngram: Annotated[
        int, Meta(ge=0, le=100), about("Never repeat a run of this many pieces; 0 allows it.", "Search")
    ] = 0
    sample: Annotated[
        bool, about("Draw each piece by its probability, instead of searching.", "Sampling", flag="--sample")
    ] = False
    temperature: Annotated[
        float, Meta(gt=0, le=100), about("Below 1 likely pieces are drawn more often.", "Sampling")
    ] = 1.0
    top_k: Annotated[int, Meta(ge=0), about("Draw from this many best pieces only; 0 from all.", "Sampling")] = 0
    top_p: Annotated[
        float, Meta(gt=0, le=1), about("Draw from the fewest pieces of this probability together.", "Sampling")
    ] = 1.0
    batch_tokens: Annotated[int, Meta(ge=1), about("Source pieces translated together, padding included.", "Speed")] = (
        2048
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.min_length_ratio > self.max_length_ratio:
            raise SettingsError(
                f"`min_length_ratio={self.min_length_ratio:g}` is above `max_length_ratio={self.max_length_ratio:g}`; "
                "lower the one or raise the other"
            )


class TranslateSettings(CommandSettings, frozen=True, kw_only=True):
    """`mtkit translate`: a filter from lines to lines."""

    input: Annotated[str, about("File to read instead of standard input.", "Files")] = ""
    output: Annotated[str, about("File to write instead of standard output.", "Files")] = ""
    resume: Annotated[
        bool, about("Go on with an output file that was stopped, after the lines it has.", "Files", flag="--resume")
    ] = False
    prefix: Annotated[str, about("File with the beginning of each translation, line by line.", "Files")] = ""
    score_against: Annotated[
        str, about("File of translations to score, line by line, instead of translating.", "Files")
    ] = ""
    ensemble: Annotated[
        tuple[str, ...], about("Another model of the same vocabularies, to be asked as well; repeats.", "Files")
    ] = ()
    errors: Annotated[
        DecodingErrors, about("Input that is not UTF-8: stop there, or replace it by U+FFFD.", "Files")
    ] = "strict"
    format: Annotated[OutputFormat, about("Plain lines, or one JSON object a line.", "Output")] = "text"
    n_best: Annotated[int, Meta(ge=1, le=100), about("Translations a line; more than one need jsonl.", "Output")] = 1
    alignments: Annotated[
        AlignmentUnit, about("Give source-target links from the attention, of pieces or of words.", "Output")
    ] = "none"
    attention: Annotated[bool, about("Give the attention weights; needs jsonl.", "Output", flag="--attention")] = False
    search: SearchSettings = SearchSettings()
    precision: TranslatingPrecision = "auto"


class EvaluateSettings(CommandSettings, frozen=True, kw_only=True):
    """`mtkit evaluate`: scores of a model, or of any system's output."""

    test: Annotated[str, about("Test text to translate and score: PREFIX, SRC:TGT or FILE.tsv.", "Files")] = ""
    hypotheses: Annotated[str, about("Translations to score, instead of a model.", "Files")] = ""
    reference: Annotated[
        tuple[str, ...], about("Reference translations of the hypotheses; several files score together.", "Files")
    ] = ()
    language: Annotated[
        str,
        about("Target language, for BLEU's tokenizer; else the model's, or what the reference ends in.", "Scores"),
    ] = ""
    tokenize: Annotated[
        str, about("BLEU's tokenizer by sacreBLEU's name, such as 13a, intl, zh or char.", "Scores")
    ] = ""
    columns: Annotated[str, about("Columns of source and reference in a TSV file, from 1 on, as in 2,4.", "Files")] = ""
    json: Annotated[bool, about("Print one JSON object.", "Output", flag="--json")] = False
    search: SearchSettings = SearchSettings()
    precision: TranslatingPrecision = "auto"
