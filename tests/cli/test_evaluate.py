"""`mtkit evaluate` scores models and anybody's output."""

from __future__ import annotations

import json
from pathlib import Path

import pytest


def test_a_model_is_scored_on_a_test_set(mtkit, model_folder: Path, parallel_text: Path) -> None:
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


def test_people_read_three_lines(mtkit, model_folder: Path, parallel_text: Path) -> None:
    outcome = mtkit("evaluate", model_folder, "--test", parallel_text / "valid", "--beam-size", 1)
    assert [line.split()[0] for line in outcome.out.decode().splitlines()] == ["BLEU", "chrF2", "perplexity"]


def test_a_text_against_itself_scores_100(mtkit, parallel_text: Path) -> None:
    file = parallel_text / "valid.fr"
    scores = json.loads(mtkit("evaluate", "--hypotheses", file, "--reference", file, "--json").out)
    assert scores["bleu"] == pytest.approx(100)
    assert scores["chrf"] == pytest.approx(100)
    assert "perplexity" not in scores


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--json",), "give a MODEL and --test, or --hypotheses and --reference"),
        (("--hypotheses", "a"), "give a MODEL and --test, or --hypotheses and --reference"),
        (("--test", "a"), "--test is translated by a MODEL"),
        (("MODEL",), "--test is missing"),
        (("MODEL", "--test", "a", "--hypotheses", "b"), "are scored without a MODEL"),
        (("MODEL", "--test", "nothing"), "nothing"),
        (("--hypotheses", "TEXT/train.fr", "--reference", "TEXT/valid.fr"), "has 400 lines but"),
    ],
)
def test_bad_input_is_one_line_and_code_2(
    mtkit, model_folder: Path, parallel_text: Path, arguments: tuple[str, ...], message: str
) -> None:
    given = [word.replace("MODEL", str(model_folder)).replace("TEXT", str(parallel_text)) for word in arguments]
    outcome = mtkit("evaluate", *given)
    assert outcome.code == 2
    assert message in outcome.message
