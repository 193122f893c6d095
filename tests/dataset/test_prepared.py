import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mtkit.dataset import prepared
from mtkit.dataset.preparation import prepare
from mtkit.dataset.prepared import PreparedCorpus, Split, write_shards
from mtkit.errors import PreparedError
from mtkit.settings import PreprocessSettings

Settings = Callable[..., PreprocessSettings]
ROWS = [(f"s{n}", f"t{n}", list(range(n)), [n] * (n % 3)) for n in range(11)]


@pytest.fixture
def corpus(settings: Settings) -> PreparedCorpus:
    return prepare(settings())


def split_of(folder: Path) -> Split:
    return Split.open(folder / entry.name for entry in write_shards(folder, "train", iter(ROWS)))


class TestSplit:
    @pytest.fixture(params=[(10_000, 50), (2, 2), (3, 1)], ids=["one batch", "many shards", "uneven shards"])
    def split(self, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Split:
        monkeypatch.setattr(prepared, "_BATCH_PAIRS", request.param[0])
        monkeypatch.setattr(prepared, "_SHARD_BATCHES", request.param[1])
        return split_of(tmp_path)

    def test_reads_what_was_written(self, split: Split) -> None:
        assert len(split) == len(ROWS)
        src, tgt = split.gather(range(len(ROWS)))
        for index, row in enumerate(ROWS):
            read = (*split.src_texts([index]), *split.tgt_texts([index]), src[index].tolist(), tgt[index].tolist())
            assert read == row

    def test_lengths(self, split: Split) -> None:
        assert split.src_lengths.tolist() == [len(row[2]) for row in ROWS]
        assert split.tgt_lengths.tolist() == [len(row[3]) for row in ROWS]
        assert split.src_lengths.dtype == np.int32

    def test_gather_takes_any_order_and_repeats(self, split: Split) -> None:
        src, tgt = split.gather(np.array([10, 2, 2, 7]))
        assert [ids.tolist() for ids in src] == [ROWS[index][2] for index in (10, 2, 2, 7)]
        assert [ids.tolist() for ids in tgt] == [ROWS[index][3] for index in (10, 2, 2, 7)]
        assert split.gather([]) == ([], [])

    def test_reversed_has_its_sides_in_each_others_place(self, split: Split) -> None:
        backward = split.reversed
        src, tgt = backward.gather(range(len(ROWS)))
        for index, (first, second, first_ids, second_ids) in enumerate(ROWS):
            assert backward.src_texts([index]) + backward.tgt_texts([index]) == [second, first]
            assert (src[index].tolist(), tgt[index].tolist()) == (second_ids, first_ids)
        assert backward.src_lengths.tolist() == split.tgt_lengths.tolist()
        assert backward.reversed.src_texts(range(len(ROWS))) == split.src_texts(range(len(ROWS)))

    @pytest.mark.parametrize("index", [-1, 11])
    def test_index_out_of_range(self, split: Split, index: int) -> None:
        with pytest.raises(IndexError, match="outside 0 to 10"):
            split.gather([0, index])

    def test_ids_are_views_of_the_file(self, split: Split) -> None:
        (first,), _ = split.gather([5])
        (again,), _ = split.gather([5])
        assert np.shares_memory(first, again)
        assert not first.flags.writeable


def test_shards_hold_no_more_than_their_share(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(prepared, "_BATCH_PAIRS", 2)
    monkeypatch.setattr(prepared, "_SHARD_BATCHES", 2)
    entries = write_shards(tmp_path, "train", iter(ROWS))
    assert [(entry.name, entry.count) for entry in entries] == [
        ("train-00000.arrow", 4),
        ("train-00001.arrow", 4),
        ("train-00002.arrow", 3),
    ]
    assert write_shards(tmp_path, "valid", iter(())) == ()


class TestOpenSeveral:
    @pytest.fixture
    def parts(self, settings: Settings, write: Callable[..., str], make_pairs: Callable[..., object]) -> list[Path]:
        """Two folders with 300 and 50 training pairs of one vocabulary, each with validation pairs of its own."""
        first = prepare(settings(out="first")).path
        text = {"train": (write("more", make_pairs(50, seed=3)),), "valid": (write("dev", make_pairs(20, seed=4)),)}
        return [first, prepare(settings(out="second", vocabulary=str(first), vocab_size=0, **text)).path]

    def test_training_pairs_follow_one_another_and_validation_is_that_of_the_first(self, parts: list[Path]) -> None:
        first, second = map(PreparedCorpus.open, parts)
        whole = PreparedCorpus.open(*parts)
        assert (len(whole.train), whole.size) == (350, 350)
        for side in ("src_texts", "tgt_texts"):
            expected = [*getattr(first.train, side)(range(300)), *getattr(second.train, side)(range(50))]
            assert getattr(whole.train, side)(range(350)) == expected
        assert whole.valid.src_texts(range(len(whole.valid))) == first.valid.src_texts(range(len(first.valid)))

    def test_the_manifest_tells_all_their_training_text(self, parts: list[Path]) -> None:
        first, second = (PreparedCorpus.open(path).manifest for path in parts)
        train = PreparedCorpus.open(*parts).manifest.train
        assert train.inputs == first.train.inputs + second.train.inputs
        assert train.pairs == train.cleaning.kept == 350
        for key in ("src_tokens", "tgt_tokens"):
            assert getattr(train, key) == getattr(first.train, key) + getattr(second.train, key)

    def test_the_fingerprint_covers_all_in_their_order(self, parts: list[Path]) -> None:
        first, second = parts
        orders = [(first,), (second,), (first, second), (second, first)]
        assert len({PreparedCorpus.open(*paths).fingerprint for paths in orders}) == len(orders)
        assert PreparedCorpus.open(first).fingerprint == PreparedCorpus.open(first).fingerprint

    def test_other_vocabularies_do_not_fit(self, parts: list[Path], settings: Settings) -> None:
        other = prepare(settings(out="other", vocab_size=350)).path
        with pytest.raises(
            PreparedError,
            match=r"other: has other vocabularies or normalisation than .*first; prepare it again",
        ):
            PreparedCorpus.open(parts[0], other)

    def test_other_languages_do_not_fit(
        self, parts: list[Path], settings: Settings, write: Callable[..., str], tmp_path: Path
    ) -> None:
        for name in ("train", "valid"):
            (tmp_path / f"{name}.de").write_bytes((tmp_path / f"{name}.fr").read_bytes())
        other = prepare(settings(out="other", langs="en-de", vocabulary=str(parts[0]), vocab_size=0)).path
        with pytest.raises(
            PreparedError, match=r"other: is en-de, but .*first is en-fr; give folders of one pair of lang"
        ):
            PreparedCorpus.open(parts[0], other)


class TestOpen:
    def test_a_moved_folder_is_the_same_corpus(self, corpus: PreparedCorpus, tmp_path: Path) -> None:
        moved = PreparedCorpus.open(shutil.copytree(corpus.path, tmp_path / "deep" / "moved"))
        assert moved.fingerprint == corpus.fingerprint
        assert moved.manifest == corpus.manifest
        assert moved.train.src_texts([7]) == corpus.train.src_texts([7])
        assert moved.vocabulary_files == [tmp_path / "deep" / "moved" / "joint.spm"]

    def test_not_a_prepared_corpus(self, tmp_path: Path) -> None:
        (tmp_path / "other").mkdir()
        (tmp_path / "other" / "manifest.json").write_text('{"name": "a web app"}')
        for path in (tmp_path / "none", tmp_path, tmp_path / "other"):
            with pytest.raises(PreparedError, match="not a prepared corpus; prepare one first"):
                PreparedCorpus.open(path)

    def test_another_format(self, corpus: PreparedCorpus) -> None:
        (corpus.path / "manifest.json").write_text('{"format_version": 9, "mtkit": "8.1", "new": 1}')
        with pytest.raises(PreparedError, match=r"in format 9 by mtkit 8\.1, but this mtkit reads formats 1 and 2;"):
            PreparedCorpus.open(corpus.path)

    def test_damaged_manifest(self, corpus: PreparedCorpus) -> None:
        (corpus.path / "manifest.json").write_text('{"format_version": 1, "mtkit": "0.1.0"}')
        with pytest.raises(PreparedError, match=r"damaged manifest \(.*src_lang.*\); run mtkit preprocess again"):
            PreparedCorpus.open(corpus.path)

    def test_damaged_files(self, corpus: PreparedCorpus, tmp_path: Path) -> None:
        def truncate(path: Path) -> None:
            path.write_bytes(path.read_bytes()[:-100])

        def swap(path: Path) -> None:
            shutil.copy(path.with_name("valid-00000.arrow"), path)

        damages: tuple[tuple[str, Callable[[Path], object], str], ...] = (
            ("joint.spm", Path.unlink, r"joint\.spm: cannot be read"),
            ("joint.spm", truncate, r"joint\.spm"),
            ("train-00000.arrow", Path.unlink, r"train-00000\.arrow"),
            ("train-00000.arrow", truncate, "its SHA-256 is another"),
            ("train-00000.arrow", lambda path: path.write_bytes(b""), "its SHA-256 is another"),
            ("train-00000.arrow", swap, "its SHA-256 is another"),
        )
        for number, (name, damage, message) in enumerate(damages):
            copy = shutil.copytree(corpus.path, tmp_path / f"damaged{number}")
            damage(copy / name)
            with pytest.raises(PreparedError, match=rf"damaged prepared corpus \(.*{message}.*\); run mtkit preproc"):
                PreparedCorpus.open(copy)
            with pytest.raises(PreparedError, match=r"damaged prepared corpus \(.*\); run mtkit preproc"):
                PreparedCorpus.open(copy, verify=False)

    def test_another_vocabulary(self, settings: Settings, corpus: PreparedCorpus) -> None:
        other = prepare(settings(out="other", vocab_size=350))
        shutil.copy(other.path / "joint.spm", corpus.path / "joint.spm")
        with pytest.raises(PreparedError, match=r"joint\.spm is not the vocabulary it was prepared with"):
            PreparedCorpus.open(corpus.path)


@pytest.mark.parametrize("joint", [True, False])
def test_a_reversed_corpus_is_one_of_the_other_direction(settings: Settings, joint: bool) -> None:
    corpus = prepare(settings(joint=joint, vocab_size=300))
    backward = corpus.reversed
    assert (backward.src_lang, backward.tgt_lang, backward.manifest.corpus.langs) == ("fr", "en", "fr-en")
    assert backward.vocabulary_files == corpus.vocabulary_files[::-1]
    assert backward.manifest.train.src_tokens == backward.train.src_lengths.sum() == corpus.manifest.train.tgt_tokens
    for split, original in ((backward.train, corpus.train), (backward.valid, corpus.valid)):
        assert split.src_texts([3]) == original.tgt_texts([3])
        (src,), (tgt,) = split.gather([3])
        assert [backward.src_vocabulary.decode(src.tolist())] == split.src_texts([3])
        assert [backward.tgt_vocabulary.decode(tgt.tolist())] == split.tgt_texts([3])
    assert backward.reversed.manifest == corpus.manifest


def test_fingerprint_tells_data_apart(settings: Settings, corpus: PreparedCorpus) -> None:
    changes: tuple[dict[str, Any], ...] = (
        {"vocab_size": 350},
        {"train": settings().corpus.valid},
        {"max_length": 30},
        {"joint": False},
    )
    others = [prepare(settings(out=f"other{n}", **change)).fingerprint for n, change in enumerate(changes)]
    assert len({corpus.fingerprint, *others}) == 5


def test_without_pyarrow_it_names_the_full_install() -> None:
    code = "import sys; sys.modules['pyarrow'] = None; import mtkit.dataset.prepared"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    message = "mtkit.errors.MissingExtraError: a prepared corpus needs the full install: pip install 'mtkit[train]'"
    assert result.stderr.splitlines()[-1] == message


def test_a_manifest_that_is_not_utf8_is_no_prepared_corpus(tmp_path: Path) -> None:
    (tmp_path / "manifest.json").write_bytes(b'{"mtkit": "\xff"}')
    with pytest.raises(PreparedError, match="not a prepared corpus"):
        PreparedCorpus.open(tmp_path)
