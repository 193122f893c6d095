"""The settings of the commands that translate, and of the search."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from mtkit.errors import SettingsError
from mtkit.fields import Settings, about
from mtkit.settings.choices import AlignmentUnit, DecodingErrors, LengthNorm, OutputFormat, RuntimePrecision
from mtkit.settings.command import CommandSettings

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
