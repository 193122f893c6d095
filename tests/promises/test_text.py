"""What becomes of characters that training never saw: a promise a test, each with the case that it was made for."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest

from mtkit.arrays import Ids
from mtkit.cli.console import Console
from mtkit.cli.translate import Report
from mtkit.cli.translation_format import as_json, as_text
from mtkit.configuration import for_corpus, resolve, resumed
from mtkit.dataset import PreparedCorpus, prepare
from mtkit.errors import ModelFolderError
from mtkit.model_folder import ModelFolder
from mtkit.search import Candidates
from mtkit.settings import (
    CorpusSettings,
    NetworkSettings,
    PreprocessSettings,
    SearchSettings,
    TrainSettings,
    TranslateSettings,
)
from mtkit.text.vocabulary import EOS
from mtkit.training import train_model
from mtkit.training.saved_settings import as_meant
from mtkit.translation import Translator

SENTENCE = "The red cat sees a dog."


@dataclass
class Place:
    """How much of what they are to write hypotheses have written: (R,)."""

    written: Ids

    def select(self, rows: Ids) -> Place:
        """Keep some hypotheses."""
        return Place(self.written[rows])

    def join(self, other: Place) -> Place:
        """Add others."""
        return Place(np.concatenate((self.written, other.written)))


@dataclass
class Writing:
    """A network that writes the same pieces whatever it reads, and in further hypotheses some of them twice."""

    pieces: list[int]

    def start(self, src: Ids, src_lengths: Ids) -> Place:
        """Begin with sentences (N, S)."""
        return Place(np.zeros(len(src), np.int64))

    def step(self, last_tokens: Ids, state: Place, k: int, **asked: Any) -> tuple[Candidates, Place]:
        """Write the next piece; the second candidate is the one before it."""
        script = np.array([*self.pieces, *[EOS] * 40])
        ids = np.stack([script[state.written], *[script[state.written - 1]] * (k - 1)], axis=1)
        log_probs = np.stack([np.full(len(ids), -0.1 - rank) for rank in range(k)], axis=1)
        required = asked.get("required")
        return (
            Candidates(ids, log_probs, required=None if required is None else np.full(len(ids), -0.1)),
            Place(state.written + 1),
        )


def test_a_replacement_character_is_written_only_where_the_input_holds_one(model_folder: Path) -> None:
    """The search cannot be trusted to spell whole characters: emoji came out as one to four U+FFFD."""
    folder = ModelFolder.open(model_folder)
    first = folder.tgt_vocabulary.encode("\0")[-1]
    pieces = [*folder.tgt_vocabulary.encode("Le chat"), *(first + byte for byte in b"\xf0\x9f\x98"), first + 0x80]
    for written, text in ((pieces, "Le chat😀"), (pieces[:-1], "Le chat"), (pieces[-1:], "")):
        translator = Translator(folder, cast(Any, Writing(written)), SearchSettings(beam_size=1), attention=False)
        for prefix in ("", "Le chien \ufffd 😀"):
            (found,) = translator.translate([SENTENCE], prefixes=[prefix])
            assert found.text == text if not prefix else "\ufffd" in found.text
            assert "\ufffd" not in found.text.replace(prefix, "")
    translator = Translator(folder, cast(Any, Writing(pieces[:-1])), SearchSettings(beam_size=4), attention=False)
    (found,) = translator.translate([SENTENCE], n_best=4)
    settings = TranslateSettings(format="jsonl", n_best=4)
    assert "\ufffd" not in as_json(found, settings) + as_text(found, settings)


Preparing = Callable[..., PreprocessSettings]
PAIRS = [
    (
        f'It\'s the {adjective} "{noun}" - a well-known one, no {number}.',
        f"C’est « le {noun} {adjective} », n° {number}.",
    )
    for number, (adjective, noun) in enumerate((a, n) for a in ("red", "calm", "wise") for n in ("cat", "dog", "king"))
]


@pytest.fixture
def preparing(tmp_path: Path) -> Preparing:
    """Make settings that prepare `PAIRS`, or others, in English and French; keywords change those of the corpus."""

    def make(out: str, pairs: list[tuple[str, str]] = PAIRS, **corpus: Any) -> PreprocessSettings:
        (tmp_path / f"{out}.tsv").write_text("".join(f"{src}\t{tgt}\n" for src, tgt in pairs), encoding="utf-8")
        text = (str(tmp_path / f"{out}.tsv"),)
        given = {"langs": "en-fr", "train": text, "valid": text, **corpus}
        return PreprocessSettings(corpus=CorpusSettings(**given), out=str(tmp_path / out))

    return make


TYPED = "It’s the red “cat” – a well‐known one… it´s no 3."
READ = "It's the red \"cat\" - a well-known one... it's no 3."


def test_typographic_variants_of_a_source_are_read_as_what_training_text_has(preparing: Preparing) -> None:
    """BLEU fell from 87.0 to 51.5 on sentences in typographic quotes."""
    corpus = prepare(preparing("corpus"))
    assert corpus.normaliser.source(TYPED) == READ
    assert corpus.normaliser.target("« C’est »") == "« C’est »"
    assert corpus.train.src_texts(range(9)) == [src for src, _ in PAIRS], "the corpus is as it was"
    assert PreparedCorpus.open(corpus.path).normaliser == corpus.normaliser
    assert corpus.reversed.normaliser.source('It\'s "no" “3”') == "It’s »no» «3»", "French is written otherwise"
    assert corpus.reversed.reversed.normaliser == corpus.normaliser


def test_variants_that_training_text_has_are_left_alone(preparing: Preparing) -> None:
    pairs = [*PAIRS, ("It’s “the” – one", "C’est")]
    corpus = prepare(preparing("corpus", pairs))
    assert corpus.normaliser.source("It’s “the” – one — two") == "It’s “the” – one – two"
    nothing_alike = prepare(preparing("other", [(src.replace('"', ""), tgt) for src, tgt in PAIRS]))
    assert nothing_alike.normaliser.source("“the”") == "“the”", "there is nothing to read in its place"


def test_strays_are_as_good_as_missing(preparing: Preparing) -> None:
    """One in a million characters is no way to learn it, and it has no piece of its own."""
    src, tgt = 'The "red" cat, ' * 100, "Le « chat » rouge, " * 100
    corpus = prepare(preparing("corpus", [*[(src, tgt)] * 700, ("“The” cat", "Le chat")], max_length=2000))
    assert corpus.train.src_texts([700]) == ['"The" cat']
    assert corpus.normaliser.source("“The” cat") == '"The" cat'


def test_variants_go_with_a_vocabulary_and_into_a_model(preparing: Preparing, tmp_path: Path) -> None:
    first = prepare(preparing("corpus"))
    others = [(src.replace('"', "“"), tgt) for src, tgt in PAIRS[:4]]
    part = prepare(preparing("part", others, vocabulary=str(first.path)))
    assert part.normaliser == first.normaliser
    assert part.train.src_texts([0]) == [PAIRS[0][0]]
    assert len(PreparedCorpus.open(first.path, part.path).train) == 13

    network = NetworkSettings(embedding_size=4, hidden_size=4)
    settings = TrainSettings(network=network, out=str(tmp_path / "model"), updates=1, device="cpu", threads=1)
    model = ModelFolder.open(train_model(settings, first).folder)
    assert model.normaliser == first.normaliser
    of_model = prepare(preparing("of model", others, vocabulary=str(model.path)))
    assert of_model.manifest.variants == first.manifest.variants


def test_a_model_reads_variants_as_its_config_says(model_folder: Path, tmp_path: Path) -> None:
    model = Path(shutil.copytree(model_folder, tmp_path / "model"))
    config = json.loads((model / "config.json").read_text(encoding="utf-8"))
    plain, typed = "The red cat sees a dog.", "The red cat ſ‿ees a dog·"
    config["variants"][0] = {"‿": "", "·": "."}
    (model / "config.json").write_text(json.dumps(config), encoding="utf-8")
    with pytest.raises(ModelFolderError, match=r"config\.json: cannot be read .*`\$\.variants"):
        ModelFolder.open(model)
    config["variants"][0] = {"‿": "s", "·": "."}
    (model / "config.json").write_text(json.dumps(config), encoding="utf-8")
    one, other = Translator.load(model, device="cpu", threads=1).translate([plain, typed.replace("ſ", "")])
    assert (one.text, one.score) == (other.text, other.score)


def test_vocabularies_of_the_opposite_direction_change_sides(preparing: Preparing) -> None:
    """They took twice the pieces, and nothing was reported."""
    swapped = [(tgt, src) for src, tgt in PAIRS]
    for joint in (True, False):
        lines: list[str] = []
        first = prepare(preparing(f"first{joint}", joint=joint))
        second = prepare(preparing(f"second{joint}", swapped, langs="fr-en", vocabulary=str(first.path)), lines.append)
        assert second.src_vocabulary.fingerprint == first.tgt_vocabulary.fingerprint
        assert second.tgt_vocabulary.fingerprint == first.src_vocabulary.fingerprint
        assert second.normaliser == first.reversed.normaliser
        assert second.manifest.train.src_tokens == first.manifest.train.tgt_tokens
        assert len(PreparedCorpus.open(first.reversed.path, first.path).train) == 18
        assert not [line for line in lines if "warning" in line]


@pytest.mark.parametrize(
    ("langs", "warned"), [("en-fr", 0), ("en_GB-fr_CA", 0), ("en-de", 1), ("de-en", 1), ("th-lo", 1)]
)
def test_vocabularies_of_other_languages_get_one_warning(langs: str, warned: int, preparing: Preparing) -> None:
    first, lines = prepare(preparing("first")), list[str]()
    prepare(preparing("second", langs=langs, vocabulary=str(first.path)), lines.append)
    assert sum("warning" in line for line in lines) == warned
    if warned:
        assert "first is of " in lines[-2]
        assert " pieces a word; " in lines[-2]


def test_new_trainings_spell_some_characters_in_bytes_and_resumed_ones_what_they_began_with(model_folder: Path) -> None:
    for preset, share in (("auto", True), ("small", True), ("base", True), ("large", True), ("tiny", False)):
        resolved = for_corpus(resolve(TrainSettings, command="train", flags={"preset": preset}), 10_000)
        assert (0 < resolved.settings.byte_spelling <= 0.001) == share, preset

    saved = dict(ModelFolder.open(model_folder).config.train)
    for preset in ("auto", "small"):
        asked = resolve(TrainSettings, command="train", flags={"preset": preset})
        assert for_corpus(resumed(asked, saved), 10_000).settings.byte_spelling == saved["byte_spelling"] > 0
        old = {key: value for key, value in saved.items() if key != "byte_spelling"}
        assert for_corpus(resumed(asked, old), 10_000).settings.byte_spelling == 0
    assert as_meant(old, 10_000, 100)["byte_spelling"] == 0, "so that resuming cannot turn it on"


def test_lines_with_unknown_characters_are_flagged_and_counted(
    model_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = [SENTENCE, "The “red” cat 😀", "", "The red cat sees Zoë."]
    found = Translator.load(model_folder, device="cpu", threads=1).translate(lines)
    assert [one.unknown for one in found] == [False, True, False, True]
    assert [json.loads(as_json(one, TranslateSettings())).get("flags") for one in found[:2]] == [None, ["unknown"]]

    with Report(Console(verbose=True), [], live=False) as report:
        report.see(found)
    *details, warning = capsys.readouterr().err.splitlines()
    assert [line.split(":")[0] for line in details if "does not have" in line] == ["line 2", "line 4"]
    assert "2 lines hold characters that the vocabulary does not have; " in warning
