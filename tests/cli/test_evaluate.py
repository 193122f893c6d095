"""`mtkit evaluate` scores models and anybody's output."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from .conftest import Command


def test_a_model_is_scored_on_a_test_set(mtkit: Command, model_folder: Path, parallel_text: Path) -> None:
    outcome = mtkit("evaluate", model_folder, "--test", parallel_text / "valid", "--json")
    scores = json.loads(outcome.out)
    assert scores["bleu"] > 50
    assert scores["sentences"] == 50
    assert scores["perplexity"] > 1
    assert scores["bleu_signature"].startswith("nrefs:1|case:mixed|eff:no|tok:13a|smooth:exp|version:")

    # scoring the translations of the same model by hand gives the same
    translated = mtkit("translate", model_folder, "--input", parallel_text / "valid.en").out
    (hypotheses := parallel_text / "hypotheses.fr").write_bytes(translated)
    again = mtkit("evaluate", "--hypotheses", hypotheses, "--reference", parallel_text / "valid.fr", "--json")
    scores.pop("perplexity")
    assert json.loads(again.out) == scores


def test_people_read_a_line_for_each_score_and_which_one_leads(
    mtkit: Command, model_folder: Path, parallel_text: Path
) -> None:
    outcome = mtkit("evaluate", model_folder, "--test", parallel_text / "valid", "--beam-size", 1)
    assert [line.split()[0] for line in outcome.out.decode().splitlines()] == [
        *("BLEU", "chrF2", "perplexity"),
        "leading",
    ]


def test_a_text_against_itself_scores_100(mtkit: Command, parallel_text: Path) -> None:
    file = parallel_text / "valid.fr"
    scores = json.loads(mtkit("evaluate", "--hypotheses", file, "--reference", file, "--json").out)
    assert scores["bleu"] == pytest.approx(100)
    assert scores["chrf"] == pytest.approx(100)
    assert "perplexity" not in scores


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--json",), "give a MODEL and (--test|`test`), or (--hypotheses|`hypotheses`) and (--reference|`reference`)"),
        (("--hypotheses", "a"), "give a MODEL and (--test|`test`), or "),
        (("--test", "a"), "(--test|`test`) is translated by a MODEL"),
        (("MODEL",), "(--test|`test`) is missing"),
        (("MODEL", "--test", "a", "--hypotheses", "b"), "are scored without a MODEL"),
        (("MODEL", "--test", "nothing"), "nothing"),
        (("--hypotheses", "TEXT/train.fr", "--reference", "TEXT/valid.fr"), "has 400 lines but"),
    ],
)
def test_bad_input_is_one_line_and_code_2(
    mtkit: Command, model_folder: Path, parallel_text: Path, arguments: tuple[str, ...], message: str
) -> None:
    given = [word.replace("MODEL", str(model_folder)).replace("TEXT", str(parallel_text)) for word in arguments]
    outcome = mtkit("evaluate", *given)
    assert outcome.code == 2
    assert re.search(message, outcome.message)


def test_a_model_is_scored_alike_whatever_is_held_at_a_time(
    mtkit: Command, model_folder: Path, parallel_text: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    arguments = ("evaluate", model_folder, "--test", parallel_text / "valid", "--precision", "float32", "--json")
    whole = mtkit(*arguments).out
    monkeypatch.setattr("mtkit.evaluation.evaluator.TRANSLATED_TOGETHER", 7)
    assert mtkit(*arguments).out == whole


def test_a_misaligned_test_set_is_refused_before_anything_is_translated(
    mtkit: Command, model_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "t.en").write_text("A cat.\nA dog.\n")
    (tmp_path / "t.fr").write_text("Un chat.\n")
    monkeypatch.setattr("mtkit.translation.Translator.translate", None)
    outcome = mtkit("evaluate", model_folder, "--test", tmp_path / "t")
    assert outcome.code == 2
    assert "has 2 lines and" in outcome.message


def test_a_test_set_that_cannot_be_read_again_is_an_error(
    mtkit: Command, model_folder: Path, parallel_text: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mtkit.evaluation.evaluator._pairs", lambda text: iter([(["A cat."], ["Un chat."])]))
    outcome = mtkit("evaluate", model_folder, "--test", parallel_text / "valid", "--beam-size", 1)
    assert outcome.code == 2
    assert "had 50 pairs and, read again, 1; give files that nothing writes to" in outcome.message
