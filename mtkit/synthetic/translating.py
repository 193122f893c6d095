"""Pairs of a model's own making: a corpus is translated, and the translations become a prepared corpus like it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from msgspec.structs import replace

from mtkit.dataset.preparation import prepare
from mtkit.dataset.prepared import PreparedCorpus, Split
from mtkit.errors import Interrupted, OutputError, TrainingError
from mtkit.settings import Device, PreprocessSettings
from mtkit.signals import stop_request
from mtkit.storage import writing
from mtkit.translation import Translator

TRANSLATED_TOGETHER = 2_000
"""Lines between two looks at whether to stop."""

FAULTS = {"truncated", "loop", "copied", "split", "untranslatable"}
"""Flags of translations that are nothing to learn from; characters that have no piece are no such sign."""

Pairs = list[tuple[str, str]]


@dataclass(frozen=True)
class Translating:
    """How models translate a corpus: on which device, with how many threads (0: all), with which seed."""

    device: Device
    threads: int
    seed: int

    def __call__(self, model: Path, lines: Sequence[str]) -> Pairs:
        """Return each line and its translation, without those that a glance shows to be bad.

        Raises:
            ModelFolderError: there is no model.
            Interrupted: SIGINT or SIGTERM came.
        """
        translator = Translator.load(model, device=self.device, threads=self.threads, seed=self.seed)
        pairs: Pairs = []
        with stop_request() as stop:
            for first in range(0, len(lines), TRANSLATED_TOGETHER):
                translations = translator.translate(lines[first : first + TRANSLATED_TOGETHER])
                pairs += [(one.source, one.text) for one in translations if one.text and FAULTS.isdisjoint(one.flags)]
                if number := stop.signal_number:
                    raise Interrupted("stopped while translating the corpus; all models are saved", number)
        return pairs


def texts_of(split: Split) -> tuple[list[str], list[str]]:
    """Return the two sides of all pairs."""
    everything = range(len(split))
    return split.src_texts(everything), split.tgt_texts(everything)


def new_pairs(pairs: Iterable[tuple[str, str]], corpus: PreparedCorpus) -> Pairs:
    """Return each pair once, in the order in which they come, without those that the corpus has already."""
    found = dict.fromkeys(pairs)
    for pair in zip(*texts_of(corpus.train), strict=True):
        found.pop(pair, None)
    return list(found)


def write_pairs(pairs: Pairs, corpus: PreparedCorpus, seed: int, out: Path) -> None:
    """Prepare pairs into the folder `out`, which appears whole, as the corpus was prepared.

    They get its vocabularies and filters, and its validation pairs.

    Raises:
        TrainingError: the disk is full.
        CorpusError: nothing is left of the pairs.
    """
    texts = {"machine-translated": pairs, "valid": list(zip(*texts_of(corpus.valid), strict=True))}
    with resumable(), writing(out), TemporaryDirectory() as temporary:
        prefixes = [Path(temporary) / name for name in texts]
        for prefix, of_split in zip(prefixes, texts.values(), strict=True):
            for lang, lines in zip((corpus.src_lang, corpus.tgt_lang), zip(*of_split, strict=True), strict=True):
                file = prefix.with_name(f"{prefix.name}.{lang}")
                file.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
        train, held_out = ((str(prefix),) for prefix in prefixes)
        given = replace(corpus.manifest.corpus, train=train, valid=held_out, vocabulary=str(corpus.path))
        prepare(PreprocessSettings(seed=seed, corpus=given, out=str(out)))


@contextmanager
def resumable() -> Iterator[None]:
    """Say of a full disk that nothing is lost by it."""
    try:
        yield
    except OutputError as error:
        raise TrainingError(f"{error}; `resume=True` goes on from here") from error
