"""`mtkit translate` as a filter: one line in, one line out, in order, whatever the lines hold."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

SENTENCE = b"The red cat sees a dog."


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"   ",
        b"\t",
        b"The \x00 cat\x00 sees\x01\x02\x1b[31m a dog.",
        "😀👩‍👩‍👧‍👦🇫🇷".encode(),
        "مرحبا بالعالم، كيف الحال؟ שלום".encode(),
        "\u202eright to left\u202c".encode(),
        "one\u2028two\u2029three\u0085four\x0bfive\x0csix\rseven".encode(),
        b"<s> </s> <unk> <pad> <0x0A>",
        "▁▁▁".encode(),
        "\u200b".encode(),
        "ﬁﬀ½ ①".encode(),
        "中文字符".encode() * 3,
        b"cat " * 2500,
        b"c" * 10_000,
    ],
    ids=lambda line: ascii(line.decode()[:16]),
)
def test_any_line_is_answered_by_one_line_between_its_neighbours(mtkit, model_folder: Path, line: bytes) -> None:
    alone = mtkit("translate", model_folder, "--beam-size", 1, stdin=SENTENCE).out
    outcome = mtkit("translate", model_folder, "--beam-size", 1, stdin=b"\n".join((SENTENCE, line, SENTENCE)))
    assert outcome.code == 0
    assert outcome.out.count(b"\n") == 3
    assert outcome.out.startswith(alone)
    assert outcome.out.endswith(b"\n" + alone)
    middle = outcome.out[len(alone) : -len(alone)]
    assert middle.count(b"\n") == 1
    assert not any(character < " " or character == "\x7f" for character in middle[:-1].decode())


@pytest.mark.parametrize("end", [b"\n", b"", b"\r\n"])
def test_the_end_of_the_last_line_makes_no_difference(mtkit, model_folder: Path, end: bytes) -> None:
    plain = mtkit("translate", model_folder, stdin=SENTENCE + b"\n" + SENTENCE + b"\n")
    assert mtkit("translate", model_folder, stdin=SENTENCE + b"\n" + SENTENCE + end).out == plain.out
    assert plain.out.count(b"\n") == 2


def test_no_input_gives_no_output(mtkit, model_folder: Path) -> None:
    assert mtkit("translate", model_folder, stdin=b"").out == b""


def test_a_byte_order_mark_at_the_start_is_dropped(mtkit, model_folder: Path) -> None:
    plain = mtkit("translate", model_folder, stdin=SENTENCE)
    assert mtkit("translate", model_folder, stdin=b"\xef\xbb\xbf" + SENTENCE).out == plain.out


def test_blank_lines_stay_blank_and_untranslatable_ones_are_counted(mtkit, model_folder: Path) -> None:
    outcome = mtkit("translate", model_folder, stdin="\n  \n\u200b\n\u200b\u200e\n".encode())
    assert outcome.out == b"\n\n\n\n"
    assert "2 lines hold nothing that can be translated" in outcome.err


def test_a_long_line_is_translated_in_parts_and_says_so(mtkit, model_folder: Path) -> None:
    outcome = mtkit("translate", model_folder, "--beam-size", 1, stdin=(SENTENCE + b" ") * 100)
    assert outcome.out.count(b"chat") > 80
    assert "line 1 is long; it was translated in" in outcome.err


def test_invalid_utf8_is_named_after_the_lines_before_it_were_answered(mtkit, model_folder: Path) -> None:
    outcome = mtkit("translate", model_folder, stdin=SENTENCE + b"\n\xff\xfe\n" + SENTENCE)
    assert outcome.code == 2
    assert outcome.out.count(b"\n") == 1
    assert outcome.message.startswith("standard input, line 2: is not UTF-8 (byte 1 is 0xff)")


def test_files_in_and_out_are_as_good_as_streams(mtkit, model_folder: Path, tmp_path: Path) -> None:
    (tmp_path / "in").write_bytes(SENTENCE + b"\n\n")
    outcome = mtkit("translate", model_folder, "--input", tmp_path / "in", "--output", tmp_path / "out")
    assert (outcome.code, outcome.out) == (0, b"")
    assert (tmp_path / "out").read_bytes() == mtkit("translate", model_folder, stdin=SENTENCE + b"\n\n").out


def test_a_failure_leaves_an_older_output_file_whole(mtkit, model_folder: Path, tmp_path: Path) -> None:
    (tmp_path / "in").write_bytes(b"\xff\n")
    (tmp_path / "out").write_text("older")
    assert mtkit("translate", model_folder, "--input", tmp_path / "in", "--output", tmp_path / "out").code == 2
    assert [file.name for file in sorted(tmp_path.iterdir())] == ["in", "out"]
    assert (tmp_path / "out").read_text() == "older"


@pytest.mark.parametrize(
    ("break_it", "message"),
    [
        (lambda model: (model / "config.json").unlink(), "is not a model folder (has no config.json)"),
        (lambda model: (model / "config.json").write_text("{}"), "is not the config.json of an mtkit model"),
        (lambda model: (model / "config.json").write_text("{"), "cannot be read"),
        (lambda model: (model / "joint.spm").unlink(), "joint.spm: is missing from the model folder"),
        (lambda model: (model / "joint.spm").write_bytes(b"x"), "is not the vocabulary this model was trained with"),
        (lambda model: (model / "model.safetensors").unlink(), "model.safetensors: is missing"),
        (lambda model: (model / "model.safetensors").write_bytes(b"x"), "cannot be read as weights"),
        (
            lambda model: (model / "config.json").write_text(
                (model / "config.json").read_text().replace('"hidden_size": 64', '"hidden_size": 66')
            ),
            "does not fit config.json",
        ),
    ],
)
def test_a_damaged_model_is_one_line_and_code_2(mtkit, copied_model: Path, break_it, message: str) -> None:
    break_it(copied_model)
    outcome = mtkit("translate", copied_model, stdin=SENTENCE)
    assert outcome.code == 2
    assert str(copied_model) in outcome.message
    assert message in outcome.message


def test_a_copied_model_folder_translates_the_same(mtkit, model_folder: Path, copied_model: Path) -> None:
    assert mtkit("translate", copied_model, stdin=SENTENCE).out == mtkit("translate", model_folder, stdin=SENTENCE).out


def test_a_missing_input_file_is_one_line(mtkit, model_folder: Path, tmp_path: Path) -> None:
    outcome = mtkit("translate", model_folder, "--input", tmp_path / "none")
    assert outcome.code == 2
    assert outcome.message == f"{tmp_path / 'none'}: cannot be read (No such file or directory)"


def test_a_slow_pipe_is_answered_line_by_line(model_folder: Path) -> None:
    command = [sys.executable, "-m", "mtkit", "translate", str(model_folder), "--threads", "1"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin
        assert process.stdout
        answers = []
        for _ in range(3):
            process.stdin.write(SENTENCE + b"\n")
            process.stdin.flush()
            answers.append(process.stdout.readline())  # hangs here unless the line is answered before the next comes
        process.stdin.close()
        assert process.stdout.read() == b""
    assert answers[0] == answers[1] == answers[2]
    assert answers[0].endswith(b"\n")
    assert process.returncode == 0


def test_a_closed_output_pipe_ends_quietly(model_folder: Path) -> None:
    command = [sys.executable, "-m", "mtkit", "translate", str(model_folder), "--threads", "1", "--beam-size", "1"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdin
        assert process.stdout
        assert process.stderr
        process.stdin.write(SENTENCE + b"\n")
        process.stdin.flush()
        process.stdout.readline()
        process.stdout.close()

        def feed() -> None:
            assert process.stdin
            try:
                while process.poll() is None:
                    process.stdin.write(SENTENCE + b"\n")
                    process.stdin.flush()
                    time.sleep(0.01)
            except BrokenPipeError:
                pass

        feeder = threading.Thread(target=feed)
        feeder.start()
        complaint = process.stderr.read()
        feeder.join()
    assert complaint == b""
    assert process.returncode == 141
