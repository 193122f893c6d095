"""Where training starts from: another model, and pre-trained embeddings."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from msgspec.structs import replace
from safetensors.torch import load_file

from mtkit.dataset import PreparedCorpus, prepare
from mtkit.errors import SettingsError
from mtkit.nn import Seq2Seq
from mtkit.settings import CorpusSettings, PreprocessSettings, TrainSettings
from mtkit.training import Event, Note, open_corpus, train_model
from mtkit.training.events import ignore
from mtkit.training.start import Start
from mtkit.training_log import read_log

Tiny = Callable[..., TrainSettings]


def network_of(settings: TrainSettings, corpus: PreparedCorpus) -> Seq2Seq:
    torch.manual_seed(3)
    shape = replace(settings.network, tied_embeddings="all")
    return Seq2Seq(shape, len(corpus.src_vocabulary), len(corpus.tgt_vocabulary))


def start_of(settings: TrainSettings) -> Start:
    return Start(settings.init_from, settings.src_embeddings, settings.tgt_embeddings)


def load(
    settings: TrainSettings, corpus: PreparedCorpus, network: Seq2Seq, emit: Callable[[Event], None] = ignore
) -> None:
    start_of(settings).load(network, settings.network, corpus, emit)


@pytest.fixture
def first(tiny: Tiny, few: PreparedCorpus) -> Path:
    """A model to start from."""
    return train_model(tiny("first", updates=12), few).folder


def test_it_starts_from_the_weights_of_a_model_on_another_corpus_with_its_vocabulary(
    tiny: Tiny, first: Path, parallel_text: Path, tmp_path: Path
) -> None:
    text = CorpusSettings(langs="en-fr", train=(f"{parallel_text}/valid",), valid=(f"{parallel_text}/valid",))
    settings = tiny("second", init_from=str(first), corpus=text, updates=1, learning_rate=1e-9)
    events: list[Event] = []
    corpus = open_corpus(settings, ())
    second = train_model(settings, corpus, events.append).folder
    note = f"Starting from the weights of {first}"
    assert Note(note) in events
    told = [(record["kind"], record.get("text")) for record in read_log(second)]
    assert told[:2] == [("started", None), ("note", note)]
    assert (second / "joint.spm").read_bytes() == (first / "joint.spm").read_bytes()
    before, after = load_file(first / "model.safetensors"), load_file(second / "model.safetensors")
    for name, weight in before.items():
        torch.testing.assert_close(after[name], weight, rtol=0, atol=1e-6)
    assert str(tmp_path) not in (second / "config.json").read_text(encoding="utf-8"), "nothing inside points outside"


def test_a_corpus_with_another_vocabulary_is_refused_with_the_remedy(
    tiny: Tiny, first: Path, few: PreparedCorpus, parallel_text: Path, tmp_path: Path
) -> None:
    text = CorpusSettings(langs="en-fr", train=(f"{parallel_text}/valid",), valid=(f"{parallel_text}/valid",))
    other = prepare(PreprocessSettings(corpus=text, out=str(tmp_path / "other")))
    with pytest.raises(SettingsError, match=f"prepare it with `vocabulary={first}`"):
        train_model(tiny("second", init_from=str(first)), other)
    same = replace(text, vocabulary=str(few.path))
    fitting = prepare(PreprocessSettings(corpus=same, out=str(tmp_path / "fitting")))
    train_model(tiny("second", init_from=str(first), updates=1), fitting)


def test_another_network_is_refused_but_for_its_dropout(tiny: Tiny, first: Path, few: PreparedCorpus) -> None:
    settings = tiny("second", init_from=str(first), updates=1)
    wider = replace(settings, network=replace(settings.network, hidden_size=14))
    with pytest.raises(SettingsError, match=r"`hidden_size` 14 does not fit `init_from=.*, which has 12"):
        train_model(wider, few)
    train_model(replace(settings, network=replace(settings.network, dropout=0.0)), few)


def test_embeddings_are_put_in_at_the_spread_of_the_others_and_the_rest_stays(
    tiny: Tiny, few: PreparedCorpus, tmp_path: Path
) -> None:
    names = few.src_vocabulary.pieces(range(len(few.src_vocabulary)))
    chosen = [row for row, name in enumerate(names) if name.startswith("▁")][:20]
    rest = [row for row in range(len(names)) if row not in chosen]
    vectors = torch.randn(20, 8) * 5
    lines = [f"{names[row]} {' '.join(map(str, vector.tolist()))}" for row, vector in zip(chosen, vectors, strict=True)]
    (tmp_path / "vectors.txt").write_text("\n".join(lines), encoding="utf-8")
    settings = tiny(src_embeddings=str(tmp_path / "vectors.txt"))
    plain, network = network_of(settings, few), network_of(settings, few)
    events: list[Event] = []
    load(settings, few, network, events.append)
    assert events == [Note(f"{tmp_path}/vectors.txt: vectors for 20 of {len(names):,} pieces")]
    table = network.src_embedding.weight.detach()
    torch.testing.assert_close(table[chosen] / table[chosen[0], 0], vectors / vectors[0, 0], rtol=1e-4, atol=1e-4)
    assert float(table[chosen].std(correction=0)) == pytest.approx(8**-0.5)
    assert torch.equal(table[rest], plain.src_embedding.weight[rest])
    assert network.output.weight is network.src_embedding.weight


def test_embeddings_that_do_not_fit_are_refused(tiny: Tiny, few: PreparedCorpus, tmp_path: Path) -> None:
    file = tmp_path / "vectors.txt"
    file.write_text("the 1 2 3\n", encoding="utf-8")
    with pytest.raises(SettingsError, match=r"`tgt_embeddings` .* has vectors of 3, and `embedding_size` is 8"):
        start_of(tiny(tgt_embeddings=str(file))).check(8)
    file.write_text("qqqqq" + " 1" * 8 + "\n", encoding="utf-8")
    settings = tiny(src_embeddings=str(file))
    with pytest.raises(SettingsError, match="has none of the vocabulary's pieces"):
        load(settings, few, network_of(settings, few))
    both = replace(settings, tgt_embeddings=str(file))
    with pytest.raises(SettingsError, match="cannot both fill the one table"):
        load(both, few, network_of(both, few))
