"""What a training may take of memory, and the settings that fit where it would take more."""

from __future__ import annotations

import resource
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import torch
from msgspec.structs import replace

from mtkit.errors import SettingsError
from mtkit.nn import Seq2Seq
from mtkit.settings import NetworkSettings
from mtkit.training.memory import PROCESS, fixed_memory

_MARGIN = 0.9
"""Share of the limit that advice fills: estimates are rough."""
_FEWEST_TOKENS = 100
"""In a batch; where fewer fit, the network is what is too large."""


def memory_limit(device: torch.device) -> int | None:
    """Return the bytes that a training could take here if nothing else ran, or None where that is not known.

    On a CPU it is the least of what the machine has, what its control groups allow and what the limit on address space
    (`ulimit -v`) leaves; on a GPU what that has.
    """
    if device.type == "cuda":
        _, total = torch.cuda.mem_get_info(device)
        return int(total)
    return min(_cpu_limits(), default=None)


def weights_of(network: NetworkSettings, src_vocab_size: int, tgt_vocab_size: int) -> int:
    """Count the weights that a network will have, without memory for any of them."""
    with torch.device("meta"):
        return sum(weight.numel() for weight in Seq2Seq(network, src_vocab_size, tgt_vocab_size).parameters())


def check_weights(
    network: NetworkSettings, count: Callable[[NetworkSettings], int], limit: int, device: torch.device
) -> None:
    """Raise `SettingsError` where the weights alone, with what Adam keeps of them, are beyond a limit.

    Args:
        network: what is asked for.
        count: returns the weights of a network.
        limit: in bytes.
        device: where the network will be.
    """
    weights = count(network)
    needed = fixed_memory(weights, device)
    if needed > limit:
        raise _refusal(needed, limit, f"{weights:,} weights", smaller_network(network, count, limit, device))


def check_batches(
    needed: int,
    fixed: int,
    limit: int,
    tokens: int,
    otherwise: Callable[[], str],
) -> None:
    """Raise `SettingsError` where a training is beyond a limit with its largest batch.

    Args:
        needed: bytes that it takes at its peak.
        fixed: those of them that do not depend on the batch.
        limit: in bytes.
        tokens: of the largest batch, padding included, on the longer side.
        otherwise: returns advice for where no batch would fit.
    """
    if needed <= limit:
        return
    share = (_MARGIN * limit - fixed) / (needed - fixed)
    fitting = _two_digits(int(tokens * share)) if share > 0 else 0
    advice = f"`batch_tokens={fitting}` fits" if fitting >= _FEWEST_TOKENS else otherwise()
    raise _refusal(needed, limit, f"batches of {tokens:,} tokens", advice)


def smaller_network(
    network: NetworkSettings, count: Callable[[NetworkSettings], int], limit: int, device: torch.device
) -> str:
    """Return the advice to take the largest half, quarter, ... of the hidden size that fits."""
    size = network.hidden_size
    while size > 1:
        size //= 2
        with suppress(SettingsError):
            if fixed_memory(count(replace(network, hidden_size=size)), device) <= _MARGIN * limit:
                return f"`hidden_size={size}` fits"
    return "choose a smaller network"


def _refusal(needed: int, limit: int, what: str, advice: str) -> SettingsError:
    return SettingsError(
        f"training with {what} needs about {_gigabytes(needed)} of memory, and there are {_gigabytes(limit)} in all; "
        f"{advice}, or insist with `force_memory`"
    )


def _cpu_limits() -> Iterator[int]:
    """Yield what the machine has, and each limit on it that is set."""
    with suppress(OSError, ValueError):
        for line in Path("/proc/meminfo").read_text().splitlines():
            if line.startswith("MemTotal:"):
                yield 1024 * int(line.split()[1])
    for file in ("memory.max", "memory/memory.limit_in_bytes"):  # of the container; else missing, max or very large
        with suppress(OSError, ValueError):
            yield int((Path("/sys/fs/cgroup") / file).read_text())
    address_space, _ = resource.getrlimit(resource.RLIMIT_AS)
    if address_space != resource.RLIM_INFINITY:
        with suppress(OSError, ValueError, IndexError):
            taken = resource.getpagesize() * int(Path("/proc/self/statm").read_text().split()[0])
            yield round(PROCESS["cpu"] + max(0, address_space - taken))  # libraries take address space beyond memory


def _two_digits(number: int) -> int:
    """Round a number down to two digits and zeros."""
    power: int = 10 ** max(0, len(str(number)) - 2)
    return number // power * power


def _gigabytes(memory: int) -> str:
    return f"{memory / 1e9:,.1f} GB"
