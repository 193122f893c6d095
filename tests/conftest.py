"""A small parallel corpus, the same prepared, and a small model trained on it: what tests all over the suite stand on.

All three are made once a session and shared: a test that writes into one copies it first.
"""

from __future__ import annotations

import random
import signal
from collections.abc import Callable
from pathlib import Path
from types import FrameType

import pytest

from mtkit.dataset import PreparedCorpus, prepare
from mtkit.settings import CorpusSettings, NetworkSettings, PreprocessSettings, TrainSettings
from mtkit.synthetic.train import train

NOUNS = {"cat": "chat", "dog": "chien", "bird": "merle", "horse": "cheval", "boy": "garçon", "king": "roi"}
ADJECTIVES = {"red": "rouge", "black": "noir", "green": "vert", "calm": "calme", "wise": "sage"}
VERBS = {"sees": "voit", "hears": "entend", "follows": "suit", "finds": "trouve", "wants": "veut"}
ADVERBS = {"here": "ici", "today": "aujourd'hui", "often": "souvent"}

HANDLERS: dict[signal.Signals, signal.Handlers | Callable[[int, FrameType | None], None]] = {
    signal.SIGINT: signal.default_int_handler,
    **dict.fromkeys((signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1), signal.SIG_DFL),
}
for signal_number, handler in HANDLERS.items():
    # ignored under nohup and in scripts, and then by the programs that the tests start
    if signal.getsignal(signal_number) == signal.SIG_IGN:
        signal.signal(signal_number, handler)


@pytest.fixture(scope="session")
def parallel_text(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with train.en, train.fr (400 lines) and valid.en, valid.fr (50), no source twice.

    The adjective changes places and an adverb may follow: "The red cat sees a dog." is "Le chat rouge voit un chien."
    """
    folder = tmp_path_factory.mktemp("text")
    chance = random.Random(1)
    pairs: dict[str, str] = {}
    while len(pairs) < 450:
        subject, thing = chance.choice(list(NOUNS)), chance.choice(list(NOUNS))
        adjective, verb = chance.choice(list(ADJECTIVES)), chance.choice(list(VERBS))
        end, french_end = chance.choice([(".", "."), *((f" {word}.", f" {mot}.") for word, mot in ADVERBS.items())])
        pairs[f"The {adjective} {subject} {verb} a {thing}{end}"] = (
            f"Le {NOUNS[subject]} {ADJECTIVES[adjective]} {VERBS[verb]} un {NOUNS[thing]}{french_end}"
        )
    sources = list(pairs)
    for name, part in (("train", sources[:400]), ("valid", sources[400:])):
        (folder / f"{name}.en").write_text("".join(f"{source}\n" for source in part), encoding="utf-8")
        (folder / f"{name}.fr").write_text("".join(f"{pairs[source]}\n" for source in part), encoding="utf-8")
    return folder


@pytest.fixture(scope="session")
def prepared(parallel_text: Path, tmp_path_factory: pytest.TempPathFactory) -> PreparedCorpus:
    """`parallel_text`, prepared, with a joint vocabulary."""
    corpus = CorpusSettings(langs="en-fr", train=(f"{parallel_text}/train",), valid=(f"{parallel_text}/valid",))
    return prepare(PreprocessSettings(corpus=corpus, out=str(tmp_path_factory.mktemp("prepared"))))


@pytest.fixture(scope="session")
def model_folder(prepared: PreparedCorpus, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model of `prepared` that has learnt it: a few wrong words in a hundred, if any."""
    settings = TrainSettings(
        preset="small",
        network=NetworkSettings(decoder_layers=1, embedding_size=32, hidden_size=64, dropout=0.1, lexical=True),
        out=str(tmp_path_factory.mktemp("model") / "en-fr"),
        learning_rate=0.01,
        batch_tokens=600,
        updates=200,
        valid_every=100,
        device="cpu",
        precision="float32",
        threads=1,  # its products are small: two threads would only wait for each other
    )
    return train(settings, prepared).folder
