import errno
import gzip
import hashlib
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from mtkit.corpus import CleaningReport
from mtkit.dataset import preparation
from mtkit.dataset.preparation import prepare
from mtkit.dataset.prepared import PreparedCorpus, Split
from mtkit.errors import CorpusError, OutputError, SettingsError, VocabularyError
from mtkit.settings import PreprocessSettings

Pairs = list[tuple[str, str]]
MakePairs = Callable[..., Pairs]
Settings = Callable[..., PreprocessSettings]
Write = Callable[[str, Pairs], str]


def texts(split: Split) -> Pairs:
    return list(zip(split.src_texts(range(len(split))), split.tgt_texts(range(len(split))), strict=True))


def contents(folder: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in folder.iterdir()}


class TestContent:
    @pytest.mark.parametrize("joint", [True, False])
    def test_every_clean_pair_in_order_as_text_and_as_ids(
        self, settings: Settings, make_pairs: MakePairs, joint: bool
    ) -> None:
        corpus = prepare(settings(joint=joint, vocab_size=350))
        assert texts(corpus.train) == make_pairs(300)
        assert texts(corpus.valid) == make_pairs(40, seed=2)
        src, tgt = corpus.train.gather(range(300))
        decoded = [
            (corpus.src_vocabulary.decode(s.tolist()), corpus.tgt_vocabulary.decode(t.tolist()))
            for s, t in zip(src, tgt, strict=True)
        ]
        assert decoded == make_pairs(300)

    def test_dropped_pairs_never_shift_the_others(
        self, settings: Settings, make_pairs: MakePairs, write: Write
    ) -> None:
        pairs = make_pairs(200)
        blank_src, blank_tgt = set(range(3, 200, 7)), set(range(5, 200, 11))
        dirty = [
            ("" if row in blank_src else src, "\u2028 " if row in blank_tgt else tgt)
            for row, (src, tgt) in enumerate(pairs)
        ]
        corpus = prepare(settings(train=(write("dirty", dirty),)))
        assert texts(corpus.train) == [pair for row, pair in enumerate(pairs) if row not in blank_src | blank_tgt]
        assert corpus.manifest.train.cleaning == CleaningReport(200, blank=len(blank_src | blank_tgt))

    def test_long_pairs_are_dropped_and_counted(self, settings: Settings) -> None:
        everything = prepare(settings(out="everything"))
        longest = everything.train.src_lengths.max()
        corpus = prepare(settings(max_length=int(longest) - 1))
        longer = [max(pair) for pair in zip(everything.train.src_lengths, everything.train.tgt_lengths, strict=True)]
        assert corpus.manifest.train.cleaning["long"] == sum(length >= longest for length in longer) > 0
        assert max(corpus.train.src_lengths.max(), corpus.train.tgt_lengths.max()) < longest
        assert corpus.manifest.train.cleaning.kept == len(corpus.train) == corpus.manifest.train.pairs

    def test_the_ratio_filter_spares_validation(self, settings: Settings, write: Write) -> None:
        odd = write("odd", [("a" * 40, "b")] * 5 + [("a", "b")])
        corpus = prepare(settings(train=(settings().corpus.train[0], odd), valid=(odd,)))
        assert corpus.manifest.train.cleaning["ratio"] == 5
        assert len(corpus.valid) == 6

    def test_repeated_inputs_follow_one_another(
        self, settings: Settings, make_pairs: MakePairs, write: Write, tmp_path: Path
    ) -> None:
        (tmp_path / "more.tsv.gz").write_bytes(
            gzip.compress("".join(f"{s}\t{t}\n" for s, t in make_pairs(30, seed=4)).encode())
        )
        train = (write("first", make_pairs(200, seed=3)), f"{tmp_path}/more.tsv.gz")
        assert texts(prepare(settings(train=train)).train) == make_pairs(200, seed=3) + make_pairs(30, seed=4)

    def test_manifest_tells_where_it_came_from_without_a_path(self, settings: Settings, tmp_path: Path) -> None:
        corpus = prepare(settings())
        manifest = corpus.manifest
        file = tmp_path / "train.en"
        assert [entry.name for entry in manifest.train.inputs] == ["train.en", "train.fr"]
        assert manifest.train.inputs[0].sha256 == hashlib.sha256(file.read_bytes()).hexdigest()
        assert manifest.train.inputs[0].count == 300
        assert (corpus.src_lang, corpus.tgt_lang, corpus.joint) == ("en", "fr", True)
        assert manifest.valid.src_tokens == corpus.valid.src_lengths.sum()
        assert str(tmp_path) not in (corpus.path / "manifest.json").read_text()


class TestSameAgain:
    @pytest.mark.parametrize("valid", [None, ()])
    def test_equal_text_and_settings_give_equal_bytes(self, settings: Settings, valid: tuple[str, ...] | None) -> None:
        change = {} if valid is None else {"valid": valid}
        first, second = (prepare(settings(out=out, **change)) for out in ("first", "second"))
        assert contents(first.path) == contents(second.path)

    def test_the_seed_draws_other_validation_pairs(self, settings: Settings) -> None:
        first, second = (prepare(settings(out=str(seed), seed=seed, valid=())) for seed in (1, 2))
        assert texts(first.valid) != texts(second.valid)

    @pytest.mark.parametrize("joint", [True, False])
    def test_a_part_can_take_the_vocabularies_of_another(
        self, joint: bool, settings: Settings, write: Write, make_pairs: MakePairs
    ) -> None:
        first = prepare(settings(joint=joint, vocab_type="bpe", vocab_size=350))
        part = (write("part", make_pairs(100, seed=2)),)
        second = prepare(settings(out="second", train=part, vocabulary=str(first.path), vocab_size=0))
        assert second.manifest.vocabularies == first.manifest.vocabularies
        assert (second.joint, second.manifest.corpus.vocab_type) == (joint, "bpe")
        assert second.manifest.corpus.vocabulary == "", "a folder can move between machines"
        assert second.train.tgt_texts([0]) == [second.tgt_vocabulary.decode(second.train.gather([0])[1][0].tolist())]
        with pytest.raises(SettingsError, match="`vocabulary=nowhere`: is neither a prepared corpus nor a model"):
            prepare(settings(out="third", vocabulary="nowhere", vocab_size=0))

    def test_vocabularies_of_large_corpora_come_from_a_seeded_share(
        self, settings: Settings, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        everything = prepare(settings(out="everything"))
        monkeypatch.setattr(preparation, "_VOCABULARY_PAIRS", 250)
        first, second = (prepare(settings(out=out)) for out in ("first", "second"))
        assert contents(first.path) == contents(second.path)
        assert first.src_vocabulary.fingerprint != everything.src_vocabulary.fingerprint


class TestVocabularies:
    def test_joint_is_one_and_separate_are_two(self, settings: Settings) -> None:
        joint, separate = prepare(settings(out="joint")), prepare(settings(out="separate", joint=False))
        assert joint.src_vocabulary is joint.tgt_vocabulary
        assert [file.name for file in joint.vocabulary_files] == ["joint.spm"]
        assert [file.name for file in separate.vocabulary_files] == ["source.spm", "target.spm"]
        assert "▁!" not in separate.src_vocabulary.pieces(range(len(separate.src_vocabulary)))
        assert "▁!" in separate.tgt_vocabulary.pieces(range(len(separate.tgt_vocabulary)))

    @pytest.mark.parametrize("held_out", [True, False])
    def test_validation_text_takes_no_part(
        self, settings: Settings, make_pairs: MakePairs, write: Write, held_out: bool
    ) -> None:
        if held_out:  # each sentence has a character of its own, so the held-out ones must be missing
            own = [(chr(0x4E00 + row), chr(0x5E00 + row)) for row in range(300)]
            corpus = prepare(settings(train=(write("own", own),), valid=(), vocab_type="char", vocab_size=0))
        else:
            valid = write("other", [("漢", "字")] * 40)
            corpus = prepare(settings(valid=(valid,), vocab_type="char", vocab_size=0))
        pieces = set(corpus.src_vocabulary.pieces(range(len(corpus.src_vocabulary))))
        assert not pieces & {side for pair in texts(corpus.valid) for side in pair}
        assert pieces & {char for pair in texts(corpus.train) for side in pair for char in side}

    def test_the_automatic_size_fits_any_corpus(self, settings: Settings) -> None:
        assert 300 < len(prepare(settings(vocab_size=0)).src_vocabulary) < 2_000

    @pytest.mark.parametrize(
        ("change", "message"),
        [
            ({"vocab_size": 9_000}, "joint vocabulary size 9,000 is more than .* the largest that works is"),
            ({"vocab_size": 9_000, "joint": False}, "source vocabulary size 9,000 is more than"),
            ({"vocab_size": 100}, "joint vocabulary size 100 is smaller than .* the smallest that works is"),
        ],
    )
    def test_a_size_the_text_does_not_allow(self, settings: Settings, change: dict[str, object], message: str) -> None:
        with pytest.raises(VocabularyError, match=message):
            prepare(settings(**change))


class TestHoldOut:
    def test_shares_no_sentence_with_training(self, settings: Settings, make_pairs: MakePairs, write: Write) -> None:
        pairs = make_pairs(300)
        pairs += [(src, "twin") for src, _ in pairs[:50]] + [("twin", tgt) for _, tgt in pairs[50:100]]
        lines: list[str] = []
        corpus = prepare(settings(train=(write("twins", pairs),), valid=(), max_ratio=99), lines.append)
        train, valid = texts(corpus.train), texts(corpus.valid)
        assert len(valid) == corpus.manifest.held_out == 100
        assert sorted(train + valid) == sorted(pairs)
        for side in (0, 1):
            assert not {pair[side] for pair in train} & {pair[side] for pair in valid}
        assert "Held out 100 training pairs for validation; their sentences occur nowhere else" in lines

    @pytest.mark.parametrize(("pairs", "held_out"), [(200, 100), (6_000, 120)])
    def test_size(self, settings: Settings, make_pairs: MakePairs, write: Write, pairs: int, held_out: int) -> None:
        corpus = prepare(settings(train=(write("text", make_pairs(pairs)),), valid=(), vocab_type="char", vocab_size=0))
        assert len(corpus.valid) == held_out

    def test_too_little_text(self, settings: Settings, make_pairs: MakePairs, write: Write) -> None:
        with pytest.raises(CorpusError, match=r"50 of 50 pairs .* too few to hold out 100 .* give .* with `valid`"):
            prepare(settings(train=(write("few", make_pairs(50)),), valid=()))

    def test_too_much_repetition(self, settings: Settings, make_pairs: MakePairs, write: Write) -> None:
        with pytest.raises(CorpusError, match="30 of 430 pairs have sentences that occur nowhere else"):
            prepare(settings(train=(write("same", make_pairs(30) + make_pairs(200, seed=3) * 2),), valid=()))


class TestErrors:
    @pytest.mark.parametrize(
        ("change", "message"),
        [
            ({"langs": ""}, "`langs` '' is not a language pair"),
            ({"train": ()}, "`train` is missing"),
        ],
    )
    def test_missing_settings(self, settings: Settings, change: dict[str, object], message: str) -> None:
        with pytest.raises(SettingsError, match=message):
            prepare(settings(**change))

    def test_missing_out(self, settings: Settings) -> None:
        with pytest.raises(SettingsError, match="`out` is missing"):
            prepare(PreprocessSettings(corpus=settings().corpus))

    @pytest.mark.parametrize("which", ["train", "valid"])
    @pytest.mark.parametrize("content", ["", "\n \n"])
    def test_empty_text(self, settings: Settings, tmp_path: Path, which: str, content: str) -> None:
        for lang in ("en", "fr"):
            (tmp_path / f"empty.{lang}").write_text(content)
        with pytest.raises(CorpusError, match=rf"empty\.fr: no usable pair among {content.count(chr(10))};"):
            prepare(settings(**{which: (f"{tmp_path}/empty",)}))
        assert not (tmp_path / "out").exists()

    def test_nothing_short_enough(self, settings: Settings) -> None:
        with pytest.raises(CorpusError, match="every pair has a side of more than 1 pieces; raise `max_length`"):
            prepare(settings(max_length=1))


class TestPlace:
    def test_an_empty_folder_is_filled(self, settings: Settings, tmp_path: Path) -> None:
        (tmp_path / "out").mkdir()
        assert len(prepare(settings()).train) == 300

    def test_a_prepared_corpus_is_replaced_by_force_alone(self, settings: Settings) -> None:
        before = contents(prepare(settings()).path)
        with pytest.raises(OutputError, match=r"out: exists already; .*: `force=True`"):
            prepare(settings(vocab_size=350))
        assert contents(Path(settings().out)) == before
        assert len(prepare(settings(vocab_size=350, force=True)).src_vocabulary) == 350

    def test_force_leaves_everything_else_alone(self, settings: Settings, tmp_path: Path) -> None:
        home = tmp_path / "home"
        home.mkdir()
        (home / "thesis.txt").write_text("years of work")
        with_more = prepare(settings(out="more")).path
        (with_more / "notes.txt").write_text("mine")
        foreign = tmp_path / "foreign"
        foreign.mkdir()
        (foreign / "manifest.json").write_text('{"name": "a web app"}')
        for folder in (home, with_more, foreign):
            before = contents(folder)
            with pytest.raises(OutputError, match="`force=True` leaves it alone"):
                prepare(settings(out=folder.name, force=True))
            assert contents(folder) == before

    def test_a_file_in_the_way(self, settings: Settings, tmp_path: Path) -> None:
        (tmp_path / "out").write_text("a file")
        with pytest.raises(OutputError, match="out: is a file"):
            prepare(settings(force=True))

    def test_a_failure_leaves_the_old_corpus_whole_and_nothing_half_written(
        self, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        before = contents(prepare(settings()).path)

        def full(*_: object) -> None:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

        monkeypatch.setattr(preparation, "write_shards", full)
        with pytest.raises(OutputError, match="no space left on the disk"):
            prepare(settings(force=True))
        assert contents(tmp_path / "out") == before
        assert not list(tmp_path.glob(".*"))


def test_report_tells_the_steps_and_the_counts(settings: Settings, tmp_path: Path) -> None:
    lines: list[str] = []
    corpus = prepare(settings(), lines.append)
    entry = corpus.manifest.train
    assert lines[:2] == [f"Reading {tmp_path}/{name}.en + {tmp_path}/{name}.fr" for name in ("train", "valid")]
    assert f"training: 300 pairs, {entry.src_tokens:,} + {entry.tgt_tokens:,} pieces" in lines
    assert "  300 of 300 pairs kept" in lines
    assert lines[-1] == f"Wrote {tmp_path}/out"


@pytest.mark.slow
@pytest.mark.skipif("MTKIT_CORPORA" not in os.environ, reason="MTKIT_CORPORA names no folder of corpora")
def test_multi30k_takes_under_15_seconds_and_a_gigabyte(tmp_path: Path) -> None:
    prefix = Path(os.environ["MTKIT_CORPORA"]) / "multi30k"
    code = f"""
import resource
from mtkit.dataset.preparation import prepare
from mtkit.settings import CorpusSettings, PreprocessSettings
corpus = CorpusSettings(langs="en-de", train=("{prefix}/train",), valid=("{prefix}/val",))
prepare(PreprocessSettings(corpus=corpus, out="{tmp_path}/out"))
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""
    start = time.monotonic()
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert time.monotonic() - start < 15
    assert int(result.stdout) < 1024**2  # in KiB
    assert len(PreparedCorpus.open(tmp_path / "out").train) == 28_998
