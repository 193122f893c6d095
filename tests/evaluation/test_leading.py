"""The score that can tell models apart leads, and of two models the better one by it is kept."""

from __future__ import annotations

import math

import pytest

from mtkit.evaluation import LeadingMetric, ModelScore, corpus_bleu, corpus_chrf, leading_for

WORDS = ["chat", "chien", "merle", "cheval", "garçon", "roi"] * 2
SENTENCES = ["Je vois un petit chat.", "Le roi suit un cheval ici.", "Un merle chante."]
THAI = ["ฉันชอบอ่านหนังสือทุกวัน", "แมวสีดำนั่งอยู่บนเสื่อ"]


def test_bleu_leads_on_sentences_and_before_any_text() -> None:
    assert leading_for("fr", SENTENCES) == leading_for("fr") == leading_for("zh") == leading_for("")
    assert leading_for("fr").label == "BLEU"
    assert str(leading_for("fr")) == "BLEU leads"


def test_chrf_leads_where_references_are_single_words() -> None:
    assert str(leading_for("fr", WORDS)) == "chrF2 leads: BLEU needs runs of 4 words, which 0 of 12 references have"


def test_one_sentence_among_many_words_does_not_decide() -> None:
    assert leading_for("fr", [*WORDS, SENTENCES[0]]).name == "chrf"
    assert leading_for("fr", [*WORDS, *SENTENCES[:2]]).name == "bleu"


def test_chrf_leads_on_text_without_spaces_with_the_setting_that_splits_it() -> None:
    leading = leading_for("th", THAI)
    assert (leading.name, leading.advice) == ("chrf", "`tokenize=char` does")
    assert leading.reason == "BLEU's tokenizer 13a does not split Thai into words"
    assert leading_for("en", ["我喜欢读很多书"]).advice == "`language=zh` does"
    assert leading_for("zh", ["我喜欢读很多书"]).name == "bleu"


def test_characters_of_a_word_are_no_words_but_of_a_chinese_sentence_they_are() -> None:
    assert leading_for("zh", ["猫", "狗"]).name == "chrf"


@pytest.mark.parametrize(("language", "extra"), [("ja", "ja"), ("jpn_Jpan", "ja"), ("ko", "ko"), ("kor", "ko")])
def test_a_language_whose_package_is_missing_is_known_before_any_text(
    language: str, extra: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("no MeCab")

    monkeypatch.setattr("sacrebleu.metrics.bleu._get_tokenizer", fail)
    monkeypatch.setattr("mtkit.evaluation.statistics.find_spec", lambda name: None)
    leading = leading_for(language)
    assert leading == leading_for(language, ["私はネコが好きです"])
    assert leading.name == "chrf"
    assert "needs a package" in leading.reason
    assert leading.advice == f"pip install 'sacrebleu[{extra}]'"
    assert LeadingMetric(language, ["私はネコが"])(["私はネコが"]) == pytest.approx(100)


@pytest.mark.parametrize(("references", "chrf_leads"), [(SENTENCES, False), (WORDS, True)])
def test_the_metric_is_the_one_that_leads(references: list[str], chrf_leads: bool) -> None:
    metric = LeadingMetric("fr", references)
    translations = [references[0], *references[2:], references[1]]
    expected = corpus_chrf(translations, references) if chrf_leads else corpus_bleu(translations, references, "fr")
    assert metric(translations) == expected
    assert metric(references) == pytest.approx(100)


def bleu(value: float, perplexity: float = 2.0) -> ModelScore:
    return ModelScore("bleu", value, perplexity)


def test_the_higher_score_is_better_whatever_the_perplexity() -> None:
    assert bleu(30, 9).is_better_than(bleu(29, 2))
    assert not bleu(29, 2).is_better_than(bleu(30, 9))
    assert bleu(0, math.inf).is_better_than(None)


def test_a_tie_goes_to_the_lower_perplexity() -> None:
    assert bleu(0, 1.5).is_better_than(bleu(0, 54))
    assert not bleu(0, 54).is_better_than(bleu(0, 1.5))
    assert not bleu(0, 2).is_better_than(bleu(0, 2))


@pytest.mark.parametrize("bad", [math.inf, math.nan])
def test_a_perplexity_that_is_not_finite_loses_every_tie(bad: float) -> None:
    assert bleu(0, 1e9).is_better_than(bleu(0, bad))
    assert not bleu(0, bad).is_better_than(bleu(0, 1e9))
    assert not bleu(0, bad).is_better_than(bleu(0, bad))


def test_scores_of_different_metrics_are_not_compared_but_their_perplexities_are() -> None:
    chrf = ModelScore("chrf", 90, 3.0)
    assert bleu(1, 2.0).is_better_than(chrf)
    assert not chrf.is_better_than(bleu(1, 2.0))


def test_training_makes_progress_by_score_or_by_perplexity() -> None:
    best = bleu(30, 2.0)
    assert bleu(31, 5.0).shows_progress(best, lowest_perplexity=1.9)
    assert bleu(0, 1.8).shows_progress(best, lowest_perplexity=1.9)
    assert not bleu(29, 1.95).shows_progress(best, lowest_perplexity=1.9)
    assert bleu(0, 9).shows_progress(None, lowest_perplexity=math.inf)


def test_each_metric_has_its_own_threshold() -> None:
    assert bleu(95).reaches(bleu=95, chrf=98)
    assert not ModelScore("chrf", 95, 2.0).reaches(bleu=95, chrf=98)
    assert str(ModelScore("chrf", 95, 2.0)) == "chrF2 95.00"
