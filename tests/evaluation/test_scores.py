"""Scores are sacreBLEU's, whatever the order, with signatures that say how they came about."""

from __future__ import annotations

import json
import math
import sys
from subprocess import run
from urllib.error import URLError

import pytest
import sacrebleu
from sacrebleu.metrics.bleu import BLEU
from sacrebleu.tokenizers.tokenizer_none import NoneTokenizer

from mtkit.errors import CorpusError, InputError, MissingExtraError, SettingsError
from mtkit.evaluation import corpus_bleu, perplexity_of, score

HYPOTHESES = ["The cat sat on the mat.", "A dog runs through the park!", "Two men play chess"]
REFERENCES = ["The cat sat on the red mat.", "A dog is running through the park.", "Two men are playing chess."]


def test_identical_text_scores_100() -> None:
    scores = score(REFERENCES, REFERENCES)
    assert scores.bleu == pytest.approx(100)
    assert scores.chrf == pytest.approx(100)
    assert scores.sentences == 3


def test_text_without_a_common_word_scores_0() -> None:
    assert score(["x y z x y"], ["a b c d e"]).bleu == 0


def test_bleu_by_hand() -> None:
    # Hypothesis of 5 words, reference of 6: precisions 5/5, 3/4, 1/3, 0/2, the last smoothed to 1/(2 * 2);
    # brevity penalty exp(1 - 6/5).
    scores = score(["a b c e f"], ["a b c d e f"])
    assert scores.bleu == pytest.approx(100 * math.exp(1 - 6 / 5) * (1 * 3 / 4 * 1 / 3 * 1 / 4) ** (1 / 4))


def test_scores_are_those_of_sacrebleu() -> None:
    scores = score(HYPOTHESES, REFERENCES)
    assert scores.bleu == sacrebleu.corpus_bleu(HYPOTHESES, [REFERENCES]).score == corpus_bleu(HYPOTHESES, REFERENCES)
    assert scores.chrf == sacrebleu.corpus_chrf(HYPOTHESES, [REFERENCES]).score


@pytest.mark.parametrize("lines", [1, 2, 3, 100])
def test_scores_do_not_depend_on_the_blocks(monkeypatch: pytest.MonkeyPatch, lines: int) -> None:
    monkeypatch.setattr("mtkit.evaluation.blocks.BLOCK_LINES", lines)
    hypotheses, others = HYPOTHESES * 3, [*REFERENCES[1:], REFERENCES[0]] * 3
    scores, whole = score(hypotheses, REFERENCES * 3, others), BLEU()
    assert scores.bleu == whole.corpus_score(hypotheses, [REFERENCES * 3, others]).score
    assert scores.bleu_signature == str(whole.get_signature())
    assert scores.chrf == sacrebleu.corpus_chrf(hypotheses, [REFERENCES * 3, others]).score
    assert scores.sentences == 9


def test_lines_are_read_once_and_in_step() -> None:
    assert score(iter(HYPOTHESES), iter(REFERENCES)) == score(HYPOTHESES, REFERENCES)


def test_the_order_of_sentences_does_not_matter() -> None:
    assert score(HYPOTHESES[::-1], REFERENCES[::-1]) == score(HYPOTHESES, REFERENCES)


def test_case_matters() -> None:
    assert corpus_bleu([line.upper() for line in REFERENCES], REFERENCES) < 20


def test_signatures_name_what_it_takes_to_compare() -> None:
    scores = score(HYPOTHESES, REFERENCES)
    version = sacrebleu.__version__
    assert scores.bleu_signature == f"nrefs:1|case:mixed|eff:no|tok:13a|smooth:exp|version:{version}"
    assert scores.chrf_signature == f"nrefs:1|case:mixed|eff:yes|nc:6|nw:0|space:no|version:{version}"


def test_the_language_chooses_how_words_are_split() -> None:
    scores = score(["我爱你们的猫"], ["我爱你的猫"], language="zh")
    assert "|tok:zh|" in str(scores.bleu_signature)
    assert scores.bleu == corpus_bleu(["我爱你们的猫"], ["我爱你的猫"], "zh") > 0
    assert score(["我爱你们的猫"], ["我爱你的猫"]).bleu == 0
    assert "|tok:char|" in str(score(["我爱你"], ["我爱你"], language="zh", tokenize="char").bleu_signature)


@pytest.mark.parametrize("language", ["zh", "ja", "ko", "en", "fr"])
def test_the_choice_is_the_one_sacrebleu_recommends(monkeypatch: pytest.MonkeyPatch, language: str) -> None:
    asked: list[str] = []

    def remember(name: str) -> type[NoneTokenizer]:
        asked.append(name)
        return NoneTokenizer

    monkeypatch.setattr("sacrebleu.metrics.bleu._get_tokenizer", remember)
    assert corpus_bleu(["a b c d"], ["a b c d"], language) == pytest.approx(100)
    assert asked == [BLEU._TOKENIZER_MAP.get(language, BLEU.TOKENIZER_DEFAULT)]


def test_different_line_counts_name_both_sides_and_both_counts() -> None:
    with pytest.raises(CorpusError, match=r"^out\.txt has 2 lines but ref\.txt has 3; line by line they must match$"):
        score(HYPOTHESES[:2], REFERENCES, names=("out.txt", "ref.txt"))


def test_nothing_to_score_is_an_error() -> None:
    with pytest.raises(CorpusError, match=r"^out\.txt and ref\.txt are empty"):
        score([], [], names=("out.txt", "ref.txt"))


def test_an_unknown_way_to_split_words_lists_the_known_ones() -> None:
    with pytest.raises(SettingsError, match=r"`tokenize=14a`: sacreBLEU knows .*13a"):
        score(HYPOTHESES, REFERENCES, tokenize="14a")


@pytest.mark.parametrize(
    ("reason", "there", "error", "message"),
    [
        (RuntimeError("no MeCab"), False, MissingExtraError, r"needs a package: pip install 'sacrebleu\[ja\]'"),
        (
            RuntimeError("no file"),
            True,
            MissingExtraError,
            r"finds no dictionary: pip install --force-reinstall 'sacre",
        ),
        (
            AssertionError("not IPA"),
            True,
            MissingExtraError,
            r"finds no dictionary: pip install --force-reinstall 'sacre",
        ),
        (URLError("no network"), True, InputError, r"needs a model .* no network"),
    ],
)
def test_a_tokenizer_that_is_asked_for_and_does_not_work_says_what_it_needs(
    monkeypatch: pytest.MonkeyPatch, reason: Exception, there: bool, error: type[Exception], message: str
) -> None:
    def fail(*_: object) -> None:
        raise reason

    monkeypatch.setattr("sacrebleu.metrics.bleu._get_tokenizer", fail)
    monkeypatch.setattr("mtkit.evaluation.statistics.find_spec", lambda name: there or None)
    with pytest.raises(error, match=f"^BLEU with ja-mecab {message}"):
        score(HYPOTHESES, REFERENCES, tokenize="ja-mecab")
    with pytest.raises(error, match=f"^BLEU with ja-mecab {message}"):
        corpus_bleu(HYPOTHESES, REFERENCES, "ja")


def test_as_dict_is_ready_for_json_and_has_a_perplexity_only_with_a_model() -> None:
    names = ["bleu", "chrf", "bleu_signature", "chrf_signature", "normalisation", "leading"]
    names += ["sentences", "blank_references"]
    scores = json.loads(json.dumps(score(HYPOTHESES, REFERENCES).as_dict()))
    assert list(scores) == names
    assert scores["leading"] == {"name": "bleu", "reason": "", "advice": ""}
    assert json.loads(score(HYPOTHESES, REFERENCES).as_json()) == scores
    with_model = score(HYPOTHESES, REFERENCES, perplexity=4.5).as_dict()
    assert list(with_model) == [*names, "perplexity"]
    assert with_model["perplexity"] == 4.5


def test_perplexity_of_a_uniform_choice_is_its_size() -> None:
    assert perplexity_of(10 * math.log(1 / 8), 10) == pytest.approx(8)
    assert perplexity_of(-math.inf, 3) == perplexity_of(-1e6, 3) == math.inf


def test_nothing_is_printed_where_text_looks_tokenised(capfd: pytest.CaptureFixture[str]) -> None:
    score(["The cat sat ."] * 200, ["The cat sat ."] * 200)
    assert capfd.readouterr() == ("", "")


def test_importing_it_does_not_import_sacrebleu() -> None:
    code = "import sys, mtkit.evaluation; sys.exit('sacrebleu' in sys.modules)"
    assert run([sys.executable, "-c", code], check=False).returncode == 0
