"""Promises of what mtkit writes and reads: nothing lost, nothing written outside, nothing wrong in silence.

Each test rebuilds a report of somebody who lost something, with harmless inputs.
"""

from __future__ import annotations

import io
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import pytest

from mtkit.cli.app import main
from mtkit.configuration import read_config
from mtkit.dataset import PreparedCorpus
from mtkit.dataset import prepared as prepared_file
from mtkit.errors import CorpusError, ModelFolderError, OutputError, PreparedError, SettingsError
from mtkit.lock import locked
from mtkit.model_folder import ModelFolder, check_no_links, check_way, foreign_files
from mtkit.runtime.onnx_export.export import export
from mtkit.storage import HOST, known_sha256, sha256
from mtkit.text.lines import read_lines
from mtkit.translation import Translator

ROOT = Path(__file__).parent.parent.parent
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
SENTENCE = "The red cat sees a dog."


class Outcome(NamedTuple):
    """What a command left behind."""

    code: int
    out: str
    err: str


@pytest.fixture
def mtkit(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Outcome]:
    """Run `mtkit ARGUMENTS` in this process."""

    def run(*arguments: object, stdin: str = "") -> Outcome:
        out, err = io.TextIOWrapper(io.BytesIO(), write_through=True), io.StringIO()
        with monkeypatch.context() as patch:
            patch.setattr(sys, "argv", ["mtkit", *map(str, arguments)])
            patch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin.encode())))
            patch.setattr(sys, "stdout", out)
            patch.setattr(sys, "stderr", err)
            with pytest.raises(SystemExit) as ended:
                main()
        return Outcome(int(ended.value.code or 0), out.buffer.getvalue().decode(), err.getvalue())

    return run


@pytest.fixture
def text(parallel_text: Path) -> list[str]:
    """The arguments that name a corpus."""
    return ["--langs", "en-fr", "--train", f"{parallel_text}/train", "--valid", f"{parallel_text}/valid"]


@pytest.fixture
def corpus_copy(prepared: PreparedCorpus, tmp_path: Path) -> Path:
    """A prepared corpus that a test may damage."""
    return Path(shutil.copytree(prepared.path, tmp_path / "corpus"))


@pytest.fixture
def model_copy(model_folder: Path, tmp_path: Path) -> Path:
    """A model that a test may damage."""
    return Path(shutil.copytree(model_folder, tmp_path / "model"))


def tree(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes() if path.is_file() else b""
        for path in folder.rglob("*")
        if not path.is_symlink()
    }


def assert_one_line(outcome: Outcome, code: int = 2) -> str:
    assert outcome.code == code, outcome.err
    (line,) = outcome.err.splitlines()
    assert line.startswith("Error: ")
    return line


class TestTwoWriters:
    """One process at a time writes a folder; the second stops with a line that names the first."""

    @contextmanager
    def somebody_in(self, folder: Path) -> Iterator[int]:
        program = f"""if True:
            import sys
            from pathlib import Path
            from mtkit.lock import locked
            with locked(Path({str(folder)!r})):
                print(flush=True)
                sys.stdin.read()
        """
        process = subprocess.Popen(
            [sys.executable, "-c", program], env=ENVIRONMENT, stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        try:
            assert process.stdout
            assert process.stdout.readline()
            yield process.pid
        finally:
            process.communicate()

    def test_preprocess_train_and_export_stop_where_somebody_writes(
        self, mtkit: Callable[..., Outcome], text: list[str], model_copy: Path, tmp_path: Path
    ) -> None:
        sizes = ("--updates", 1, "--hidden-size", 8, "--embedding-size", 8, "--device", "cpu")
        commands: list[tuple[Path, tuple[object, ...]]] = [
            (tmp_path / "out", ("preprocess", *text, "--out", tmp_path / "out")),
            (model_copy, ("export", model_copy)),
            (model_copy, ("train", *text, "--out", model_copy, "--force", *sizes)),
        ]
        for folder, command in commands:
            before = tree(tmp_path)
            with self.somebody_in(folder) as pid:
                line = assert_one_line(mtkit(*command, "--quiet"))
            assert f"{folder}: is being written by process {pid} on {HOST}, since 20" in line
            assert tree(tmp_path) == before
            assert mtkit(*command, "--quiet").code == 0, "when the other has left"

    def test_a_lock_does_not_disturb_what_is_free_nor_what_is_mtkits(self, tmp_path: Path) -> None:
        with locked(tmp_path / "model"):
            check_way(tmp_path / "model", force=False)
            (tmp_path / "model").mkdir()
            check_way(tmp_path / "model", force=False)

    @pytest.mark.slow
    def test_of_two_preparations_one_stops_fifty_times_of_fifty(self, text: list[str], tmp_path: Path) -> None:
        out = tmp_path / "out"
        command = [sys.executable, "-m", "mtkit", "preprocess", *text, "--out", str(out), "--force", "--quiet"]
        for _ in range(50):
            both = [subprocess.Popen(command, env=ENVIRONMENT, stderr=subprocess.PIPE, text=True) for _ in range(2)]
            told = [process.communicate()[1] for process in both]
            codes = [process.returncode for process in both]
            # one may begin only when the other is done, and then replaces what that has made
            assert sorted(codes) in ([0, 0], [0, 2])
            assert all(not line or "is being written by process" in line for line in told)
            PreparedCorpus.open(out)
            assert [path.name for path in tmp_path.iterdir()] == ["out"]


class TestForce:
    """Only what mtkit wrote is replaced."""

    def test_a_model_holds_nothing_but_what_mtkit_wrote(self, model_folder: Path) -> None:
        assert list(foreign_files(model_folder)) == []

    @pytest.mark.parametrize(
        "name", ["notes.txt", "training/notes.txt", "runtime/notes.txt", "my.safetensors", "runtime/int8/my.onnx"]
    )
    def test_a_file_of_the_users_in_a_model_stops_train_force(
        self, mtkit: Callable[..., Outcome], prepared: PreparedCorpus, model_copy: Path, name: str
    ) -> None:
        (model_copy / name).write_text("mine")
        before = tree(model_copy)
        with pytest.raises(OutputError, match=f"{name}: is not mtkit's, so the folder is not replaced; move it out"):
            check_way(model_copy, force=True)
        outcome = mtkit("train", prepared.path, "--out", model_copy, "--force", "--updates", 1, "--quiet")
        assert f"{model_copy / name}: is not mtkit's" in assert_one_line(outcome)
        assert tree(model_copy) == before

    def test_a_link_of_the_users_in_a_model_stops_train_force(self, model_copy: Path, tmp_path: Path) -> None:
        (model_copy / "data").symlink_to(tmp_path)
        with pytest.raises(OutputError, match="data: is not mtkit's"):
            check_way(model_copy, force=True)

    def test_a_file_of_the_users_in_a_corpus_stops_preprocess_force(
        self, mtkit: Callable[..., Outcome], text: list[str], corpus_copy: Path
    ) -> None:
        (corpus_copy / "mine.spm").write_text("mine")
        before = tree(corpus_copy)
        assert_one_line(mtkit("preprocess", *text, "--out", corpus_copy, "--force", "--quiet"))
        assert tree(corpus_copy) == before

    @pytest.mark.parametrize("force", [[], ["--force"]])
    def test_a_folder_made_while_preprocess_runs_stays(
        self,
        mtkit: Callable[..., Outcome],
        text: list[str],
        tmp_path: Path,
        force: list[str],
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        out, write = tmp_path / "out", prepared_file._write_shard

        def somebody_comes(*arguments: Any) -> int:
            out.mkdir(exist_ok=True)
            (out / "letter").write_text("dear")
            return write(*arguments)

        monkeypatch.setattr(prepared_file, "_write_shard", somebody_comes)
        assert str(out) in assert_one_line(mtkit("preprocess", *text, "--out", out, "--quiet", *force))
        assert tree(tmp_path) == {"out": b"", "out/letter": b"dear"}


class TestOutside:
    """Nothing is written outside of --out, whatever a folder says."""

    @pytest.mark.parametrize(
        "name", ["../outside.spm", "/tmp/outside.spm", "sub/joint.spm", "other.spm", "joint.spm\n"]
    )
    def test_a_vocabularys_name_in_a_model_stays_inside(
        self, mtkit: Callable[..., Outcome], text: list[str], model_copy: Path, tmp_path: Path, name: str
    ) -> None:
        config = json.loads((model_copy / "config.json").read_text())
        config["vocabularies"] = {name: config["vocabularies"]["joint.spm"]}
        (model_copy / "config.json").write_text(json.dumps(config))
        before = tree(tmp_path)
        for command in (
            ("preprocess", *text, "--vocabulary", model_copy, "--out", tmp_path / "a" / "b"),
            ("train", *text, "--init-from", model_copy, "--out", tmp_path / "a" / "b"),
        ):
            line = assert_one_line(mtkit(*command, "--quiet"))
            assert "config.json: " in line
            assert "vocabularies" in line
            assert tree(tmp_path) == before

    @pytest.mark.parametrize("name", ["../outside.spm", "other.spm"])
    def test_a_vocabularys_name_in_a_manifest_stays_inside(
        self, mtkit: Callable[..., Outcome], text: list[str], corpus_copy: Path, tmp_path: Path, name: str
    ) -> None:
        manifest = json.loads((corpus_copy / "manifest.json").read_text())
        manifest["vocabularies"][0]["name"] = name
        (corpus_copy / "manifest.json").write_text(json.dumps(manifest))
        before = tree(tmp_path)
        line = assert_one_line(mtkit("preprocess", *text, "--vocabulary", corpus_copy, "--out", tmp_path / "a" / "b"))
        assert "vocabularies are" in line
        assert tree(tmp_path) == before

    def test_links_in_a_folder_that_is_written_again_are_refused(self, model_copy: Path, tmp_path: Path) -> None:
        (tmp_path / "outside").mkdir()
        check_no_links(model_copy)
        for name in ("training", "log.jsonl", "training/prepared"):
            shutil.rmtree(tmp_path / "again", ignore_errors=True)
            again = Path(shutil.copytree(model_copy, tmp_path / "again"))
            if (again / name).is_dir():
                shutil.rmtree(again / name)
            (again / name).unlink(missing_ok=True)
            (again / name).symlink_to(tmp_path / "outside")
            with pytest.raises(OutputError, match=f"{name}: is a link, and nothing is written through links"):
                check_no_links(again)
        (model_copy / "data").symlink_to(tmp_path / "outside")
        check_no_links(model_copy)

    def test_a_training_is_not_resumed_through_a_link(
        self, mtkit: Callable[..., Outcome], prepared: PreparedCorpus, model_copy: Path, tmp_path: Path
    ) -> None:
        (model_copy / "training").rename(tmp_path / "outside")
        (model_copy / "training").symlink_to(tmp_path / "outside")
        before = tree(tmp_path)
        line = assert_one_line(mtkit("train", prepared.path, "--out", model_copy, "--resume", "--quiet"))
        assert f"{model_copy / 'training'}: is a link, and nothing is written through links" in line
        assert tree(tmp_path) == before

    def test_export_replaces_a_link_and_writes_nothing_where_it_leads(
        self, mtkit: Callable[..., Outcome], model_copy: Path, tmp_path: Path
    ) -> None:
        (model_copy / "runtime").rename(tmp_path / "outside")
        (model_copy / "runtime").symlink_to(tmp_path / "outside")
        before = tree(tmp_path / "outside")
        assert mtkit("export", model_copy, "--quiet").code == 0
        assert not (model_copy / "runtime").is_symlink()
        assert tree(tmp_path / "outside") == before


def edited(content: dict[str, Any], path: str, value: Any) -> dict[str, Any]:
    """Return a copy with the value at a path such as `corpus.longest_src` or `train.shards.0.name` changed."""
    copy: dict[str, Any] = json.loads(json.dumps(content))
    *way, last = [int(part) if part.isdigit() else part for part in path.split(".")]
    place: Any = copy
    for part in way:
        place = place[part]
    place[last] = value
    return copy


class TestStrangers:
    """Folders from strangers are read without harm: what cannot be is one line that names file and field."""

    @pytest.mark.parametrize(
        ("path", "value", "field"),
        [
            ("corpus.longest_src", 0, "longest_src"),
            ("corpus.longest_src", -3, "longest_src"),
            ("corpus.train_pairs", -1, "train_pairs"),
            ("src_vocab_size", 3, "src_vocab_size"),
            ("tgt_vocab_size", -1, "tgt_vocab_size"),
            ("src_vocab_size", 10**30, "src_vocab_size"),
            ("src_lang", "../en", "src_lang"),
            ("tgt_lang", "\x1b[2J", "tgt_lang"),
            ("vocabularies", {}, "vocabularies"),
            ("vocabularies", {"source.spm": ""}, "vocabularies"),
            ("vocabularies", {"joint.spm": "", "source.spm": ""}, "vocabularies"),
            ("train", {}, "train"),
            ("train", {"epochs": 1}, "its table train has no save_every"),
            ("preprocess", {}, "preprocess"),
            ("network.hidden_size", 0, "hidden_size"),
        ],
    )
    def test_what_config_json_says_is_bounded(
        self, mtkit: Callable[..., Outcome], model_copy: Path, path: str, value: Any, field: str
    ) -> None:
        file = model_copy / "config.json"
        file.write_text(json.dumps(edited(json.loads(file.read_text()), path, value)))
        line = assert_one_line(mtkit("translate", model_copy, stdin=SENTENCE))
        assert f"{file}: " in line
        assert field in line

    def test_a_vocabulary_has_the_pieces_that_config_json_says(
        self, mtkit: Callable[..., Outcome], model_copy: Path
    ) -> None:
        file = model_copy / "config.json"
        content = json.loads(file.read_text())
        file.write_text(json.dumps(edited(content, "src_vocab_size", content["src_vocab_size"] + 1)))
        assert "config.json: src_vocab_size is " in assert_one_line(mtkit("translate", model_copy, stdin=SENTENCE))

    @pytest.mark.parametrize("content", ["[" * 100_000, '{"format": ' + '{"a":' * 100_000])
    def test_json_nested_deep_is_one_line(
        self, mtkit: Callable[..., Outcome], model_copy: Path, corpus_copy: Path, tmp_path: Path, content: str
    ) -> None:
        for file in (model_copy / "config.json", corpus_copy / "manifest.json", tmp_path / "settings.json"):
            file.write_text(content)
        assert_one_line(mtkit("translate", model_copy, stdin=SENTENCE))
        assert_one_line(mtkit("train", corpus_copy, "--out", tmp_path / "out", "--quiet"))
        assert_one_line(mtkit("translate", "none", "--config", tmp_path / "settings.json"))
        with pytest.raises(OutputError, match="is no model folder"):
            check_way(model_copy, force=True)

    @pytest.mark.parametrize(
        ("path", "value", "field"),
        [
            ("train.shards", [], "train.pairs"),
            ("valid.shards", [], "valid.pairs"),
            ("vocabularies", [], "vocabularies"),
            ("train.shards.0.name", "../train-00000.arrow", "train.shards"),
            ("train.shards.0.name", "valid-00000.arrow", "train.shards"),
            ("train.shards.0.count", -1, "train.shards"),
            ("train.pairs", 10**9, "train.pairs"),
            ("train.src_tokens", -1, "train.src_tokens"),
            ("vocabularies.0.count", 0, "vocabularies"),
            ("held_out", -1, "held_out"),
            ("src_lang", "../../en", "src_lang"),
        ],
    )
    def test_what_a_manifest_says_is_bounded(
        self, mtkit: Callable[..., Outcome], corpus_copy: Path, tmp_path: Path, path: str, value: Any, field: str
    ) -> None:
        file = corpus_copy / "manifest.json"
        file.write_text(json.dumps(edited(json.loads(file.read_text()), path, value)))
        line = assert_one_line(mtkit("train", corpus_copy, "--out", tmp_path / "out", "--quiet"))
        assert f"{corpus_copy}: damaged manifest" in line
        assert field in line
        assert not (tmp_path / "out").exists()


class TestShards:
    """A prepared corpus is what it was when it was prepared, or it is not trained on."""

    def rewrite(self, folder: Path, rows: list[Any], *, honest: bool = True) -> None:
        """Write other training pairs; `honest` says so in the manifest."""
        (entry,) = prepared_file.write_shards(folder, "train", rows)
        manifest = json.loads((folder / "manifest.json").read_text())
        if honest:
            manifest["train"]["shards"] = [msgspec.to_builtins(entry)]
            manifest["train"]["pairs"] = entry.count
        (folder / "manifest.json").write_text(json.dumps(manifest))

    def test_no_flipped_bit_is_trained_on(self, corpus_copy: Path) -> None:
        chance = random.Random(1)
        shard = corpus_copy / "train-00000.arrow"
        whole = shard.read_bytes()
        for _ in range(20):
            content = bytearray(whole)
            content[chance.randrange(len(content))] ^= 1 << chance.randrange(8)
            shard.write_bytes(content)
            with pytest.raises(PreparedError, match="its SHA-256 is another"):
                PreparedCorpus.open(corpus_copy)
        shard.write_bytes(whole)
        PreparedCorpus.open(corpus_copy)

    @pytest.mark.slow
    def test_without_its_checksum_a_flipped_bit_is_refused_or_read_without_harm(self, corpus_copy: Path) -> None:
        chance = random.Random(2)
        shard = corpus_copy / "train-00000.arrow"
        whole = shard.read_bytes()
        for number in range(300):
            content = bytearray(whole)
            content[chance.randrange(len(content))] ^= 1 << chance.randrange(8)
            shard.unlink()
            shard.write_bytes(content)
            try:
                corpus = PreparedCorpus.open(corpus_copy, verify=False)
            except PreparedError:
                continue
            everything = range(len(corpus.train))
            corpus.train.gather(everything)
            assert all(corpus.train.src_texts(everything)[:1] + corpus.train.tgt_texts(everything)[:1]), number

    @pytest.mark.parametrize("verify", [True, False])
    @pytest.mark.parametrize("ids", [[10**6], [-1]])
    def test_ids_beyond_the_vocabulary_are_refused(self, corpus_copy: Path, ids: list[int], verify: bool) -> None:
        self.rewrite(corpus_copy, [("a", "b", ids, [5])])
        with pytest.raises(PreparedError, match=r"train-00000\.arrow has ids in src_ids that its vocabulary of"):
            PreparedCorpus.open(corpus_copy, verify=verify)

    def test_a_shard_of_another_corpus_is_refused(self, corpus_copy: Path) -> None:
        count = len(PreparedCorpus.open(corpus_copy).train)
        self.rewrite(corpus_copy, [("a", "b", [5], [6])] * count, honest=False)
        with pytest.raises(PreparedError, match=r"train-00000\.arrow is not the file that was prepared"):
            PreparedCorpus.open(corpus_copy)

    def test_no_verify_trains_on_it_all_the_same(
        self, mtkit: Callable[..., Outcome], corpus_copy: Path, tmp_path: Path
    ) -> None:
        count = len(PreparedCorpus.open(corpus_copy).train)
        self.rewrite(corpus_copy, [("a", "b", [5], [6])] * count, honest=False)
        command = ("train", corpus_copy, "--out", tmp_path / "out", "--updates", 1, "--hidden-size", 8, "--quiet")
        assert "SHA-256" in assert_one_line(mtkit(*command))
        assert mtkit(*command, "--embedding-size", 8, "--device", "cpu", "--no-verify").code == 0

    def test_a_checksum_is_taken_once_and_again_when_the_file_has_changed(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        file, read = tmp_path / "file", list[Path]()

        def counted(path: Path) -> str:
            read.append(path)
            return sha256(path)

        monkeypatch.setattr("mtkit.storage.sha256", counted)
        file.write_text("one")
        assert known_sha256(file) == known_sha256(file) == sha256(file)
        assert len(read) == 1
        file.rename(tmp_path / "moved")
        time.sleep(0.02)  # the clock of files moves in steps
        (tmp_path / "moved").write_text("two")
        assert known_sha256(tmp_path / "moved") == sha256(tmp_path / "moved")
        assert list(tmp_path.iterdir()) == [tmp_path / "moved"], "what is known is not kept in the folder"


class TestKilled:
    """What a killed process leaves is cleared by the next command that writes beside it."""

    def killed(self, text: list[str], out: Path) -> None:
        command = [sys.executable, "-m", "mtkit", "preprocess", *text, "--out", str(out), "--quiet"]
        with subprocess.Popen(command, env=ENVIRONMENT) as process:
            while not list(out.parent.glob(f".{out.name}.*.part")):
                assert process.poll() is None
                time.sleep(0.002)
            process.send_signal(signal.SIGKILL)

    def test_a_killed_preparation_leaves_nothing_for_ever(
        self, mtkit: Callable[..., Outcome], text: list[str], tmp_path: Path
    ) -> None:
        self.killed(text, tmp_path / "out")
        assert len(list(tmp_path.glob(".*.part"))) == 1
        assert len(list(tmp_path.glob(".*.lock"))) == 1
        assert mtkit("preprocess", *text, "--out", tmp_path / "out", "--quiet").code == 0
        assert [path.name for path in tmp_path.iterdir()] == ["out"]

    def test_a_corpus_that_was_moved_aside_is_found_again(self, corpus_copy: Path) -> None:
        process = subprocess.Popen([sys.executable, "-c", ""])
        process.wait()
        corpus_copy.rename(corpus_copy.with_name(f".corpus.{process.pid}@{HOST}.old"))
        assert len(PreparedCorpus.open(corpus_copy).train) > 0

    def test_a_model_that_was_moved_aside_is_found_again(self, model_copy: Path) -> None:
        process = subprocess.Popen([sys.executable, "-c", ""])
        process.wait()
        model_copy.rename(model_copy.with_name(f".model.{process.pid}@{HOST}.old"))
        with pytest.raises(OutputError, match="holds a model already"):
            check_way(model_copy, force=False)
        assert ModelFolder.open(model_copy).has_weights


@pytest.mark.parametrize(
    "number",
    [
        pytest.param(signal.SIGHUP, id="SIGHUP"),
        pytest.param(signal.SIGUSR1, id="SIGUSR1", marks=pytest.mark.slow),
    ],
)
def test_hangup_and_slurms_signal_save_what_sigterm_saves(
    prepared: PreparedCorpus, tmp_path: Path, number: signal.Signals
) -> None:
    sizes = ["--hidden-size", "16", "--embedding-size", "16", "--decoder-layers", "1", "--batch-tokens", "300"]
    given = [
        "--updates",
        "40000",
        "--valid-every",
        "10",
        "--patience",
        "0",
        "--device",
        "cpu",
        "--threads",
        "1",
        *sizes,
    ]
    command = [sys.executable, "-m", "mtkit", "train", str(prepared.path), "--out", str(tmp_path / "model"), *given]
    with subprocess.Popen(command, env=ENVIRONMENT, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr
        for line in process.stderr:
            if "validation" in line:
                break
        process.send_signal(number)
        assert "everything is saved" in process.stderr.read()
    assert process.returncode == 128 + number


class TestStandardError:
    """A standard error that cannot be written never costs work."""

    @pytest.fixture(params=["full", "closed pipe"])
    def broken(self, request: pytest.FixtureRequest) -> Iterator[int]:
        """A descriptor that takes nothing."""
        if request.param == "full":
            if not Path("/dev/full").exists():
                pytest.skip("this system has no /dev/full")
            descriptor = os.open("/dev/full", os.O_WRONLY)
        else:
            reading, descriptor = os.pipe()
            os.close(reading)
        yield descriptor
        os.close(descriptor)

    def run(self, broken: int, *arguments: object, stdin: str = "") -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "mtkit", *map(str, arguments)],
            env=ENVIRONMENT,
            input=stdin,
            stdout=subprocess.PIPE,
            stderr=broken,
            text=True,
            check=False,
        )

    def test_a_corpus_is_prepared_and_a_model_trained(self, broken: int, text: list[str], tmp_path: Path) -> None:
        assert self.run(broken, "preprocess", *text, "--out", tmp_path / "corpus").returncode == 0
        sizes = ("--hidden-size", 8, "--embedding-size", 8, "--device", "cpu", "--updates", 2, "--verbose")
        trained = self.run(broken, "train", tmp_path / "corpus", "--out", tmp_path / "model", *sizes)
        assert trained.returncode == 0
        assert ModelFolder.open(tmp_path / "model").has_weights
        assert '"finished"' in (tmp_path / "model" / "log.jsonl").read_text()

    def test_translations_are_written(self, broken: int, model_folder: Path, tmp_path: Path) -> None:
        out = tmp_path / "out.fr"
        lines = f"{SENTENCE}\n" + "a " * 2000 + "\n\n"  # with a warning
        done = self.run(broken, "translate", model_folder, "--verbose", "--output", out, stdin=lines)
        assert done.returncode == 0
        assert len(out.read_text().splitlines()) == 3
        assert self.run(broken, "translate", model_folder, stdin=lines).stdout == out.read_text()

    def test_an_error_still_has_its_exit_code(self, broken: int, tmp_path: Path) -> None:
        assert self.run(broken, "translate", tmp_path / "nowhere", stdin=SENTENCE).returncode == 2


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere all names are text")
def test_a_folder_whose_name_is_not_utf8_is_a_folder_like_any_other(text: list[str], tmp_path: Path) -> None:
    place = os.fsencode(tmp_path) + b"/caf\xe9"
    os.mkdir(place)

    def run(*arguments: str | bytes, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
        command = [sys.executable, "-m", "mtkit", *arguments]
        return subprocess.run(command, env=ENVIRONMENT, input=stdin, capture_output=True, check=False)

    sizes = ["--hidden-size", "8", "--embedding-size", "8", "--device", "cpu", "--updates", "2"]
    commands: list[tuple[str | bytes, ...]] = [
        ("preprocess", *text, "--out", place + b"/corpus\xff"),
        ("train", place + b"/corpus\xff", "--out", place + b"/model\xff", *sizes),
        ("train", place + b"/corpus\xff", "--out", place + b"/model\xff", *sizes, "--resume"),
        ("export", place + b"/model\xff"),
        ("translate", place + b"/model\xff", "--output", place + b"/out\xff"),
    ]
    for command in commands:
        done = run(*command, stdin=SENTENCE.encode())
        assert done.returncode == 0, done.stderr
        assert b"Traceback" not in done.stderr
    assert sorted(os.listdir(place)) == [b"corpus\xff", b"model\xff", b"out\xff"]


class TestConfigFiles:
    """A config file is read as editors write it, and an error says what would be."""

    @pytest.mark.parametrize(
        ("name", "content"),
        [
            ("a.toml", "[translate]\nthreads = 2\n"),
            ("a.json", '{"translate": {"threads": 2}}'),
            ("a.conf", '{"translate": {"threads": 2}}'),
            ("a.conf", "[translate]\nthreads = 2\n"),
        ],
    )
    @pytest.mark.parametrize("mark", ["", "\ufeff"])
    def test_a_byte_order_mark_is_no_error(self, tmp_path: Path, name: str, content: str, mark: str) -> None:
        (tmp_path / name).write_text(mark + content, encoding="utf-8")
        assert read_config(tmp_path / name, "translate") == {"threads": 2}

    def test_nor_in_a_model_or_a_prepared_corpus(self, model_copy: Path, corpus_copy: Path) -> None:
        for file in (model_copy / "config.json", corpus_copy / "manifest.json"):
            file.write_bytes(b"\xef\xbb\xbf" + file.read_bytes())
        assert ModelFolder.open(model_copy).has_weights
        assert len(PreparedCorpus.open(corpus_copy).train) > 0
        assert Translator.load(str(model_copy), device="cpu").translate([SENTENCE])

    def test_errors_name_the_formats(self, tmp_path: Path) -> None:
        for name, content, told in (
            ("a.yaml", "translate:\n  threads: 2\n", "is YAML by its name, and a config file is TOML or JSON"),
            ("a.yml", "", "is YAML by its name"),
            ("a", "translate:\n  threads: 2\n", "cannot be read as TOML or JSON"),
            ("a.json", "{", "cannot be read as TOML or JSON"),
        ):
            (tmp_path / name).write_text(content)
            with pytest.raises(SettingsError, match=told):
                read_config(tmp_path / name, "translate")


POINTER = f"version https://git-lfs.github.com/spec/v1\noid sha256:{7:064}\nsize 12345\n"


@pytest.mark.parametrize("file", ["joint.spm", "model.safetensors", "runtime/float32/step.onnx"])
def test_a_git_lfs_pointer_in_a_model_is_named(model_folder: Path, tmp_path: Path, file: str) -> None:
    """It was "Protobuf parsing failed", or a damaged file."""
    copy = shutil.copytree(model_folder, tmp_path / "model")
    (copy / file).write_text(POINTER)
    named = f"^{copy / file}: is a Git LFS pointer, .*: git lfs pull$"
    with pytest.raises(ModelFolderError, match=named):
        Translator.load(copy, device="cpu", precision="float32")
    if file == "model.safetensors":
        with pytest.raises(ModelFolderError, match=named):
            export(ModelFolder.open(copy))


def test_a_git_lfs_pointer_instead_of_text_or_of_a_shard_is_named(corpus_copy: Path, tmp_path: Path) -> None:
    (tmp_path / "news.fr").write_text(POINTER)
    with pytest.raises(CorpusError, match=r"news\.fr: is a Git LFS pointer"):
        list(read_lines(tmp_path / "news.fr"))
    (corpus_copy / "train-00000.arrow").write_text(POINTER)
    with pytest.raises(PreparedError, match=r"train-00000\.arrow is a Git LFS pointer"):
        PreparedCorpus.open(corpus_copy)
