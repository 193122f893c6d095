"""What corpora of the world hold, and what becomes of it: a promise a test, each with the case that it was made for."""

from __future__ import annotations

import bz2
import gzip
import hashlib
import json
import lzma
import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import threading
import time
import tracemalloc
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path

import msgspec
import pytest

from mtkit.corpus import CleaningReport, ParallelText
from mtkit.dataset import PreparedCorpus, prepare
from mtkit.dataset import prepared as prepared_module
from mtkit.errors import CorpusError, PreparedError, SettingsError
from mtkit.evaluation import evaluate
from mtkit.settings import CorpusSettings, EvaluateSettings, PreprocessSettings, SearchSettings
from mtkit.text.embeddings import embedding_size, read_embeddings
from mtkit.text.languages import split_langs
from mtkit.text.lines import LONGEST_LINE, read_lines
from mtkit.text.normalisation import NEWEST_RULE, Normaliser
from mtkit.text.vocabulary import Vocabulary
from mtkit.translation import Translator

MakePipe = Callable[[bytes], str]
Settings = Callable[..., PreprocessSettings]


@pytest.fixture
def make_pipe() -> Iterator[MakePipe]:
    """Make what the shell's `<(command)` is: a path to a pipe that gives some bytes, once."""
    ends: list[int] = []
    writers: list[threading.Thread] = []

    def make(content: bytes) -> str:
        end, other = os.pipe()
        ends.append(end)

        def write() -> None:
            with suppress(BrokenPipeError), open(other, "wb") as sink:
                sink.write(content)

        writers.append(threading.Thread(target=write))
        writers[-1].start()
        return f"/dev/fd/{end}"

    yield make
    for end in ends:
        os.close(end)
    for writer in writers:
        writer.join()


@pytest.fixture
def settings(parallel_text: Path, tmp_path: Path) -> Settings:
    """Make settings that prepare the corpus of the tests; keywords change those of the corpus."""

    def make(out: str = "out", **corpus: object) -> PreprocessSettings:
        given = {"langs": "en-fr", "train": (f"{parallel_text}/train",), "valid": (f"{parallel_text}/valid",)} | corpus
        return PreprocessSettings(corpus=msgspec.convert(given, CorpusSettings), out=str(tmp_path / out))

    return make


def tsv(text: Path, name: str) -> bytes:
    """The pairs of two files as tab-separated columns."""
    sides = [(text / f"{name}.{lang}").read_text(encoding="utf-8").splitlines() for lang in ("en", "fr")]
    return "".join(f"{src}\t{tgt}\n" for src, tgt in zip(*sides, strict=True)).encode()


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_a_pipe_is_read_whole(make_pipe: MakePipe, pack: Callable[[bytes], bytes]) -> None:
    lines = [f"line {number}" for number in range(20_000)]
    assert list(read_lines(Path(make_pipe(pack("".join(f"{line}\n" for line in lines).encode()))))) == lines


def test_translations_and_references_from_pipes_score_as_from_files(make_pipe: MakePipe, parallel_text: Path) -> None:
    file = parallel_text / "train.fr"
    pipes = [make_pipe(file.read_bytes()) for _ in range(3)]
    from_files = evaluate(EvaluateSettings(hypotheses=str(file), reference=(str(file),) * 2))
    from_pipes = evaluate(EvaluateSettings(hypotheses=pipes[0], reference=(pipes[1], pipes[2])))
    assert from_pipes == from_files
    assert from_pipes.bleu == pytest.approx(100)


def test_a_test_set_from_pipes_scores_as_from_files(
    make_pipe: MakePipe, parallel_text: Path, model_folder: Path
) -> None:
    search = SearchSettings(beam_size=1)
    pipes = ":".join(make_pipe((parallel_text / f"valid.{lang}").read_bytes()) for lang in ("en", "fr"))
    from_files = evaluate(EvaluateSettings(test=f"{parallel_text}/valid", search=search), model_folder)
    assert evaluate(EvaluateSettings(test=pipes, search=search), model_folder) == from_files


def test_embeddings_from_a_pipe_are_all_there(make_pipe: MakePipe) -> None:
    words = [f"word{number}" for number in range(5_000)]
    content = "".join(f"{word} 1 2 3\n" for word in words).encode()
    for header in (b"", b"5000 3\n"):
        assert read_embeddings(Path(make_pipe(header + content)), words)[1].all()


def test_training_text_from_pipes_is_prepared_as_from_files(
    settings: Settings, make_pipe: MakePipe, parallel_text: Path
) -> None:
    two_pipes = ":".join(make_pipe((parallel_text / f"train.{lang}").read_bytes()) for lang in ("en", "fr"))
    packed = make_pipe(gzip.compress(tsv(parallel_text, "valid")))
    one_pipe = make_pipe(tsv(parallel_text, "train"))
    from_files, from_two, from_one = (
        prepare(settings(out, **text))
        for out, text in {
            "files": {},
            "two": {"train": (two_pipes,), "valid": (packed,)},
            "one": {"train": (one_pipe,)},
        }.items()
    )
    assert from_files.fingerprint == from_two.fingerprint == from_one.fingerprint
    digest = hashlib.sha256(tsv(parallel_text, "train")).hexdigest()
    assert from_one.manifest.train.inputs[0].sha256 == digest
    assert not (from_one.path / ".pipes").exists(), "nothing is left of what was kept to be read again"


def test_a_pipe_that_is_asked_for_twice_is_one_line(settings: Settings, make_pipe: MakePipe) -> None:
    pipe = make_pipe(b"a\tx\n")
    with pytest.raises(CorpusError, match=f"^{pipe}: is asked for 2 times, and a pipe cannot be read again; write "):
        prepare(settings(train=(pipe,), valid=(pipe,)))


def test_embeddings_that_training_would_read_several_times_are_no_pipe(make_pipe: MakePipe) -> None:
    pipe = make_pipe(b"cat 1 2\n")
    with pytest.raises(CorpusError, match=f"^{pipe}: is a pipe, which cannot be read again"):
        embedding_size(Path(pipe))


def test_a_fifo_is_text(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "c.tsv")
    writer = threading.Thread(target=(tmp_path / "c.tsv").write_bytes, args=(b"a\tx\n",))
    writer.start()
    assert list(ParallelText.parse(str(tmp_path / "c.tsv"), "en", "fr")) == [("a", "x")]
    writer.join()


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_a_line_has_a_bound_and_is_named(pack: Callable[[bytes], bytes], tmp_path: Path) -> None:
    path = tmp_path / "text"
    path.write_bytes(pack(b"a\n" + b"x" * LONGEST_LINE + b"\r\n" + b"y" * (LONGEST_LINE + 1) + b"\nz\n"))
    lines = read_lines(path)
    assert next(lines) == "a"
    assert len(next(lines)) == LONGEST_LINE
    with pytest.raises(CorpusError, match=r"text, line 3: is longer than 1,048,576 bytes; give text with a sentence a"):
        next(lines)


def test_an_endless_line_is_stopped_in_bounded_memory(tmp_path: Path) -> None:
    with gzip.open(tmp_path / "text.gz", "wb", compresslevel=1) as file:
        for _ in range(256):
            file.write(b" " * LONGEST_LINE)
    tracemalloc.start()
    with pytest.raises(CorpusError, match="line 1: is longer than"):
        list(read_lines(tmp_path / "text.gz"))
    assert tracemalloc.get_traced_memory()[1] < 4 * LONGEST_LINE
    tracemalloc.stop()


@pytest.mark.parametrize("vocab_type", ["unigram", "word", "char"])
def test_a_long_line_is_counted_as_long_and_not_encoded(
    vocab_type: str, settings: Settings, parallel_text: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    long = "word " * 100_000 if vocab_type == "word" else "x" * 500_000
    (tmp_path / "long.tsv").write_text(f"{long}\t{long}\n", encoding="utf-8")
    encode, longest = Vocabulary.encode_batch, 0

    def counted(vocabulary: Vocabulary, texts: Sequence[str]) -> list[list[int]]:
        nonlocal longest
        longest = max(longest, *map(len, texts))
        return encode(vocabulary, texts)

    monkeypatch.setattr(Vocabulary, "encode_batch", counted)
    text = (f"{parallel_text}/train", f"{tmp_path}/long.tsv")
    corpus = prepare(settings(train=text, vocab_type=vocab_type, vocab_size=0))
    assert corpus.manifest.train.cleaning == CleaningReport(401, long=1)
    assert longest < 100


@pytest.mark.parametrize(
    ("pack", "suffix", "named"),
    [(bz2.compress, ".bz2", "bzip2"), (lzma.compress, ".xz", "xz"), (None, ".zst", "zstd"), (None, ".zip", "zip")],
)
def test_text_packed_in_another_way_is_named_as_that(
    pack: Callable[[bytes], bytes] | None, suffix: str, named: str, tmp_path: Path
) -> None:
    content = (
        pack(b"a\tx\n") if pack else {".zst": b"\x28\xb5\x2f\xfd$", ".zip": b"PK\x03\x04\x14"}[suffix] + b"\x00" * 9
    )
    for name in (f"c.en{suffix}", f"c.fr{suffix}", f"c.tsv{suffix}", "plain.tsv"):
        (tmp_path / name).write_bytes(content)
    for spec in ("c", f"c.tsv{suffix}", "plain.tsv"):
        with pytest.raises(CorpusError, match=rf"is packed by {named}, which is not read; unpack it, or pack it by"):
            list(ParallelText.parse(f"{tmp_path}/{spec}", "en", "fr"))


def test_shards_are_more_than_a_process_may_have_files_open(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(prepared_module, "_BATCH_PAIRS", 2)
    monkeypatch.setattr(prepared_module, "_SHARD_BATCHES", 1)
    path = prepare(settings()).path
    assert len(list(path.glob("train-*.arrow"))) == 200
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    used = len(os.listdir("/dev/fd"))
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (used + 20, hard))
        assert len(PreparedCorpus.open(path).train) == 400
        resource.setrlimit(resource.RLIMIT_NOFILE, (3, hard))
        with pytest.raises(PreparedError, match="cannot be opened: this process has as many files open as it may"):
            PreparedCorpus.open(path)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_ids_between_the_columns_are_not_trained_on(settings: Settings, parallel_text: Path, tmp_path: Path) -> None:
    pairs = [line.split("\t") for line in tsv(parallel_text, "train").decode().splitlines()]
    rows = "".join(f"{row}\t{src}\t{row + 9}\t{tgt}\n" for row, (src, tgt) in enumerate(pairs))
    (tmp_path / "ids.tsv").write_text(rows, encoding="utf-8")
    text = (f"{tmp_path}/ids.tsv",)
    with pytest.raises(CorpusError, match=r"ids\.tsv: column 1 has only numbers, and its first row is 0 \| The "):
        prepare(settings(train=text))
    valid = (f"{tmp_path}/valid.tsv",)
    (tmp_path / "valid.tsv").write_text("".join(f"1\t{src}\t2\t{tgt}\n" for src, tgt in pairs[:50]), encoding="utf-8")
    corpus = prepare(settings(train=text, valid=valid, columns="2,4"))
    assert corpus.train.src_texts([0, 1]) == [pairs[0][0], pairs[1][0]]
    assert corpus.manifest.corpus.columns == "", "they go with the files: a part made of other text has its own"


def test_columns_without_a_text_that_has_any_are_refused(settings: Settings) -> None:
    with pytest.raises(SettingsError, match="`columns` is given, and no text has columns"):
        prepare(settings(columns="2,4"))


def test_one_file_for_both_sides_is_refused(settings: Settings, parallel_text: Path, tmp_path: Path) -> None:
    file = parallel_text / "train.en"
    (tmp_path / "link.fr").symlink_to(file)
    for both in (f"{file}:{file}", f"{file}:{tmp_path}/link.fr"):
        with pytest.raises(CorpusError, match="are one file, which cannot be both sides"):
            prepare(settings(train=(both,)))
    with pytest.raises(SettingsError, match="`langs` 'en-en' is one language twice"):
        prepare(settings(langs="en-en"))


def test_equal_text_on_both_sides_is_reported(settings: Settings, parallel_text: Path, tmp_path: Path) -> None:
    (tmp_path / "copy.fr").write_bytes((parallel_text / "train.en").read_bytes())
    reported: list[str] = []
    prepare(settings(train=(f"{parallel_text}/train.en:{tmp_path}/copy.fr",)), reported.append)
    assert "  all 400 pairs have the same text on both sides; check that the files are two languages" in reported


def test_the_doubled_quotes_of_a_spreadsheet_are_reported(settings: Settings, tmp_path: Path) -> None:
    (tmp_path / "sheet.tsv").write_text('"She says ""yes""."\tElle dit oui.\n' * 300, encoding="utf-8")
    reported: list[str] = []
    prepare(settings(train=(f"{tmp_path}/sheet.tsv",), vocab_size=0), reported.append)
    assert any('300 have the doubled quotes of a spreadsheet, the first of them "She says' in line for line in reported)


@pytest.mark.parametrize("langs", ["en:pt-BR", "en-pt_BR", "en-sr@latin"])
def test_languages_may_have_a_region(langs: str, settings: Settings, parallel_text: Path, tmp_path: Path) -> None:
    _, tgt_lang = split_langs(langs)
    for name in ("train", "valid"):
        for lang, file in (("en", f"{name}.en"), (tgt_lang, f"{name}.fr")):
            (tmp_path / f"{name}.{lang}").write_bytes((parallel_text / file).read_bytes())
    corpus = prepare(settings(langs=langs, train=(f"{tmp_path}/train",), valid=(f"{tmp_path}/valid",)))
    assert PreparedCorpus.open(corpus.path).tgt_lang == tgt_lang
    assert split_langs(corpus.reversed.manifest.corpus.langs) == (tgt_lang, "en")


INVISIBLE = "\u00ad\u200b\u2060\ufeff\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"


def strewn(text: str) -> str:
    """The same text with characters that cannot be seen inside its words, and a byte-order mark at its beginning."""
    return "\ufeff" + "".join(
        character + INVISIBLE[place % len(INVISIBLE)] if character.isalpha() else character
        for place, character in enumerate(text)
    )


def as_of_format_1(folder: Path) -> Path:
    """Make a prepared corpus what an older mtkit would have written."""
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    manifest["format_version"] = 1
    del manifest["normalisation"], manifest["variants"], manifest["corpus"]["columns"]
    (folder / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    return folder


def test_characters_that_cannot_be_seen_change_neither_vocabularies_nor_pairs(
    settings: Settings, parallel_text: Path, tmp_path: Path
) -> None:
    for file in parallel_text.iterdir():
        lines = file.read_text(encoding="utf-8").splitlines()
        (tmp_path / file.name).write_text("".join(f"{strewn(line)}\n" for line in lines), encoding="utf-8")
    plain = prepare(settings())
    hidden = prepare(settings("hidden", train=(f"{tmp_path}/train",), valid=(f"{tmp_path}/valid",)))
    assert plain.fingerprint == hidden.fingerprint


def test_characters_that_cannot_be_seen_change_no_translation_score_or_prefix(
    model_folder: Path, parallel_text: Path
) -> None:
    sources, targets = (
        (parallel_text / f"valid.{lang}").read_text(encoding="utf-8").splitlines()[:8] for lang in ("en", "fr")
    )
    translator = Translator.load(model_folder, device="cpu", threads=1)
    prefixes = [target[:5] for target in targets]
    for some, hidden in (
        (translator.translate(sources), translator.translate(map(strewn, sources))),
        (
            translator.translate(sources, prefixes=prefixes),
            translator.translate(sources, prefixes=map(strewn, prefixes)),
        ),
    ):
        assert [one.text for one in some] == [one.text for one in hidden]
    assert translator.score(sources, targets) == translator.score([*map(strewn, sources)], [*map(strewn, targets)])


def test_what_an_older_mtkit_made_keeps_its_rule(
    settings: Settings, parallel_text: Path, model_folder: Path, tmp_path: Path
) -> None:
    old = as_of_format_1(prepare(settings()).path)
    assert PreparedCorpus.open(old).normaliser == PreparedCorpus.open(old).reversed.normaliser == Normaliser(1)
    (tmp_path / "more.tsv").write_text("The ca\u00adt.\tLe cha\u00adt.\n", encoding="utf-8")
    part = prepare(settings("part", train=(f"{tmp_path}/more.tsv",), vocabulary=str(old)))
    assert part.train.src_texts([0]) == ["The ca\u00adt."], "a part is normalised as the whole"
    assert len(PreparedCorpus.open(old, part.path).train) == 401

    model = Path(shutil.copytree(model_folder, tmp_path / "model"))
    config = json.loads((model / "config.json").read_text(encoding="utf-8"))
    assert config.pop("normalisation") == NEWEST_RULE
    del config["variants"]
    (model / "config.json").write_text(json.dumps(config), encoding="utf-8")
    assert Translator.load(model, device="cpu").normaliser == Normaliser(1)
    assert prepare(settings("of the model", vocabulary=str(model))).normaliser == Normaliser(1)


def test_parts_by_different_rules_are_no_corpus(settings: Settings) -> None:
    old = as_of_format_1(prepare(settings("old")).path)
    with pytest.raises(PreparedError, match=r"old: has other vocabularies or normalisation than .*out; prepare"):
        PreparedCorpus.open(prepare(settings()).path, old)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_the_training_of_a_vocabulary_at_once(number: signal.Signals, tmp_path: Path) -> None:
    rng = random.Random(1)
    words = ["".join(rng.choices("abcdefghijklmnopqrstuvwxyz", k=rng.randint(2, 9))) for _ in range(30_000)]
    lines = "".join(f"{' '.join(rng.choices(words, k=12))}\n" for _ in range(20_000))
    for lang in ("en", "fr"):
        (tmp_path / f"text.{lang}").write_text(lines, encoding="utf-8")
    text = f"{tmp_path}/text"
    command = [sys.executable, "-m", "mtkit", "preprocess", "--langs", "en-fr", "--train", text, "--valid", text]
    command += ["--out", f"{tmp_path}/out"]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environment) as process:
        assert process.stderr is not None
        while "Training the joint vocabulary" not in (line := process.stderr.readline()):
            assert line, "it ended"
        time.sleep(2)  # its text is read, and SentencePiece at work: for some 20 seconds
        process.send_signal(number)
        began = time.monotonic()
        process.communicate(timeout=60)
        assert time.monotonic() - began < 2
        assert process.returncode == 128 + number
    assert {path.name for path in tmp_path.iterdir()} == {"text.en", "text.fr"}
