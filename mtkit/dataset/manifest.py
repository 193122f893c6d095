"""What `manifest.json` holds: the description of a prepared corpus, read and written."""

from __future__ import annotations

import errno
import re
from codecs import BOM_UTF8
from pathlib import Path
from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct

from mtkit.corpus.report import CleaningReport
from mtkit.corpus.selection import FileEntry
from mtkit.errors import PreparedError
from mtkit.model_folder import LANGUAGE, SidesVariants, check_vocabulary_names
from mtkit.settings import CorpusSettings
from mtkit.storage import find_again
from mtkit.text.normalisation import NEWEST_RULE

MANIFEST = "manifest.json"
FORMAT_VERSION = 2
"""2 records the rule of normalisation, and variants; manifests of format 1 are of rule 1."""
READABLE = (1, FORMAT_VERSION)

_LIMITS = {
    errno.EMFILE: "this process has as many files open as it may; raise the limit with ulimit -n",
    errno.ENFILE: "the system has as many files open as it may; close some programs",
    errno.ENOMEM: "the system maps no more files or has no more memory; see ulimit -v and vm.max_map_count",
}
"""Limits of the system, which do not mean that the folder is damaged: what each one is, and what to do."""


class SplitEntry(Struct, frozen=True, forbid_unknown_fields=True):
    """The pairs of a split: where they came from, what was dropped, and what they amount to in ids."""

    inputs: tuple[FileEntry, ...]
    cleaning: CleaningReport
    shards: tuple[FileEntry, ...]
    pairs: int
    src_tokens: int
    tgt_tokens: int


class Manifest(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All that `manifest.json` holds. Its `corpus` leaves out paths and their columns: a folder can be moved."""

    format_version: int = FORMAT_VERSION
    mtkit: str
    src_lang: str
    tgt_lang: str
    seed: int
    corpus: CorpusSettings
    normalisation: Annotated[int, Meta(ge=1, le=NEWEST_RULE)] = 1
    variants: SidesVariants = ({}, {})
    """As in a model's `config.json`."""
    held_out: int
    vocabularies: tuple[FileEntry, ...]
    train: SplitEntry
    valid: SplitEntry


class Header(Struct):
    """What a manifest of any format version begins with."""

    format_version: int
    mtkit: str


def read_header(path: Path) -> Header:
    """Read what manifests of all formats share; raises PreparedError where the folder is not a prepared corpus."""
    find_again(path)
    try:
        return msgspec.json.decode((path / MANIFEST).read_bytes().removeprefix(BOM_UTF8), type=Header)
    except (OSError, UnicodeDecodeError, msgspec.MsgspecError, RecursionError) as error:
        check_limit(path, error)
        raise PreparedError(f"{path}: not a prepared corpus; prepare one first (mtkit preprocess)") from error


def check_limit(path: Path, error: BaseException) -> None:
    """Raise PreparedError where it is a limit of the system that an error comes of, not the folder."""
    cause = error.__cause__ or error
    if isinstance(cause, OSError) and cause.errno in _LIMITS:
        raise PreparedError(f"{path}: cannot be opened: {_LIMITS[cause.errno]}") from error


def read_manifest(path: Path) -> Manifest:
    """Read the manifest of a folder; raises PreparedError where it cannot be read."""
    header = read_header(path)
    if header.format_version not in READABLE:
        raise PreparedError(
            f"{path}: prepared in format {header.format_version} by mtkit {header.mtkit}, but this mtkit reads formats "
            f"{' and '.join(map(str, READABLE))}; run mtkit preprocess again"
        )
    try:
        content = (path / MANIFEST).read_bytes().removeprefix(BOM_UTF8)
        manifest = msgspec.json.decode(content, type=Manifest, dec_hook=_decoded)
        _check(manifest)
        return manifest
    except (ValueError, msgspec.MsgspecError, RecursionError) as error:
        raise PreparedError(f"{path}: damaged manifest ({error}); run mtkit preprocess again") from error


def write_manifest(folder: Path, manifest: Manifest) -> None:
    """Write `manifest.json` into a folder that has everything else."""
    content = msgspec.json.encode(manifest, enc_hook=_encoded)
    (folder / MANIFEST).write_bytes(msgspec.json.format(content) + b"\n")


def _encoded(value: object) -> dict[str, int]:
    if isinstance(value, CleaningReport):
        return value.counts
    raise NotImplementedError(f"no form in JSON for {type(value)}")


def _decoded(kind: type, value: Any) -> CleaningReport:
    if kind is CleaningReport:
        return CleaningReport.of_counts(msgspec.convert(value, dict[str, int]))
    raise NotImplementedError(f"no {kind} is read from JSON")


def _check(manifest: Manifest) -> None:
    """Raise `ValueError`, naming the field, where a manifest is inconsistent."""
    check_vocabulary_names([entry.name for entry in manifest.vocabularies])
    for entry in manifest.vocabularies:
        _expect(entry.count >= 4, f"vocabularies: {entry.name} has {entry.count} pieces")
    for name in ("src_lang", "tgt_lang"):
        _expect(
            re.fullmatch(LANGUAGE, getattr(manifest, name)), f"{name}: {getattr(manifest, name)!r} is no language code"
        )
    _expect(manifest.held_out >= 0, f"held_out: {manifest.held_out} is negative")
    for name, split in (("train", manifest.train), ("valid", manifest.valid)):
        _check_split(name, split)


def _check_split(name: str, split: SplitEntry) -> None:
    for number, shard in enumerate(split.shards):
        expected = f"{name}-{number:05d}.arrow"
        _expect(shard.name == expected, f"{name}.shards: {shard.name!r} should be {expected}")
        _expect(shard.count >= 1, f"{name}.shards: {shard.name} has {shard.count} pairs")
    total = sum(shard.count for shard in split.shards)
    _expect(split.pairs == total >= 1, f"{name}.pairs: {split.pairs:,}, but {total:,} in its shards")
    for side in ("src_tokens", "tgt_tokens"):
        _expect(getattr(split, side) >= 0, f"{name}.{side}: {getattr(split, side)} is negative")


def _expect(condition: object, message: str) -> None:
    if not condition:
        raise ValueError(message)
