"""The processes that make one training together, started by torchrun on any number of hosts.

They all hold the same weights and plan the same batches, share out those of each update, and add up what comes of them.
The first one also reads and writes the model folder, validates, and reports.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from typing import Protocol, TypeVar

import torch
import torch.distributed as dist
from torch import Tensor
from torch.distributed.rendezvous import rendezvous

from mtkit.errors import SettingsError, TrainingError
from mtkit.settings import Device

T = TypeVar("T")

PATIENCE = timedelta(days=7)
"""How long the others wait for the first, which may prepare a corpus. A process that ends ends the wait at once."""


class Counter(Protocol):
    """What `torch.distributed`'s stores have in common, as far as it is asked for here."""

    def add(self, key: str, amount: int) -> int:
        """Add to a number that all processes see, and return what it has become."""
        ...


_store: Counter | None = None
"""Where the processes of this training have met, once they have."""


class Processes:
    """One process by itself, which has nobody to share with: every method does the least it can."""

    rank = 0
    count = 1

    @property
    def is_first(self) -> bool:
        """Whether this is the process that reads, writes, validates and reports."""
        return self.rank == 0

    def share(self, items: Sequence[T]) -> Sequence[T]:
        """Return this process's part; together the processes have all."""
        return items[self.rank :: self.count]

    def first(self, action: Callable[[], T]) -> T:
        """Let the first process do something, and return to all what it returned there: something small."""
        return action()

    def total(self, number: int) -> int:
        """Add up a number over all processes."""
        return number

    def largest(self, number: int) -> int:
        """Return the largest of a number over all processes."""
        return number

    def add_up(self, tensors: Sequence[Tensor]) -> None:
        """Add up tensors of one type over all processes, in place."""

    def copy_from_first(self, tensors: Iterable[Tensor]) -> None:
        """Give all processes what the tensors hold on the first, in place."""


ALONE = Processes()


class JoinedProcesses(Processes):
    """This process among others, met through torch.distributed.

    What lies on the CPU goes by gloo, which fails at once where another process has ended. Each update begins with such
    an exchange, so that no process waits on its GPU for one that is gone.
    """

    def __init__(self) -> None:
        self.rank = dist.get_rank()
        self.count = dist.get_world_size()

    def first(self, action: Callable[[], T]) -> T:
        """See `Processes`."""
        result = [action() if self.is_first else None]
        with _together():
            dist.broadcast_object_list(result, src=0)
        return result[0]  # type: ignore[return-value]

    def total(self, number: int) -> int:
        """See `Processes`."""
        return self._reduced(number, dist.ReduceOp.SUM)

    def largest(self, number: int) -> int:
        """See `Processes`."""
        return self._reduced(number, dist.ReduceOp.MAX)

    def add_up(self, tensors: Sequence[Tensor]) -> None:
        """See `Processes`."""
        together = torch.cat([tensor.flatten() for tensor in tensors])  # one exchange: most weights are small
        with _together():
            dist.all_reduce(together)
        parts = together.split([tensor.numel() for tensor in tensors])
        for tensor, part in zip(tensors, parts, strict=True):
            tensor.copy_(part.view_as(tensor))

    def copy_from_first(self, tensors: Iterable[Tensor]) -> None:
        """See `Processes`."""
        with _together():
            for tensor in tensors:
                dist.broadcast(tensor, src=0)

    def _reduced(self, number: int, operation: dist.ReduceOp.RedOpType) -> int:
        tensor = torch.tensor(number)
        with _together():
            dist.all_reduce(tensor, operation)
        return int(tensor)


@contextmanager
def join(device: Device) -> Iterator[Processes]:
    """Meet the processes that torchrun started with this one; without torchrun it is alone.

    Raises:
        SettingsError: there are more processes on this host than GPUs, or something else than torchrun started them.
    """
    global _store
    if not _is_one_of_many():
        yield ALONE
        return
    if missing := [name for name in ("RANK", "LOCAL_RANK") if name not in os.environ]:
        raise SettingsError(
            f"MASTER_ADDR and WORLD_SIZE are set as for one of several processes, but {missing[0]} is not; start them "
            "with torchrun, or unset WORLD_SIZE to train in one process"
        )
    on_gpu = device != "cpu" and torch.cuda.is_available()
    backends = "cpu:gloo,cuda:nccl" if on_gpu else "cpu:gloo"
    with _together():
        store, rank, count = next(rendezvous("env://", timeout=PATIENCE))
        dist.init_process_group(backends, store=store, rank=rank, world_size=count, timeout=PATIENCE)
        _store = store
    if on_gpu:
        _take_gpu()
    processes = JoinedProcesses()
    yield processes
    # The group is left as it is, and the process ends without tearing it down (see `cli.app`): in torch 2.13 one in ten
    # aborts at that, in a thread of gloo. After an error none waits for the others here: they notice its end.
    processes.total(0)


def may_tell() -> bool:
    """Whether this process is the one that reports what went wrong: one of them does, in whichever it happened.

    Before they meet, that is the first, since all read the same command line; then, whichever asks first.
    """
    if not _is_one_of_many():
        return True
    if _store is None:
        return os.environ.get("RANK", "0") == "0"
    try:
        reports = _store.add("reports", 1)
    except RuntimeError:
        return True  # the process that kept the count is gone, and may not have reported anything
    return bool(reports == 1)


def _is_one_of_many() -> bool:
    return "MASTER_ADDR" in os.environ and os.environ.get("WORLD_SIZE", "1") != "1"


def _take_gpu() -> None:
    local, gpus = int(os.environ["LOCAL_RANK"]), torch.cuda.device_count()
    if local >= gpus:
        raise SettingsError(
            f"there are more processes on this host than its {gpus} GPUs; start one for each with torchrun "
            f"--nproc-per-node {gpus}, or take `device=cpu`"
        )
    torch.cuda.set_device(local)


@contextmanager
def _together() -> Iterator[None]:
    """Turn what goes wrong between processes into one line."""
    try:
        yield
    except RuntimeError as error:
        what = str(error).partition("\n")[0]
        raise TrainingError(
            "another process of this training has ended; start all of them again with `resume=True`, which goes on "
            f"from the last save ({what})"
        ) from error
