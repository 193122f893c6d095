"""The translator keeps lines, and a translation depends on its line alone."""

from __future__ import annotations

import random
import shutil
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mtkit import SearchSettings, Translator
from mtkit.errors import CorpusError, ModelFolderError, SettingsError
from mtkit.model_folder import ModelFolder
from mtkit.search import Candidates, Distribution
from mtkit.settings import AlignmentUnit
from mtkit.storage import sha256
from mtkit.text.normalisation import Normaliser
from mtkit.text.vocabulary import Vocabulary
from mtkit.translation.splitting import split_line


@dataclass
class EchoState:
    """The sources of N hypotheses, and how many tokens of each have been said."""

    src: np.ndarray
    said: np.ndarray

    def select(self, rows: np.ndarray) -> EchoState:
        return EchoState(self.src[rows], self.said[rows])

    def join(self, other: EchoState) -> EchoState:
        return EchoState(np.concatenate((self.src, other.src)), np.concatenate((self.said, other.said)))


@dataclass
class EchoStepper:
    """Says each source again, or, stuck, its first piece for ever."""

    stuck: bool = False

    def start(self, src: np.ndarray, src_lengths: np.ndarray) -> EchoState:
        return EchoState(src, np.zeros(len(src), int))

    def step(self, last_tokens: np.ndarray, state: EchoState, k: int, **_: Any) -> tuple[Candidates, EchoState]:
        ids = np.take_along_axis(state.src, state.said[:, None] * (not self.stuck), axis=1)
        return Candidates(ids, np.full(ids.shape, -0.1)), EchoState(state.src, state.said + 1)

    def distribution(self, *_: Any, **__: Any) -> tuple[Distribution, EchoState]:
        raise NotImplementedError("nobody samples from it")


@pytest.fixture(scope="module")
def translator(model_folder: Path) -> Translator:
    return Translator.load(model_folder, device="cpu", threads=1)


@pytest.fixture(scope="module")
def lines(parallel_text: Path) -> list[str]:
    return (parallel_text / "train.en").read_text(encoding="utf-8").splitlines()[:120]


@pytest.mark.parametrize("beam_size", [1, 5])
def test_the_batch_never_changes_the_translation(model_folder: Path, lines: list[str], beam_size: int) -> None:
    mixed = [*lines, "", "The cat.", " ".join(lines[:3])]

    def translate(batch_tokens: int, sources: list[str]) -> dict[str, str]:
        search = SearchSettings(beam_size=beam_size, batch_tokens=batch_tokens)
        found = Translator.load(model_folder, search=search, device="cpu", threads=1).translate(sources)
        assert [translation.source for translation in found] == sources
        return {translation.source: translation.text for translation in found}

    together = translate(100_000, mixed)
    shuffled = random.Random(1).sample(mixed, len(mixed))
    assert translate(1, mixed) == together  # one by one
    assert translate(150, shuffled) == together  # other neighbours, other order


def test_a_larger_beam_never_finds_a_worse_best_by_its_own_score_on_average(
    model_folder: Path, lines: list[str]
) -> None:
    def mean_score(beam_size: int) -> float:
        search = SearchSettings(beam_size=beam_size)
        found = Translator.load(model_folder, search=search, device="cpu", threads=1).translate(lines)
        return sum(translation.score for translation in found) / len(found)

    assert mean_score(5) >= mean_score(1) - 1e-6


def test_scores_of_translations_are_their_forced_log_probabilities(translator: Translator, lines: list[str]) -> None:
    found = translator.translate(lines[:20])
    scores = translator.score(lines[:20], [translation.text for translation in found])
    for translation, score in zip(found, scores, strict=True):
        assert score.log_prob / score.tokens == pytest.approx(translation.score, abs=1e-4)


def test_a_pair_is_scored_the_same_in_any_company(translator: Translator, lines: list[str]) -> None:
    sources, targets = [*lines[:20], "", "The cat."], [*lines[20:40], "chat", ""]
    alone = [translator.score([source], [target])[0] for source, target in zip(sources, targets, strict=True)]
    together = translator.score(sources, targets)
    assert [score.tokens for score in together] == [score.tokens for score in alone]
    assert [score.log_prob for score in together] == pytest.approx([score.log_prob for score in alone], abs=1e-4)
    assert together[-1].tokens == 1  # eos alone


def test_lines_longer_than_any_in_training_go_in_parts_and_lose_nothing(translator: Translator) -> None:
    sentences = ["The red cat sees a dog.", "The calm king wants a horse here.", "The green bird hears a boy."]
    alone = [translation.text for translation in translator.translate(sentences)]
    (joined,) = translator.translate([" ".join(sentences)])
    assert joined.parts == 3
    assert joined.text == " ".join(alone)


def test_what_cannot_be_translated_is_empty_and_marked(translator: Translator) -> None:
    blank, invisible = translator.translate(["  ", "\u200b\u200e"])
    assert (blank.text, blank.untranslatable) == ("", False)
    assert (invisible.text, invisible.untranslatable) == ("", True)


@pytest.mark.parametrize(
    "line",
    [
        *("The red cat sees a dog. " * 2000, "cat " * 12_000, "c" * 50_000, "." * 50_000, "中" * 20_000),
        *(" " * 50_000, "\u200b" * 50_000, "a," * 25_000),
    ],
    ids=lambda line: ascii(line[:12]),
)
def test_a_line_of_any_length_is_cut_into_parts_that_fit_and_hold_it_all(translator: Translator, line: str) -> None:
    parts = translator._parts([line])[0]
    assert all(len(part.ids) <= translator.longest for part in parts)
    # few: half full at least, on average
    assert sum(len(part.ids) for part in parts) >= len(parts) * translator.longest / 2
    visible = "" if line.startswith("\u200b") else "".join(line.split())
    assert "".join("".join(part.text for part in parts).split()) == visible


def test_cutting_takes_time_in_proportion_to_the_line(translator: Translator) -> None:
    """Counted in characters that are measured, which no other load on the machine can change."""

    def measured(line: str) -> int:
        characters = 0

        def lengths(texts: list[str]) -> list[int]:
            nonlocal characters
            characters += sum(map(len, texts))
            return translator._lengths(texts)

        split_line(line, lengths, translator.longest)
        return characters

    for line in ("The red cat sees a dog. ", "c", "...", "a, b ", "中"):
        short, long = (measured(line * (length // len(line))) for length in (10_000, 100_000))
        assert long <= 10.5 * short, line
        assert long <= 12 * 100_000, line


def test_a_prefix_begins_the_translation_of_its_line_and_of_no_other(translator: Translator, lines: list[str]) -> None:
    sources = [*lines[:5], "", " ".join(lines[:3])]
    prefixes = ["", "Le", "", "Un ch", "", "Le", "Le roi"]
    found = translator.translate(sources, prefixes=prefixes)
    plain = translator.translate(sources)
    for translation, prefix, without in zip(found, prefixes, plain, strict=True):
        if translation.source:
            assert translation.text.startswith(prefix)
        if not prefix or not translation.source:
            assert translation.text == without.text


def test_the_translation_itself_is_the_first_of_the_n_best(model_folder: Path, lines: list[str]) -> None:
    translator = Translator.load(model_folder, search=SearchSettings(beam_size=4), device="cpu", threads=1)
    for translation in translator.translate([*lines[:10], ""], n_best=4):
        assert translation.n_best[0] == (translation.text, translation.score)
        assert 1 <= len(translation.n_best) <= 4
    (joined,) = translator.translate([" ".join(lines[:3])], n_best=2)
    assert joined.n_best[0] == (joined.text, joined.score)


@pytest.mark.parametrize("unit", ["piece", "word"])
def test_links_stay_within_the_line_and_its_translation(
    translator: Translator, lines: list[str], unit: AlignmentUnit
) -> None:
    sources = [*lines[:10], "", " ".join(lines[:3]), "c" * 500]
    for translation in translator.translate(sources, alignments=unit):
        if unit == "word":
            sides = len(Normaliser().source(translation.source).split()), len(translation.text.split())
        else:
            parts = translator._parts([translation.source])[0]
            sides = sum(len(part.ids) for part in parts), sum(len(text) + 5 for text in translation.text.split())
        assert list(translation.alignment) == sorted(set(translation.alignment))
        assert all(0 <= src < sides[0] and 0 <= tgt < sides[1] for src, tgt in translation.alignment)
        assert bool(translation.alignment) == bool(translation.text)


def test_links_of_pieces_are_where_the_attention_is_greatest(translator: Translator, lines: list[str]) -> None:
    for translation in translator.translate(lines[:10], alignments="piece", attention=True):
        (part,) = translation.attention
        most = enumerate(part.weights[:-1].argmax(axis=1).tolist())
        assert set(translation.alignment) == {(src, tgt) for tgt, src in most if part.source[src] != "</s>"}


def test_links_of_a_long_line_are_those_of_its_sentences_moved(translator: Translator) -> None:
    sentences = ["The red cat sees a dog.", "The calm king wants a horse here.", "The green bird hears a boy."]
    expected, src, tgt = set(), 0, 0
    for alone in translator.translate(sentences, alignments="word"):
        expected |= {(src + one, tgt + other) for one, other in alone.alignment}
        src, tgt = src + len(alone.source.split()), tgt + len(alone.text.split())
    (joined,) = translator.translate([" ".join(sentences)], alignments="word")
    assert set(joined.alignment) == expected


def test_attention_comes_with_its_pieces_and_sums_to_one(translator: Translator) -> None:
    blank, whole, long = translator.translate(["", "The red cat sees a dog.", "c" * 300], attention=True)
    assert blank.attention == ()
    (part,) = whole.attention
    assert part.source[-1] == part.target[-1] == "</s>"
    assert "".join(part.target[:-1]).replace("▁", " ").strip() == whole.text
    assert part.weights.shape == (len(part.target), len(part.source))
    assert part.weights.sum(axis=1) == pytest.approx(1, abs=1e-5)
    assert len(long.attention) == long.parts > 1


def test_copies_and_loops_are_marked(model_folder: Path) -> None:
    """A model that says its source again, or one piece for ever."""
    folder = ModelFolder.open(model_folder)
    search = SearchSettings(beam_size=1)
    echo = Translator(folder, EchoStepper(), search).translate(["The red  cat sees a dog.", "", "ﬁsh"])
    assert [translation.text for translation in echo] == ["The red cat sees a dog.", "", "fish"]
    assert [translation.copied for translation in echo] == [True, False, False]
    assert [translation.loop for translation in echo] == [False] * 3
    (stuck,) = Translator(folder, EchoStepper(stuck=True), search).translate(["The red cat."])
    assert stuck.flags == ["truncated", "loop"]


def test_what_does_not_go_together_is_said(model_folder: Path, translator: Translator) -> None:
    with pytest.raises(SettingsError, match=r"`n_best=6` is more than a beam of 5 finds; give `beam_size=6` or more"):
        translator.translate(["a"], n_best=6)
    with pytest.raises(SettingsError, match=r"^`n_best=0` asks for no translation; give 1 or more$"):
        translator.translate(["a"], n_best=0)
    sampling = Translator(ModelFolder.open(model_folder), EchoStepper(), SearchSettings(sample=True))
    sampling.check(n_best=6)
    blind = Translator(ModelFolder.open(model_folder), EchoStepper(), SearchSettings(), attention=False)
    for asked in ({"alignments": "word"}, {"attention": True}):
        with pytest.raises(SettingsError, match="trained with `attention=none`"):
            blind.translate(["a"], **asked)
    with pytest.raises(CorpusError, match="2 lines have 1 prefixes"):
        translator.translate(["a", "b"], prefixes=["c"])
    with pytest.raises(CorpusError, match="1 sources have 2 targets"):
        translator.score(["a"], ["b", "c"])


def test_an_ensemble_of_one_model_twice_is_that_model(
    model_folder: Path, translator: Translator, lines: list[str]
) -> None:
    twice = Translator.load(model_folder, ensemble=[model_folder], device="cpu", threads=1)
    assert [found.text for found in twice.translate(lines[:20])] == [
        found.text for found in translator.translate(lines[:20])
    ]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda config: config.replace('"tgt_lang": "fr"', '"tgt_lang": "de"'), "translates en-de and .* en-fr"),
        (None, "have different vocabularies"),
    ],
)
def test_an_ensemble_that_does_not_fit_names_both_folders(
    model_folder: Path, tmp_path: Path, change: Callable[[str], str] | None, message: str
) -> None:
    other = Path(shutil.copytree(model_folder, tmp_path / "other"))
    config = (other / "config.json").read_text(encoding="utf-8")
    if change is None:  # another vocabulary, rightly recorded
        Vocabulary.train(["some other text", "of a few words"], size=300, exact=False).save(other / "joint.spm")
        old = ModelFolder.open(model_folder).config.vocabularies["joint.spm"]
        config = config.replace(old, sha256(other / "joint.spm"))
    else:
        config = change(config)
    (other / "config.json").write_text(config, encoding="utf-8")
    with pytest.raises(ModelFolderError, match=message) as raised:
        Translator.load(model_folder, ensemble=[other])
    assert str(model_folder) in str(raised.value)
    assert str(other) in str(raised.value)


def test_no_lines_give_no_translations(translator: Translator) -> None:
    assert translator.translate([]) == []


def test_threads_share_a_translator(translator: Translator, lines: list[str]) -> None:
    expected = [translation.text for translation in translator.translate(lines[:30])]
    results: dict[int, list[str]] = {}

    def work(name: int) -> None:
        results[name] = [translation.text for translation in translator.translate(lines[:30])]

    workers = [threading.Thread(target=work, args=(name,)) for name in range(3)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert results == dict.fromkeys(range(3), expected)


def test_a_folder_that_is_no_model_says_so(tmp_path: Path) -> None:
    with pytest.raises(ModelFolderError, match="is not a model folder"):
        Translator.load(tmp_path)


@pytest.mark.parametrize("beam_size", [1, 5])
def test_workers_change_nothing(model_folder: Path, lines: list[str], beam_size: int) -> None:
    search = SearchSettings(beam_size=beam_size, batch_tokens=320)
    one, three = (Translator.load(model_folder, search=search, device="cpu", threads=threads) for threads in (1, 3))
    assert (one.workers, three.workers) == (1, 3)
    assert three.translate(lines) == one.translate(lines)
    assert three.score(lines, lines[::-1]) == one.score(lines, lines[::-1])
