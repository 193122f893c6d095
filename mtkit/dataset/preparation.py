"""From parallel text to a prepared corpus, in passes over the files, so that memory hardly grows with them.

The first pass reads, cleans and counts; the next trains the vocabularies; the last encodes and writes. Each reads the
files again: that is cheap compared with what is done with the text, and nothing has to be held or spooled.
"""

from __future__ import annotations

import random
import re
import shutil
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from dataclasses import replace as replaced
from functools import partial
from itertools import islice
from pathlib import Path

from msgspec.structs import replace

from mtkit.configuration import vocabulary_size
from mtkit.corpus import CleaningReport, CleanText, FileEntry, Filter, Survey
from mtkit.corpus.filters import LongSide, piece_filters, text_filters
from mtkit.dataset.borrowing import Borrowed, is_prepared
from mtkit.dataset.manifest import Manifest, SplitEntry, write_manifest
from mtkit.dataset.prepared import Pair, PreparedCorpus, Split, write_shards
from mtkit.errors import CorpusError, OutputError, SettingsError, VocabularyError
from mtkit.lock import locked
from mtkit.model_folder import PREPARED_NAME
from mtkit.settings import PreprocessSettings
from mtkit.storage import new_folder
from mtkit.text.languages import split_langs
from mtkit.text.normalisation import Normaliser
from mtkit.text.variants import Usage
from mtkit.text.vocabulary import Vocabulary
from mtkit.version import __version__

Report = Callable[[str], None]

# Pairs that vocabularies are trained on, drawn from larger corpora: unigram training takes about 20 times the memory
# of its text (1.1 GB and 21 s for 200,000 pairs of 270 bytes).
_VOCABULARY_PAIRS = 150_000
_ENCODE_PAIRS = 1_000  # encoded in one call


def prepare(settings: PreprocessSettings, report: Report = lambda line: None) -> PreparedCorpus:
    """Turn parallel text into a prepared corpus and open it; equal text and settings give equal bytes.

    Args:
        settings: languages, text, filters, vocabularies and the folder to write.
        report: takes lines that report what is being done, and its results.

    Raises:
        SettingsError: languages, training text or the folder are not given.
        CorpusError: the text cannot be read, is misaligned, or nothing usable is left of it.
        VocabularyError: the text does not allow the vocabulary size asked for.
        OutputError: the folder exists or cannot be written.
    """
    corpus, out = settings.corpus, Path(settings.out).resolve()  # `.` is another folder once it is replaced
    langs = split_langs(corpus.langs)
    if not corpus.train:
        raise SettingsError("`train` is missing; give training text as PREFIX, SRC:TGT or FILE.tsv")
    borrowed = Borrowed.open(Path(corpus.vocabulary)).facing(langs) if corpus.vocabulary else None
    normaliser = Normaliser()
    if borrowed:
        normaliser = Normaliser(borrowed.normalisation, borrowed.variants[0])
        made = {"vocab_size": 0, "vocab_type": borrowed.made.vocab_type, "joint": borrowed.made.joint}
        settings = replace(settings, corpus=replace(corpus, **made))
    if not settings.out:
        raise SettingsError("`out` is missing; give the folder to write the prepared corpus into")
    _check_place(out, force=settings.force)
    train = CleanText.parse(corpus.train, langs, text_filters(corpus), normaliser, corpus.columns)
    odd_too = text_filters(corpus, validation=True)
    valid = CleanText.parse(corpus.valid, langs, odd_too, normaliser, corpus.columns) if corpus.valid else None
    if corpus.columns and not any(text.format.has_columns for text in (*train.texts, *(valid.texts if valid else ()))):
        raise SettingsError("`columns` is given, and no text has columns; leave it out")
    _check_pipes([*train.pipes, *(valid.pipes if valid else ())])
    check = partial(_check_place, out, force=settings.force)  # once more, as somebody may have come meanwhile
    with locked(out), new_folder(out, check) as draft:
        check()
        manifest = _fill(draft, settings, borrowed, train, valid, report)
        write_manifest(draft, manifest)
    report(f"Wrote {settings.out}")
    return PreparedCorpus.open(out)


def _fill(
    draft: Path,
    settings: PreprocessSettings,
    borrowed: Borrowed | None,
    train: CleanText,
    valid: CleanText | None,
    report: Report,
) -> Manifest:
    """Write everything but the manifest into `draft` and return the manifest."""
    corpus = settings.corpus
    copies = draft / ".pipes"
    train_survey, train = _survey(train, copies, report)
    if valid is None:
        train, valid = train.hold_out(settings.seed)
        valid_survey = Survey(CleaningReport(total=len(valid.rows)), ())
        report(f"Held out {len(valid.rows):,} training pairs for validation; their sentences occur nowhere else")
    else:
        valid_survey, valid = _survey(valid, copies, report)
    if borrowed:
        vocabularies, variants = borrowed.vocabularies, borrowed.variants
        sizes = " and ".join(f"{len(vocabulary):,}" for vocabulary in vocabularies.values())
        report(f"Taking over the vocabulary of {corpus.vocabulary}: {sizes} pieces ({corpus.vocab_type})")
    else:
        usages = Usage(), Usage()
        pairs = train_survey.cleaning.kept - len(train.rows)
        vocabularies = _train_vocabularies(train, pairs, settings, usages, report)
        variants = usages[0].variants(), usages[1].variants()
    for name, vocabulary in vocabularies.items():
        vocabulary.save(draft / name)
    report("Encoding")
    sides = list(vocabularies.values())
    normaliser = replaced(train.normaliser, variants=variants[0])
    encoder = _Encoder(normaliser, sides[0], sides[-1], piece_filters(corpus), corpus.max_length)
    src_lang, tgt_lang = split_langs(corpus.langs)
    manifest = Manifest(
        mtkit=__version__,
        src_lang=src_lang,
        tgt_lang=tgt_lang,
        seed=settings.seed,
        corpus=replace(corpus, train=(), valid=(), columns="", vocabulary=""),
        normalisation=normaliser.rule,
        variants=variants,
        held_out=len(train.rows),
        vocabularies=tuple(FileEntry(name, item.fingerprint, len(item)) for name, item in vocabularies.items()),
        train=_write_split(draft, "train", train, train_survey, encoder),
        valid=_write_split(draft, "valid", valid, valid_survey, encoder),
    )
    shutil.rmtree(copies, ignore_errors=True)
    for split, entry, survey in (
        ("training", manifest.train, train_survey),
        ("validation", manifest.valid, valid_survey),
    ):
        report(f"{split}: {entry.pairs:,} pairs, {entry.src_tokens:,} + {entry.tgt_tokens:,} pieces")
        for line in (*entry.cleaning.lines(), *survey.remarks):
            report(f"  {line}")
    if borrowed:
        shards = Split.open(draft / shard.name for shard in manifest.train.shards)
        if warning := borrowed.warning((src_lang, tgt_lang), shards):
            report(warning)
    return manifest


def _check_pipes(pipes: Sequence[Path]) -> None:
    """Raise CorpusError where a pipe is asked for twice: the second reading would find nothing, or wait for ever."""
    for path, count in Counter(pipes).items():
        if count > 1:
            raise CorpusError(
                f"{path}: is asked for {count} times, and a pipe cannot be read again; write what it gives to a file, "
                "and give that"
            )


def _survey(text: CleanText, copies: Path, report: Report) -> tuple[Survey, CleanText]:
    report(f"Reading {text}")
    survey, text = text.survey(copies)
    if not survey.cleaning.kept:
        raise CorpusError(f"{text}: no usable pair among {survey.cleaning.total:,}; give text with both sides filled")
    return survey, text


def _train_vocabularies(
    text: CleanText, pairs: int, settings: PreprocessSettings, usages: tuple[Usage, Usage], report: Report
) -> dict[str, Vocabulary]:
    """Train one joint vocabulary, or one each, by file name; the source's comes first.

    Args:
        text: what to train on.
        pairs: how many pairs it has.
        settings: size and type of the vocabularies.
        usages: count, on the source's side and on the target's, the characters of what they are trained on.
        report: takes lines of what is being done.
    """
    corpus = settings.corpus
    vocabularies = {}
    for name, sides in {"joint": (0, 1)}.items() if corpus.joint else {"source": (0,), "target": (1,)}.items():
        report(f"Training the {name} vocabulary")
        sentences = _Sentences(text, sides, min(1.0, _VOCABULARY_PAIRS / pairs), settings.seed, usages)
        try:
            vocabulary = Vocabulary.train(
                sentences,
                size=vocabulary_size(corpus, pairs),
                vocab_type=corpus.vocab_type,
                exact=corpus.vocab_size > 0,
            )
        except VocabularyError as error:
            raise VocabularyError(f"{name} {error}") from error
        report(f"  {len(vocabulary):,} pieces ({corpus.vocab_type})")
        vocabularies[f"{name}.spm"] = vocabulary
    return vocabularies


@dataclass(frozen=True)
class _Sentences:
    """The sentences of one or both sides of a random share of some text; the same ones at each reading."""

    text: CleanText
    sides: tuple[int, ...]
    share: float
    seed: int
    usages: tuple[Usage, Usage]
    """Of each side: it counts what is read of it."""

    def __iter__(self) -> Iterator[str]:
        rng = random.Random(self.seed)
        for pair in self.text:
            if rng.random() < self.share:
                for side in self.sides:
                    self.usages[side].count(pair[side])
                    yield pair[side]


@dataclass(frozen=True)
class _Encoder:
    """Turns text into what a shard holds, without the pairs whose pieces a filter drops."""

    normaliser: Normaliser
    """What normalises sources, variants included."""
    src_vocabulary: Vocabulary
    tgt_vocabulary: Vocabulary
    filters: tuple[Filter[Sequence[int]], ...]
    max_length: int
    """Pairs that have a longer side for certain are not encoded, but counted as `LongSide` would."""

    def encode(self, text: Iterable[tuple[str, str]], cleaning: CleaningReport) -> Iterator[Pair]:
        """Yield the pairs that no filter drops, and count the others in `cleaning`."""
        pairs = self._encodable(text, cleaning)
        while block := list(islice(pairs, _ENCODE_PAIRS)):
            src_ids = self.src_vocabulary.encode_batch([src for src, _ in block])
            tgt_ids = self.tgt_vocabulary.encode_batch([tgt for _, tgt in block])
            for (src, tgt), src_row, tgt_row in zip(block, src_ids, tgt_ids, strict=True):
                for filter_ in self.filters:
                    if filter_.drops(src_row, tgt_row):
                        cleaning.drop(filter_.name)
                        break
                else:
                    yield src, tgt, src_row, tgt_row

    def _encodable(self, text: Iterable[tuple[str, str]], cleaning: CleaningReport) -> Iterator[tuple[str, str]]:
        for cleaned, tgt in text:
            src = self.normaliser.known(cleaned)
            fewest = max(self.src_vocabulary.fewest_pieces(src), self.tgt_vocabulary.fewest_pieces(tgt))
            if fewest > self.max_length:
                cleaning.drop(LongSide.name)
            else:
                yield src, tgt


def _write_split(draft: Path, name: str, text: CleanText, survey: Survey, encoder: _Encoder) -> SplitEntry:
    shards = write_shards(draft, name, encoder.encode(text, survey.cleaning))
    if not shards:
        raise CorpusError(
            f"{text}: every pair has a side of more than {encoder.max_length:,} pieces; raise `max_length`, "
            "or check that each line is one sentence"
        )
    split = Split.open(draft / shard.name for shard in shards)
    return SplitEntry(
        inputs=survey.inputs,
        cleaning=survey.cleaning,
        shards=shards,
        pairs=len(split),
        src_tokens=int(split.src_lengths.sum()),
        tgt_tokens=int(split.tgt_lengths.sum()),
    )


def _check_place(out: Path, *, force: bool) -> None:
    """Raise OutputError unless a folder can be put at `out` without losing anything but a prepared corpus."""
    if out.is_dir():
        names = [entry.name for entry in out.iterdir()]
        if not names:
            return
        if not force:
            raise OutputError(
                f"{out}: exists already; choose another `out`, or replace a prepared corpus: `force=True`"
            )
        if is_prepared(out) and all(re.fullmatch(PREPARED_NAME, name) for name in names):
            return
        raise OutputError(f"{out}: is not a prepared corpus, or holds more than that, so `force=True` leaves it alone")
    if out.exists():
        raise OutputError(f"{out}: is a file; choose another `out`")
