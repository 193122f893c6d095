"""What translating promises, each with the case that once broke it."""

from __future__ import annotations

import bz2
import gzip
import io
import json
import lzma
import random
import shutil
import signal
import subprocess
import sys
import threading
import unicodedata
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import onnx
import pytest
from msgspec.structs import replace
from onnx import numpy_helper

from mtkit import SearchSettings, Translation, Translator
from mtkit.cli.app import main
from mtkit.cli.translation_format import as_json, as_text
from mtkit.errors import ModelFolderError
from mtkit.model_folder import ModelFolder
from mtkit.search import Candidates
from mtkit.settings import TranslateSettings

SENTENCE = "The red cat sees a dog."


class Outcome(NamedTuple):
    """What a command left behind."""

    code: int
    out: bytes
    err: str

    @property
    def message(self) -> str:
        """The one line of an error; fails where there are more, or none."""
        (line,) = self.err.splitlines()
        return line.removeprefix("Error: ")


@pytest.fixture
def mtkit(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Outcome]:
    """Run `mtkit ARGUMENTS` in this process."""

    def run(*arguments: object, stdin: bytes = b"") -> Outcome:
        out, err = io.TextIOWrapper(io.BytesIO(), write_through=True), io.StringIO()
        with monkeypatch.context() as patch:
            patch.setattr(sys, "argv", ["mtkit", *map(str, arguments)])
            patch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin)))
            patch.setattr(sys, "stdout", out)
            patch.setattr(sys, "stderr", err)
            with pytest.raises(SystemExit) as ended:
                main()
        assert isinstance(out.buffer, io.BytesIO)
        return Outcome(int(ended.value.code or 0), out.buffer.getvalue(), err.getvalue())

    return run


@pytest.fixture
def copy(model_folder: Path, tmp_path: Path) -> Path:
    """A model that a test may damage."""
    return Path(shutil.copytree(model_folder, tmp_path / "copy"))


def interrupted(model: Path, number: signal.Signals, delay: float) -> tuple[int, bytes, bytes]:
    """Translate by two threads until some time after the first answers; return exit code, output and complaints."""
    process = subprocess.Popen(
        [sys.executable, "-m", "mtkit", "translate", model, "--threads", "2", "--beam-size", "5"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdin
    assert process.stdout
    lines = "".join(f"The {word} cat sees a dog here.\n" * 20 for word in ("red", "calm", "wise"))

    def feed() -> None:
        assert process.stdin
        try:
            while True:
                process.stdin.write(lines.encode())
        except (BrokenPipeError, ValueError):
            pass

    feeder = threading.Thread(target=feed, daemon=True)
    feeder.start()
    first = process.stdout.readline()
    timer = threading.Timer(delay, process.send_signal, [number])
    timer.start()
    rest, complaint = process.stdout.read(), process.stderr.read() if process.stderr else b""
    process.wait(timeout=60)
    timer.join()
    feeder.join(timeout=10)
    return process.returncode, first + rest, complaint


@pytest.mark.parametrize("tries", [4, pytest.param(200, marks=pytest.mark.slow)])
def test_an_interruption_never_aborts_the_process(model_folder: Path, tries: int) -> None:
    """Python 3.11 and 3.12 took a thread for stopped while ONNX Runtime ran in it: 14 of 38 tries ended in SIGABRT."""
    rng = random.Random(1)
    for number in range(tries):
        ending = (signal.SIGINT, signal.SIGTERM)[number % 2]
        code, out, complaint = interrupted(model_folder, ending, rng.uniform(0, 0.4))
        assert (code, complaint) == (128 + ending, b""), f"try {number}"
        assert out.endswith(b"\n")


@dataclass
class EchoState:
    """The sources of N hypotheses, and how many tokens of each have been said."""

    src: np.ndarray
    said: np.ndarray

    def select(self, rows: np.ndarray) -> EchoState:
        return EchoState(self.src[rows], self.said[rows])

    def join(self, other: EchoState) -> EchoState:
        return EchoState(np.concatenate((self.src, other.src)), np.concatenate((self.said, other.said)))


class Echo:
    """Says each source again, looking at each piece as it says it."""

    def start(self, src: np.ndarray, src_lengths: np.ndarray) -> EchoState:
        return EchoState(src, np.zeros(len(src), int))

    def step(self, last_tokens: np.ndarray, state: EchoState, k: int, **_: Any) -> tuple[Candidates, EchoState]:
        ids = np.take_along_axis(state.src, state.said[:, None], axis=1)
        weights = np.eye(state.src.shape[1])[state.said]
        return Candidates(ids, np.full(ids.shape, -0.1), attention=weights), EchoState(state.src, state.said + 1)

    def distribution(self, *_: Any, **__: Any) -> Any:
        raise NotImplementedError


def echo(model: Path, language: str, line: str, **options: Any) -> Translation:
    """Translate a long line into a language by saying it again, in parts."""
    folder = ModelFolder.open(model)
    into = ModelFolder(folder.path, replace(folder.config, tgt_lang=language))
    (found,) = Translator(into, Echo(), SearchSettings(beam_size=1)).translate([line], **options)
    assert found.parts > 1
    return found


LONG = {
    "zh": "我看见一只猫。他听见一只狗！你想要一匹马吗？",
    "ja": "猫が犬を見ます。王様は馬が欲しいです。",
    "th": "แมวเห็นสุนัขแมวเห็นสุนัข",
    "lo": "ແມວເຫັນໝາ",
    "km": "ឆ្មាឃើញឆ្កែ",
    "my": "ကြောင်သည်ခွေးကိုမြင်သည်။",
    "bo": "ཞི་མིས་ཁྱི་མཐོང་།",
}


@pytest.mark.parametrize("language", LONG)
def test_the_parts_of_a_long_line_are_joined_as_the_target_writes(model_folder: Path, language: str) -> None:
    """They had spaces between them in Chinese, Japanese and Thai: as text, in JSON, among the n best."""
    line = unicodedata.normalize("NFKC", LONG[language]) * 4  # as the source is read
    found = echo(model_folder, language, line, alignments="word")
    settings = TranslateSettings(format="jsonl")
    assert as_text(found, settings) == line
    assert json.loads(as_json(found, settings))["translation"] == line
    assert found.n_best[0].text == line
    assert found.alignment == ((0, 0),), "the line is one word, and so is its translation"


def test_a_word_that_was_cut_into_parts_is_one_word_again_and_others_are_as_many_as_before(model_folder: Path) -> None:
    line = "see https://" + "a" * 300 + " and The red cat. " + "b" * 200
    found = echo(model_folder, "fr", line, alignments="word")
    assert found.text == line
    assert found.alignment == tuple((word, word) for word in range(len(line.split())))


@pytest.mark.parametrize("threads", [1, 2])
def test_a_number_that_is_none_is_an_error_that_names_the_model(copy: Path, threads: int) -> None:
    """ONNX Runtime 1.30 picked some poor word without a sound, 1.32 the one of the NaN."""
    (copy / "model.safetensors").unlink()
    ModelFolder.open(copy).with_graphs({})  # as a model of older days is, which nothing vouches for
    path = copy / "runtime" / "float32" / "step.onnx"
    graph = onnx.load(path)
    pieces = ModelFolder.open(copy).config.tgt_vocab_size
    for tensor in graph.graph.initializer:
        array = numpy_helper.to_array(tensor)
        if array.dtype == np.float32 and array.ndim == 1 and array.size > pieces:  # the bias of the output layer
            array = array.copy()
            array[20] = np.nan
            tensor.CopyFrom(numpy_helper.from_array(array, tensor.name))
    onnx.save(graph, path)
    for beam_size in (1, 3):
        search = SearchSettings(beam_size=beam_size)
        translator = Translator.load(copy, search=search, device="cpu", precision="float32", threads=threads)
        lines = [SENTENCE] * 40
        for ask in (lambda: translator.translate(lines), lambda: translator.score(lines, lines)):  # noqa: B023
            with pytest.raises(ModelFolderError, match=rf"^{copy}: gives numbers that are not finite"):
                ask()


def test_gzip_is_read_from_files_and_from_standard_input(
    mtkit: Callable[..., Outcome], model_folder: Path, tmp_path: Path
) -> None:
    """It was said not to be UTF-8, with the advice of --errors replace, which then translated the bytes."""
    text = f"{SENTENCE}\n\n{SENTENCE}\n".encode()
    plain = mtkit("translate", model_folder, stdin=text)
    (packed := tmp_path / "text.gz").write_bytes(gzip.compress(text))
    (tmp_path / "no-suffix").write_bytes(gzip.compress(text[:30]) + gzip.compress(text[30:]))
    assert mtkit("translate", model_folder, stdin=gzip.compress(text)) == plain
    for name in (packed, tmp_path / "no-suffix"):
        assert mtkit("translate", model_folder, "--input", name) == plain
    (prefixes := tmp_path / "prefixes.gz").write_bytes(gzip.compress(b"Un\n\nUn\n"))
    assert mtkit("translate", model_folder, "--prefix", prefixes, stdin=text).out.startswith(b"Un")


def test_damaged_gzip_is_named_after_the_lines_before_it(mtkit: Callable[..., Outcome], model_folder: Path) -> None:
    text = f"{SENTENCE}\n".encode() * 3
    outcome = mtkit("translate", model_folder, stdin=gzip.compress(text)[:-4])
    assert (outcome.code, outcome.out.count(b"\n")) == (2, 3)
    assert outcome.message.startswith("standard input: is damaged gzip after line 3 (it ends too early)")


def zipped(data: bytes) -> bytes:
    with zipfile.ZipFile(file := io.BytesIO(), "w") as archive:
        archive.writestr("text", data)
    return file.getvalue()


@pytest.mark.parametrize("errors", ["strict", "replace"])
@pytest.mark.parametrize(
    ("pack", "program"),
    [
        (bz2.compress, "bzip2"),
        (lzma.compress, "xz"),
        (zipped, "zip"),
        (lambda data: b"\x28\xb5\x2f\xfd" + data, "zstd"),
    ],
    ids=["bzip2", "xz", "zip", "zstd"],
)
def test_what_is_packed_in_another_way_has_a_line_of_its_own(
    mtkit: Callable[..., Outcome], model_folder: Path, pack: Callable[[bytes], bytes], program: str, errors: str
) -> None:
    outcome = mtkit("translate", model_folder, "--errors", errors, stdin=pack(f"{SENTENCE}\n".encode()))
    assert (outcome.code, outcome.out) == (2, b"")
    assert outcome.message.startswith(f"standard input: is packed by {program}, which is not read; unpack it")


def test_a_line_without_an_end_is_named_and_takes_no_more_than_its_bound(
    mtkit: Callable[..., Outcome], model_folder: Path
) -> None:
    """A compressed file of one endless line took all the memory there was."""
    packed = gzip.compress(f"{SENTENCE}\n".encode() + b"x" * 50_000_000)
    outcome = mtkit("translate", model_folder, stdin=packed)
    assert (outcome.code, outcome.out.count(b"\n")) == (2, 1)
    assert outcome.message.startswith("standard input, line 2: is longer than 1,048,576 bytes")


def test_an_output_that_was_stopped_keeps_its_lines_and_goes_on_after_them(
    mtkit: Callable[..., Outcome], model_folder: Path, tmp_path: Path
) -> None:
    """What --output had when it was stopped was lost, which standard output never lost."""
    lines = [f"The {word} cat sees a {thing}." for word in ("red", "calm", "wise") for thing in ("dog", "bird")]
    out, part = tmp_path / "out", tmp_path / "out.part"
    (whole := tmp_path / "in").write_text("".join(f"{line}\n" for line in lines))
    (broken := tmp_path / "broken").write_bytes("".join(f"{line}\n" for line in lines[:4]).encode() + b"\xff\n")
    expected = mtkit("translate", model_folder, "--input", whole).out

    stopped = mtkit("translate", model_folder, "--input", broken, "--output", out)
    said, error = stopped.err.splitlines()
    assert said == f"Kept 4 lines in {part}; the same command with --resume goes on after them"
    assert error.startswith(f"Error: {broken}, line 5: is not UTF-8")
    assert not out.exists()
    assert part.read_bytes() == b"".join(expected.splitlines(keepends=True)[:4])

    with part.open("ab") as file:
        file.write(b"half of a li")  # as a process leaves it that is killed while it writes
    resumed = mtkit("translate", model_folder, "--input", whole, "--output", out, "--resume")
    assert (resumed.code, resumed.err) == (0, f"Going on after the 4 lines of {part}\n")
    assert out.read_bytes() == expected
    assert not part.exists()

    assert mtkit("translate", model_folder, "--input", whole, "--output", out, "--resume").code == 0
    assert out.read_bytes() == expected, "with nothing to go on with, it begins again"


def test_prefixes_go_on_where_their_lines_do(mtkit: Callable[..., Outcome], model_folder: Path, tmp_path: Path) -> None:
    text, prefixes, out = f"{SENTENCE}\n".encode() * 3, tmp_path / "prefixes", tmp_path / "out"
    prefixes.write_text("\nUn\nLe roi\n")
    expected = mtkit("translate", model_folder, "--prefix", prefixes, stdin=text).out
    (tmp_path / "out.part").write_bytes(expected.splitlines(keepends=True)[0])
    mtkit("translate", model_folder, "--prefix", prefixes, "--output", out, "--resume", stdin=text)
    assert out.read_bytes() == expected


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--resume",), "--resume goes on with a file of translations; name it with --output"),
        (("--resume", "--output", "/dev/null"), "--resume goes on with a file, and /dev/null is not one; leave it out"),
        (("--resume", "--output", "out", "--score-against", "x"), "translates nothing; leave out --resume"),
    ],
)
def test_resuming_what_holds_no_lines_is_refused(
    mtkit: Callable[..., Outcome], model_folder: Path, options: tuple[str, ...], message: str
) -> None:
    outcome = mtkit("translate", model_folder, *options, stdin=SENTENCE.encode())
    assert (outcome.code, outcome.out) == (2, b"")
    assert message in outcome.message


def test_an_output_of_more_lines_than_the_input_is_refused_and_kept(
    mtkit: Callable[..., Outcome], model_folder: Path, tmp_path: Path
) -> None:
    (tmp_path / "out.part").write_text("un\ndeux\ntrois\n")
    options = ("--output", tmp_path / "out", "--resume")
    outcome = mtkit("translate", model_folder, *options, stdin=f"{SENTENCE}\n{SENTENCE}\n".encode())
    assert outcome.code == 2
    assert "standard input: ends after 2 lines, and 3 are translated already" in outcome.err
    assert (tmp_path / "out.part").read_text() == "un\ndeux\ntrois\n"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_says_what_was_kept(model_folder: Path, tmp_path: Path, number: signal.Signals) -> None:
    part, out = tmp_path / "out.part", tmp_path / "out"
    command = [sys.executable, "-m", "mtkit", "translate", str(model_folder), "--threads", "2", "--output", str(out)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdin
    assert process.stderr
    process.stdin.write(f"{SENTENCE}\n".encode() * 3)
    process.stdin.flush()
    waiting = threading.Event()
    for _ in range(2000):
        if part.exists() and part.read_bytes().count(b"\n") == 3:
            break
        waiting.wait(0.01)
    process.send_signal(number)
    complaint = process.stderr.read().decode()
    assert process.wait(timeout=60) == 128 + number
    assert complaint == f"Kept 3 lines in {part}; the same command with --resume goes on after them\n"
    process.stdin.close()


def test_an_output_through_a_link_that_leads_to_itself_is_one_line(
    mtkit: Callable[..., Outcome], model_folder: Path, tmp_path: Path
) -> None:
    (loop := tmp_path / "loop").symlink_to(loop)
    outcome = mtkit("translate", model_folder, "--output", loop, stdin=SENTENCE.encode())
    assert outcome.code == 2
    assert outcome.message == f"{loop}: cannot be written (Too many levels of symbolic links)"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no full disk at hand")
def test_a_full_standard_error_never_ends_a_translation(model_folder: Path, tmp_path: Path) -> None:
    """It was full at the first warning, and the answers after it were lost, or the finished file was."""
    lines = "\u200b\n" + f"{SENTENCE} " * 40 + f"\n{SENTENCE}\n"
    for output in (None, tmp_path / "out"):
        options = ["--output", str(output)] if output else []
        command = [sys.executable, "-m", "mtkit", "translate", str(model_folder), "--verbose", *options]
        with open("/dev/full", "wb") as full:
            done = subprocess.run(command, input=lines.encode(), stdout=subprocess.PIPE, stderr=full, timeout=60)
        assert done.returncode == 0
        assert (output.read_bytes() if output else done.stdout).count(b"\n") == 3


@pytest.mark.parametrize("with_hashes", [True, False])
def test_graphs_that_changed_places_are_one_line_without_a_log(
    model_folder: Path, copy: Path, with_hashes: bool
) -> None:
    """They ended in a RuntimeError, under a red log of ONNX Runtime."""
    for folder in (copy / "runtime").iterdir():
        encoder = (folder / "encoder.onnx").read_bytes()
        (folder / "encoder.onnx").write_bytes((folder / "step.onnx").read_bytes())
        (folder / "step.onnx").write_bytes(encoder)
    if not with_hashes:
        ModelFolder.open(copy).with_graphs({})
    command = [sys.executable, "-m", "mtkit", "translate", str(copy)]
    done = subprocess.run(command, input=SENTENCE.encode(), capture_output=True, timeout=60)
    assert (done.returncode, done.stdout) == (2, b"")
    (line,) = done.stderr.decode().splitlines()
    assert line.startswith(f"Error: {copy / 'runtime'}")
    assert line.endswith(f"make it with: mtkit export {copy}")


@pytest.mark.parametrize("tries", [12, pytest.param(300, marks=pytest.mark.slow)])
def test_a_flipped_bit_in_a_graph_never_gives_another_translation(copy: Path, tries: int) -> None:
    """78 of 240 gave other translations without a word."""
    rng = random.Random(1)
    (copy / "model.safetensors").unlink()
    files = sorted(path for path in (copy / "runtime" / "float32").iterdir())
    for _ in range(tries):
        file = rng.choice(files)
        content = bytearray(before := file.read_bytes())
        content[rng.randrange(len(content))] ^= 1 << rng.randrange(8)
        file.write_bytes(content)
        with pytest.raises(ModelFolderError, match=f"^{file}: is not the file that export wrote, or is damaged"):
            Translator.load(copy, device="cpu", precision="float32")
        file.write_bytes(before)
    Translator.load(copy, device="cpu", precision="float32")
