"""What mtkit promises of scores, each with the public report or trial in which a toolkit broke it.

| promise | seen broken in |
|---|---|
| the language, however it is spelt, decides the tokenizer | facebookresearch/fairseq#4689, vibrantlabsai/ragas#2101 |
| text without spaces is never scored by BLEU's zeros unwarned | apple/ml-kg-mt#1, OpenNMT/nmt-wizard-docker#296 |
| a missing or broken MeCab is no end of a training | SamuraiT/mecab-python3#109, mjpost/sacrebleu#185 |
| spellings that look alike are alike | mjpost/sacrebleu#224 |
| all references count | neulab/xnmt#377 |
| blank references are reported, and shorten none | moses-smt/mosesdecoder#185, mjpost/sacrebleu#161, #225 |
| blank translations score nothing | mjpost/sacrebleu#132 |
| lists of the wrong shape are refused | mjpost/sacrebleu#275, #220, #280 |
| a line is a line, whatever characters it holds | mjpost/sacrebleu#24 |
| files of different length are refused | mjpost/sacrebleu#303, awslabs/sockeye#119 |
| scoring again and again takes no more memory | mjpost/sacrebleu#167, #217, #264 |
| single words do not score 0 however good they are | mjpost/sacrebleu#278, #114, #198, awslabs/sockeye#695 |
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unicodedata import normalize

import pytest
import sacrebleu

from mtkit.errors import CorpusError
from mtkit.evaluation import ModelScore, leading_for, score
from mtkit.text.normalisation import Normaliser
from tests.benchmarks.memory import peak_memory
from tests.cli import conftest as cli

mtkit = cli.mtkit
Mtkit = Callable[..., cli.Outcome]

CHINESE = ["我爱你的猫。", "他每天早上读很多书。", "今天天气很好,我们去公园吧。"]
CHINESE_OUTPUT = ["我爱你们的猫。", "他每天早上读一些书。", "今天天气很好,我们去公园。"]
FRENCH = ["Je vois un petit chat noir.", "Le roi suit un cheval ici.", "Un merle chante dans le jardin."]


def write(folder: Path, **texts: list[str]) -> None:
    """Write lists of lines; `ref__zh_CN` is the file ref.zh_CN."""
    for name, lines in texts.items():
        (folder / name.replace("__", ".")).write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")


def evaluated(mtkit: Mtkit, *arguments: object) -> Any:
    outcome = mtkit("evaluate", *arguments, "--json")
    assert outcome.code == 0, outcome.err
    return json.loads(outcome.out)


# The language decides the tokenizer


@pytest.mark.parametrize(
    "suffix",
    ["zh", "zho", "chi", "cmn", "yue", "zh_CN", "zh-Hant", "ZH", "zh@pinyin", "zh.gz", "zh.txt", "zh_CN.txt.gz"],
)
def test_a_chinese_file_is_scored_as_chinese_however_its_name_is_spelt(
    mtkit: Mtkit, tmp_path: Path, suffix: str
) -> None:
    write(tmp_path, out=CHINESE_OUTPUT, ref=CHINESE)
    reference = (tmp_path / "ref").rename(tmp_path / f"ref.{suffix}")
    scores = evaluated(mtkit, "--hypotheses", tmp_path / "out", "--reference", reference)
    assert scores["bleu"] == sacrebleu.corpus_bleu(CHINESE_OUTPUT, [CHINESE], tokenize="zh").score > 50
    assert "|tok:zh|" in scores["bleu_signature"]
    assert scores["leading"]["name"] == "bleu"


def test_a_tokenizer_and_a_language_can_be_given(mtkit: Mtkit, tmp_path: Path) -> None:
    write(tmp_path, out=CHINESE_OUTPUT, ref=CHINESE)
    files = ("--hypotheses", tmp_path / "out", "--reference", tmp_path / "ref")
    assert "|tok:13a|" in evaluated(mtkit, *files)["bleu_signature"]
    assert "|tok:zh|" in evaluated(mtkit, *files, "--language", "zh_TW")["bleu_signature"]
    assert "|tok:char|" in evaluated(mtkit, *files, "--language", "zh", "--tokenize", "char")["bleu_signature"]
    assert mtkit("evaluate", *files, "--tokenize", "14a").code == 2


def test_a_model_is_scored_in_the_language_that_is_given(mtkit: Mtkit, model_folder: Path, parallel_text: Path) -> None:
    scores = evaluated(mtkit, model_folder, "--test", parallel_text / "valid", "--beam-size", 1, "--language", "zho")
    assert "|tok:zh|" in scores["bleu_signature"]


# Text without spaces


@pytest.mark.parametrize(
    ("script", "line"),
    [
        ("Han", "我爱你的猫,他每天读书"),
        ("Kana", "わたしはねこがすきです"),
        ("Thai", "ฉันชอบอ่านหนังสือทุกวัน"),
        ("Lao", "ຂ້ອຍມັກອ່ານປຶ້ມ"),
        ("Khmer", "ខ្ញុំចូលចិត្តអានសៀវភៅ"),
        ("Burmese", "ကျွန်တော်စာဖတ်ရတာကြိုက်တယ်"),
        ("Tibetan", "ང་དཔེ་ཆ་ཀློག་པར་དགའ།"),
    ],
)
def test_text_without_spaces_gets_a_warning_and_chrf_leads(
    mtkit: Mtkit, tmp_path: Path, script: str, line: str
) -> None:
    write(tmp_path, out=[line, line[1:]], ref=[line, line])
    arguments = ("--hypotheses", tmp_path / "out", "--reference", tmp_path / "ref")
    scores = evaluated(mtkit, *arguments)
    assert scores["leading"]["name"] == "chrf"
    assert scores["leading"]["reason"] == f"BLEU's tokenizer 13a does not split {script} into words"
    outcome = mtkit("evaluate", *arguments)
    assert outcome.err.startswith("Warning: chrF2 leads: BLEU's tokenizer 13a does not split")
    last = outcome.out.decode().splitlines()[-1]
    assert last == f"leading     chrF2  (BLEU's tokenizer 13a does not split {script} into words)"
    assert evaluated(mtkit, *arguments, "--tokenize", "char")["leading"]["name"] == "bleu"


def test_text_with_spaces_gets_no_warning_and_bleu_leads(mtkit: Mtkit, tmp_path: Path) -> None:
    write(tmp_path, out__fr=FRENCH, ref__fr=FRENCH)
    outcome = mtkit("evaluate", "--hypotheses", tmp_path / "out.fr", "--reference", tmp_path / "ref.fr")
    assert outcome.err == ""
    assert outcome.out.decode().splitlines()[-1] == "leading     BLEU"


# Japanese and Korean without MeCab


@pytest.fixture
def _without_mecab(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("Japanese tokenization requires extra dependencies")

    monkeypatch.setattr("sacrebleu.metrics.bleu._get_tokenizer", fail)
    monkeypatch.setattr("mtkit.evaluation.statistics.find_spec", lambda name: None)


@pytest.mark.usefixtures("_without_mecab")
@pytest.mark.parametrize(("language", "line"), [("ja", "私はネコが好きです"), ("ko", "나는 고양이를 좋아한다")])
def test_without_mecab_chrf_is_scored_and_what_bleu_needs_is_said(
    mtkit: Mtkit, tmp_path: Path, language: str, line: str
) -> None:
    write(tmp_path, out=[line], ref=[line])
    reference = (tmp_path / "ref").rename(tmp_path / f"ref.{language}")
    arguments = ("--hypotheses", tmp_path / "out", "--reference", reference)
    scores = evaluated(mtkit, *arguments)
    assert scores["chrf"] == pytest.approx(100)
    assert "bleu" not in scores
    assert "bleu_signature" not in scores
    outcome = mtkit("evaluate", *arguments)
    needs = f"BLEU with {language}-mecab needs a package"
    assert outcome.err == f"Warning: chrF2 leads: {needs}; pip install 'sacrebleu[{language}]'\n"
    assert [row.split()[0] for row in outcome.out.decode().splitlines()] == ["chrF2", "leading"]
    assert leading_for(language).reason == needs  # and this is known before there is any text
    assert mtkit("evaluate", *arguments, "--tokenize", f"{language}-mecab").code == 2


@pytest.mark.usefixtures("_without_mecab")
@pytest.mark.parametrize("command", ["preprocess", "train"])
def test_without_mecab_a_japanese_corpus_is_warned_of_before_anything_is_prepared(
    mtkit: Mtkit, tmp_path: Path, command: str
) -> None:
    outcome = mtkit(command, "--langs", "en-ja_JP", "--train", tmp_path / "nothing", "--out", tmp_path / "out")
    warning, _, error = outcome.err.partition("\n")
    assert warning == (
        "Warning: chrF2 leads: BLEU with ja-mecab needs a package; pip install 'sacrebleu[ja]'; "
        "without it, chrF2 chooses the weights"
    )
    assert error.startswith("Error: ")
    assert outcome.code == 2


# One normal form


@pytest.mark.parametrize(
    "character",
    ["\u0e33", "\u0eb3", "\u09dc", "\u09dd", "\u09df", *map(chr, range(0x0958, 0x0960)), "\u00e9", "\uac00", "\u212b"],
    ids=ascii,
)
def test_what_a_model_writes_of_a_character_equals_the_reference_that_holds_it(character: str) -> None:
    references = [f"a{character} b c{character}d e {character}"] * 4
    written = [*map(Normaliser().target, references)]
    for spelling in (written, [normalize("NFD", line) for line in references]):
        scores = score(spelling, references)
        assert scores.bleu == pytest.approx(100)
        assert scores.chrf == pytest.approx(100)


def test_correct_bengali_sentences_score_100_and_the_line_says_what_was_normalised(
    mtkit: Mtkit, tmp_path: Path
) -> None:
    references = [
        "সে বা\u09dcি যা\u09df এখন।",
        "আমি প\u09dcতে চাই আজ।",
        "সম\u09df খুব কম এখন।",
        "গা\u09dd রঙের পাহা\u09dc আছে।",
    ]
    write(tmp_path, ref__bn=references, out__bn=[*map(Normaliser().target, references)])
    assert (tmp_path / "ref.bn").read_bytes() != (tmp_path / "out.bn").read_bytes()
    arguments = ("--hypotheses", tmp_path / "out.bn", "--reference", tmp_path / "ref.bn")
    scores = evaluated(mtkit, *arguments)
    assert (scores["bleu"], scores["chrf"]) == (pytest.approx(100), pytest.approx(100))
    assert scores["normalisation"] == "NFC, without invisible characters"
    bleu, chrf, _ = mtkit("evaluate", *arguments).out.decode().splitlines()
    assert bleu.endswith(f"{sacrebleu.__version__}; NFC, without invisible characters)")
    assert chrf.endswith(f"{sacrebleu.__version__}; NFC, without invisible characters)")


# References


def test_several_references_score_together(mtkit: Mtkit, tmp_path: Path) -> None:
    write(tmp_path, out=FRENCH, r1=FRENCH[::-1], r2=["Je vois un chat noir.", *FRENCH[1:]], r3=FRENCH[::-1])
    one, two = ("--reference", tmp_path / "r1"), ("--reference", tmp_path / "r2")
    scores = evaluated(mtkit, "--hypotheses", tmp_path / "out", *one, *two)
    sides = [(tmp_path / name).read_text(encoding="utf-8").splitlines() for name in ("r1", "r2")]
    assert scores["bleu"] == sacrebleu.corpus_bleu(FRENCH, sides).score
    assert scores["chrf"] == sacrebleu.corpus_chrf(FRENCH, sides).score
    assert scores["bleu_signature"].startswith("nrefs:2|")
    assert scores["chrf_signature"].startswith("nrefs:2|")
    assert scores["bleu"] == evaluated(mtkit, "--hypotheses", tmp_path / "out", *two, *one)["bleu"]
    assert scores["bleu"] > evaluated(mtkit, "--hypotheses", tmp_path / "out", *one)["bleu"]


@pytest.mark.parametrize(
    ("words", "flag"),
    [
        (("evaluate", "--hypotheses", "a", "--hypotheses", "b"), "--hypotheses"),
        (("evaluate", "--json", "--reference", "r", "--json"), "--json"),
        (("translate", "M", "--beam-size", "1", "--beam-size=5"), "--beam-size"),
        (("train", "P", "--out", "a", "--out", "a"), "--out"),
        (("train", "P", "--config", "a.toml", "--config", "b.toml"), "--config"),
        (("preprocess", "--joint", "--out", "a", "--separate"), "--joint/--separate"),
        (("export", "M", "--quiet", "--quiet"), "--quiet"),
    ],
)
def test_an_option_that_does_not_repeat_is_refused_when_it_is_given_twice(
    mtkit: Mtkit, words: tuple[str, ...], flag: str
) -> None:
    outcome = mtkit(*words)
    assert outcome.code == 2
    assert outcome.message == f"{flag} is given 2 times, and only one would count; keep that one"


def test_options_that_repeat_still_do(mtkit: Mtkit, tmp_path: Path) -> None:
    write(tmp_path, a__en=["A cat."] * 20, a__fr=["Un chat."] * 20, b__en=["A dog."] * 20, b__fr=["Un chien."] * 20)
    arguments = (
        "--train",
        tmp_path / "a",
        "--train",
        tmp_path / "b",
        "--valid",
        tmp_path / "a",
        "--valid",
        tmp_path / "b",
    )
    outcome = mtkit("preprocess", "--langs", "en-fr", *arguments, "--out", tmp_path / "prepared")
    assert outcome.code == 0, outcome.err


def test_blank_references_are_counted_and_reported(mtkit: Mtkit, tmp_path: Path) -> None:
    write(tmp_path, out__fr=FRENCH, ref__fr=[FRENCH[0], "", " \u00a0 "])
    arguments = ("--hypotheses", tmp_path / "out.fr", "--reference", tmp_path / "ref.fr")
    assert evaluated(mtkit, *arguments)["blank_references"] == 2
    assert "blank       2 references have no words" in mtkit("evaluate", *arguments).out.decode().splitlines()
    write(tmp_path, ref__fr=FRENCH)
    assert evaluated(mtkit, *arguments)["blank_references"] == 0
    assert "blank" not in mtkit("evaluate", *arguments).out.decode()


def test_a_blank_reference_beside_another_shortens_no_reference() -> None:
    hypotheses, long = ["Je vois"], ["Je vois un petit chat noir"]
    alone, beside = score(hypotheses, long), score(hypotheses, long, [""])
    assert (beside.bleu, beside.chrf) == (alone.bleu, alone.chrf)
    assert beside.blank_references == 1


def test_blank_translations_score_nothing() -> None:
    scores = score(["", "", ""], FRENCH, FRENCH[::-1])
    assert (scores.bleu, scores.chrf) == (0, 0)


def test_references_in_the_wrong_shape_are_refused() -> None:
    with pytest.raises(CorpusError, match="references hold a list where a line belongs"):
        score(FRENCH, [[line] for line in FRENCH])  # type: ignore[misc]
    with pytest.raises(CorpusError, match="has 3 lines but references has 1"):
        score(FRENCH, FRENCH[:1])
    with pytest.raises(CorpusError, match="one string is no text"):
        score("Je vois", "Je vois")


def test_only_a_line_feed_ends_a_line(mtkit: Mtkit, tmp_path: Path) -> None:
    odd = [f"Je vois{end}un petit chat noir." for end in ("\r", "\u2028", "\u0085", "\x0b", "\x0c", "\x1c")]
    (tmp_path / "ref.fr").write_bytes("\n".join(odd).encode())
    (tmp_path / "out.fr").write_bytes(b"\xef\xbb\xbf" + b"\r\n".join([b"Je vois un petit chat noir."] * len(odd)))
    scores = evaluated(mtkit, "--hypotheses", tmp_path / "out.fr", "--reference", tmp_path / "ref.fr")
    assert scores["sentences"] == len(odd)
    assert (scores["bleu"], scores["chrf"]) == (pytest.approx(100), pytest.approx(100))


# What can tell models apart


def test_single_words_are_scored_by_chrf_and_ties_go_to_the_perplexity(mtkit: Mtkit, tmp_path: Path) -> None:
    words = ["chat", "chien", "merle", "cheval", "garçon", "roi", "rouge", "noir", "vert", "calme", "sage", "ici"]
    write(tmp_path, good__fr=words, bad__fr=["x"] * 12, ref__fr=words)
    good, bad = (
        evaluated(mtkit, "--hypotheses", tmp_path / f"{name}.fr", "--reference", tmp_path / "ref.fr")
        for name in ("good", "bad")
    )
    assert good["bleu"] == bad["bleu"] == 0
    assert good["chrf"] > bad["chrf"]
    assert good["leading"]["name"] == bad["leading"]["name"] == "chrf"
    assert good["leading"]["reason"] == "BLEU needs runs of 4 words, which 0 of 12 references have"
    early, late = ModelScore("bleu", 0.0, 54.0), ModelScore("bleu", 0.0, 1.0)
    assert late.is_better_than(early)
    assert late.shows_progress(early, lowest_perplexity=54.0)


# Any size


@pytest.mark.slow
def test_scoring_350_000_lines_takes_at_most_400_megabytes(tmp_path: Path) -> None:
    lines = 350_000
    for name, step in (("out.fr", 7), ("ref.fr", 11)):
        with (tmp_path / name).open("w", encoding="utf-8") as file:
            file.writelines(
                f"Le roi numéro {number % 997} voit {number * step % 7919} chevaux.\n" for number in range(lines)
            )
    command = [sys.executable, "-m", "mtkit", "evaluate", "--json", "--hypotheses", str(tmp_path / "out.fr")]
    assert peak_memory([*command, "--reference", str(tmp_path / "ref.fr")], tmp_path / "out.fr") < 400
