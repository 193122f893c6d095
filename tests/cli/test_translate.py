"""`mtkit translate` as a filter: one line in, one line out, in order, whatever the lines hold."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import typer

from mtkit.cli.console import Console
from mtkit.cli.translate import LONG_LINES_NAMED, Report
from mtkit.errors import CorpusError
from mtkit.translation import Translation

from .conftest import Command

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
def test_any_line_is_answered_by_one_line_between_its_neighbours(
    mtkit: Command, model_folder: Path, line: bytes
) -> None:
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
def test_the_end_of_the_last_line_makes_no_difference(mtkit: Command, model_folder: Path, end: bytes) -> None:
    plain = mtkit("translate", model_folder, stdin=SENTENCE + b"\n" + SENTENCE + b"\n")
    assert mtkit("translate", model_folder, stdin=SENTENCE + b"\n" + SENTENCE + end).out == plain.out
    assert plain.out.count(b"\n") == 2


def test_no_input_gives_no_output(mtkit: Command, model_folder: Path) -> None:
    assert mtkit("translate", model_folder, stdin=b"").out == b""


def test_a_byte_order_mark_at_the_start_is_dropped(mtkit: Command, model_folder: Path) -> None:
    plain = mtkit("translate", model_folder, stdin=SENTENCE)
    assert mtkit("translate", model_folder, stdin=b"\xef\xbb\xbf" + SENTENCE).out == plain.out


def test_blank_lines_stay_blank_and_untranslatable_ones_are_counted(mtkit: Command, model_folder: Path) -> None:
    outcome = mtkit("translate", model_folder, stdin="\n  \n\u200b\n\u200b\u200e\n".encode())
    assert outcome.out == b"\n\n\n\n"
    assert "2 lines hold nothing that can be translated" in outcome.err


def test_a_long_line_is_translated_in_parts_and_says_so(mtkit: Command, model_folder: Path) -> None:
    outcome = mtkit("translate", model_folder, "--beam-size", 1, stdin=(SENTENCE + b" ") * 100)
    assert outcome.out.count(b"chat") > 80
    assert "line 1 is long; it was translated in" in outcome.err


def test_many_long_lines_are_counted_after_the_first_few(mtkit: Command, model_folder: Path) -> None:
    outcome = mtkit("translate", model_folder, "--beam-size", 1, stdin=(SENTENCE * 3 + b"\n") * (LONG_LINES_NAMED + 3))
    warnings = outcome.err.splitlines()
    assert [line.split()[2] for line in warnings[:-1]] == [str(number + 1) for number in range(LONG_LINES_NAMED)]
    assert "3 more long lines were translated in parts; --verbose names them" in warnings[-1]
    verbose = mtkit("translate", model_folder, "--beam-size", 1, "--verbose", stdin=(SENTENCE * 3 + b"\n") * 8)
    assert sum("is long" in line for line in verbose.err.splitlines()) == 8


@pytest.mark.parametrize("verbose", [False, True])
def test_progress_and_what_is_said_have_lines_of_their_own(capsys: pytest.CaptureFixture[str], verbose: bool) -> None:
    long, cut = Translation("a", "b", -1.0, parts=3), Translation("a", "b", -1.0, truncated=True)
    with Report(Console(verbose=verbose), [], live=True) as report:
        report.written(1)
        report.written(1)
        report.see([long, long, cut])
        report.written(3)
    err = capsys.readouterr().err
    detail = "line 5: the translation did not come to an end and was cut\n" * verbose
    assert err == (
        "\r1 lines\r2 lines\n"
        "Warning: line 3 is long; it was translated in 3 parts\n"
        "Warning: line 4 is long; it was translated in 3 parts\n"
        f"{detail}\r5 lines\n"
        "Warning: 1 translations did not come to an end and were cut; --verbose names the lines\n"
    )
    with Report(Console(), [], live=False) as silent:
        silent.written(2)
    assert capsys.readouterr().err == ""


def test_what_is_unusual_is_summed_up_after_an_error_and_not_after_a_stop(capsys: pytest.CaptureFixture[str]) -> None:
    def said(error: BaseException) -> str:
        with pytest.raises(type(error)), Report(Console(), [], live=True) as report:  # noqa: PT012 - what it saw counts
            report.see([Translation("a", "b", -1.0, loop=True)])
            report.written(1)
            raise error
        return capsys.readouterr().err

    assert said(CorpusError("x")) == (
        "\r1 lines\nWarning: 1 translations repeat themselves; --verbose names the lines\n"
    )
    assert said(KeyboardInterrupt()) == said(typer.Exit(141)) == said(SystemExit(143)) == "\r1 lines\n"


@pytest.mark.parametrize("partner", ["--prefix", "--input"])
def test_what_is_unusual_before_an_error_is_counted(
    mtkit: Command, model_folder: Path, tmp_path: Path, partner: str
) -> None:
    """Where the prefixes end early, and where a line is not UTF-8."""
    (file := tmp_path / "lines").write_bytes("\u200b\n".encode() + b"\xff\n" * (partner == "--input"))
    outcome = mtkit("translate", model_folder, partner, file, stdin="\u200b\n\n".encode())
    assert (outcome.code, outcome.out) == (2, b"\n")
    warning, error = outcome.err.splitlines()
    assert warning == "Warning: 1 lines hold nothing that can be translated; their translations are empty"
    assert error.startswith(f"Error: {file}")


def test_invalid_utf8_is_named_after_the_lines_before_it_were_answered(mtkit: Command, model_folder: Path) -> None:
    outcome = mtkit("translate", model_folder, stdin=SENTENCE + b"\n\xff\xfe\n" + SENTENCE)
    assert outcome.code == 2
    assert outcome.out.count(b"\n") == 1
    assert outcome.message.startswith("standard input, line 2: is not UTF-8 (byte 1 is 0xff)")


def test_invalid_utf8_may_be_replaced_and_is_counted(mtkit: Command, model_folder: Path) -> None:
    stdin = SENTENCE + b"\n\xff\xfe\n" + SENTENCE
    outcome = mtkit("translate", model_folder, "--errors", "replace", "--format", "jsonl", stdin=stdin)
    assert outcome.code == 0
    assert [json.loads(line)["source"] for line in outcome.out.splitlines()][1] == "\ufffd\ufffd"
    assert "1 lines are not UTF-8" in outcome.err


def test_links_follow_the_text(mtkit: Command, model_folder: Path) -> None:
    plain = mtkit("translate", model_folder, stdin=SENTENCE + b"\n\n").out.splitlines()
    linked = mtkit("translate", model_folder, "--alignments", "word", stdin=SENTENCE + b"\n\n").out.splitlines()
    assert [line.split(b" ||| ")[0] for line in linked] == plain
    assert re.fullmatch(rb"\d+-\d+( \d+-\d+)*", linked[0].split(b" ||| ")[1])
    assert linked[1] == b" ||| "


def test_json_lines_hold_what_was_asked_for(mtkit: Command, model_folder: Path) -> None:
    options = ("--format", "jsonl", "--n-best", 3, "--alignments", "piece", "--attention")
    blank, found = map(json.loads, mtkit("translate", model_folder, *options, stdin=b"\n" + SENTENCE).out.splitlines())
    assert list(found) == ["source", "translation", "score", "n_best", "alignment", "attention"]
    assert found["source"] == SENTENCE.decode()
    assert len(found["n_best"]) == 3
    assert found["n_best"][0] == {"translation": found["translation"], "score": found["score"]}
    assert (blank["translation"], blank["alignment"], blank["attention"]) == ("", "", [])
    plain = mtkit("translate", model_folder, "--format", "jsonl", stdin=b"\n" + SENTENCE).out.splitlines()
    assert json.loads(plain[1]) == {key: found[key] for key in ("source", "translation", "score")}


def test_sampling_is_seeded(mtkit: Command, model_folder: Path) -> None:
    def sample(seed: int) -> list[str]:
        options = ("--sample", "--n-best", 8, "--format", "jsonl", "--seed", seed, "--temperature", 2)
        found = json.loads(mtkit("translate", model_folder, *options, stdin=SENTENCE).out)
        return [alternative["translation"] for alternative in found["n_best"]]

    assert sample(1) == sample(1)
    assert sample(1) != sample(2)


def test_a_file_of_prefixes_begins_the_translations(mtkit: Command, model_folder: Path, tmp_path: Path) -> None:
    (file := tmp_path / "prefixes").write_text("Un roi\n\n", encoding="utf-8")
    stdin = SENTENCE + b"\n" + SENTENCE
    found = mtkit("translate", model_folder, "--prefix", file, stdin=stdin).out.decode().splitlines()
    assert found[0].startswith("Un roi")
    assert found[1].encode() + b"\n" == mtkit("translate", model_folder, stdin=SENTENCE).out


def test_lines_without_a_prefix_are_an_error_after_those_that_have_one(
    mtkit: Command, model_folder: Path, tmp_path: Path
) -> None:
    (file := tmp_path / "prefixes").write_text("\n")
    outcome = mtkit("translate", model_folder, "--prefix", file, stdin=SENTENCE + b"\n" + SENTENCE)
    assert (outcome.code, outcome.out.count(b"\n")) == (2, 1)
    assert outcome.message == f"{file} ends after 1 lines and standard input goes on; give a line for each line"


@pytest.mark.parametrize("option", ["--prefix", "--score-against"])
def test_a_bad_line_beside_the_input_is_named_after_what_came_before_it_or_replaced(
    mtkit: Command, model_folder: Path, tmp_path: Path, option: str
) -> None:
    (file := tmp_path / "lines").write_bytes(b"Un roi\nUn \xff roi\nUn roi\n")
    stdin = (SENTENCE + b"\n") * 3
    outcome = mtkit("translate", model_folder, option, file, stdin=stdin)
    assert outcome.code == 2
    assert outcome.message.startswith(f"{file}, line 2: is not UTF-8 (byte 4 is 0xff); convert it")
    replaced = mtkit("translate", model_folder, option, file, "--errors", "replace", stdin=stdin)
    answers = replaced.out.splitlines(keepends=True)
    assert (replaced.code, len(answers)) == (0, 3)
    assert answers[0] == answers[2] == outcome.out != answers[1]
    assert "Warning: 1 lines are not UTF-8" in replaced.err


def test_given_translations_are_scored(mtkit: Command, model_folder: Path, parallel_text: Path) -> None:
    source, target = parallel_text / "valid.en", parallel_text / "valid.fr"
    outcome = mtkit("translate", model_folder, "--input", source, "--score-against", target)
    log_probs = [float(line) for line in outcome.out.splitlines()]
    assert len(log_probs) == 50
    assert all(log_prob < 0 for log_prob in log_probs)
    scores = json.loads(mtkit("evaluate", model_folder, "--test", parallel_text / "valid", "--json").out)
    assert outcome.err == f"perplexity {scores['perplexity']:.2f} (a target piece, 50 lines)\n"
    # the line that a model would say itself is likelier than another
    translated = mtkit("translate", model_folder, "--input", source).out
    (own := parallel_text / "own.fr").write_bytes(translated)
    (other := parallel_text / "other.fr").write_bytes(b"".join(reversed(translated.splitlines(keepends=True))))
    own_sum, other_sum = (
        sum(map(float, mtkit("translate", model_folder, "--input", source, "--score-against", file).out.split()))
        for file in (own, other)
    )
    assert own_sum > other_sum


def test_an_ensemble_of_one_model_twice_translates_like_it(
    mtkit: Command, model_folder: Path, copied_model: Path
) -> None:
    alone = mtkit("translate", model_folder, stdin=SENTENCE)
    assert mtkit("translate", model_folder, "--ensemble", copied_model, stdin=SENTENCE).out == alone.out


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--n-best", 2), "--n-best does not fit into plain lines; add --format jsonl"),
        (("--attention",), "--attention does not fit into plain lines; add --format jsonl"),
        (("--n-best", 6, "--format", "jsonl"), "--n-best 6 is more than a beam of 5 finds; give --beam-size 6 or more"),
        *(
            (("--score-against", "x", *options), f"translates nothing; leave out {' '.join(options)}")
            for options in (("--attention",), ("--sample",), ("--format", "jsonl"))
        ),
        (("--score-against", "x", "--prefix", "y"), "translates nothing; leave out --prefix"),
        (("--score-against", "x", "--n-best", 2), "translates nothing; leave out --n-best"),
        (("--score-against", "x", "--alignments", "word"), "translates nothing; leave out --alignments"),
        (("--score-against", "nowhere"), "nowhere: cannot be read (No such file or directory)"),
        (("--prefix", "nowhere"), "nowhere: cannot be read (No such file or directory)"),
        (("--ensemble", "nowhere"), "nowhere: is not a model folder"),
    ],
)
def test_options_that_do_not_go_together_are_one_line(
    mtkit: Command, model_folder: Path, options: tuple[object, ...], message: str
) -> None:
    outcome = mtkit("translate", model_folder, *options, stdin=SENTENCE)
    assert (outcome.code, outcome.out) == (2, b"")
    assert message in outcome.message


def test_files_in_and_out_are_as_good_as_streams(mtkit: Command, model_folder: Path, tmp_path: Path) -> None:
    (tmp_path / "in").write_bytes(SENTENCE + b"\n\n")
    outcome = mtkit("translate", model_folder, "--input", tmp_path / "in", "--output", tmp_path / "out")
    assert (outcome.code, outcome.out) == (0, b"")
    assert (tmp_path / "out").read_bytes() == mtkit("translate", model_folder, stdin=SENTENCE + b"\n\n").out


def test_a_failure_leaves_an_older_output_file_whole(mtkit: Command, model_folder: Path, tmp_path: Path) -> None:
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
        (lambda model: shutil.rmtree(model / "runtime"), "is missing; make it with: mtkit export"),
        (lambda model: (model / "model.safetensors").write_bytes(b"x"), "was made from other weights"),
    ],
)
def test_a_damaged_model_is_one_line_and_code_2(
    mtkit: Command, copied_model: Path, break_it: Callable[[Path], object], message: str
) -> None:
    break_it(copied_model)
    outcome = mtkit("translate", copied_model, stdin=SENTENCE)
    assert outcome.code == 2
    assert str(copied_model) in outcome.message
    assert message in outcome.message


def test_a_copied_model_folder_translates_the_same(mtkit: Command, model_folder: Path, copied_model: Path) -> None:
    assert mtkit("translate", copied_model, stdin=SENTENCE).out == mtkit("translate", model_folder, stdin=SENTENCE).out


def test_a_missing_input_file_is_one_line(mtkit: Command, model_folder: Path, tmp_path: Path) -> None:
    outcome = mtkit("translate", model_folder, "--input", tmp_path / "none")
    assert outcome.code == 2
    assert outcome.message == f"{tmp_path / 'none'}: cannot be read (No such file or directory)"
