"""What a whole process is set to: signals, the environment, memory, torch's threads, numbers and random states.

A process belongs to the program that runs in it. The command line is such a program, and sets its own with the
contexts of the first half; Python programs may as well. The library leaves the process as it was: what a call needs
of it lasts for the call (`torch_as_it_was`).
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from types import FrameType

from mtkit.signals import TERMINATING, heeded

_M_TRIM_THRESHOLD, _M_MMAP_MAX = -1, -4
"""As malloc.h of glibc numbers them."""

_ONEDNN_CACHE = "ONEDNN_PRIMITIVE_CACHE_CAPACITY"

_ONNX_MEMORY_IS_SHARED = ContextVar("onnx_memory_is_shared", default=False)


@contextmanager
def exiting_on_termination() -> Iterator[None]:
    """Let SIGTERM and the like end the process as `sys.exit` does, so that drafts are cleaned up.

    For the main thread; signals that are ignored stay so.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def leave(number: int, frame: FrameType | None) -> None:
        raise SystemExit(128 + number)

    before = {number: signal.signal(number, leave) for number in heeded(TERMINATING)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def training_memory() -> Iterator[None]:
    """Have a training's memory used again: what oneDNN compiles, and what the C library is given back.

    oneDNN keeps compiled code for every shape of product it meets, a thousand by default, and batches have many shapes:
    3.6 GB on Multi30k. It meets most of them once an epoch, so keeping fewer costs no time. It looks at the environment
    when it multiplies for the first time, and glibc does not forget: both last, the environment is put back.
    """
    before = os.environ.get(_ONEDNN_CACHE)
    os.environ.setdefault(_ONEDNN_CACHE, "128")
    keep_freed_memory()
    try:
        yield
    finally:
        if before is None:
            os.environ.pop(_ONEDNN_CACHE, None)


def keep_freed_memory() -> None:
    """Let the C library keep what is freed for the tensors to come, where it is glibc; the peak stays the same.

    Else the system clears new pages for the large ones at every update: 3 to 8 % of its time in float32. It lasts as
    long as the process.
    """
    import ctypes  # every command imports this file, and this takes a while

    mallopt = getattr(ctypes.CDLL(None), "mallopt", None) if sys.platform == "linux" else None
    if mallopt:
        mallopt(_M_MMAP_MAX, 0)
        mallopt(_M_TRIM_THRESHOLD, -1)


@contextmanager
def shared_onnx_memory() -> Iterator[None]:
    """Let all graphs that are loaded here take their memory from one place: what one is done with another takes next.

    Beam 5 then has its peak at 202 MB instead of 230 (15.8 M weights). The place itself lasts as long as the process:
    ONNX Runtime has no way to give it up.
    """
    token = _ONNX_MEMORY_IS_SHARED.set(True)
    try:
        yield
    finally:
        _ONNX_MEMORY_IS_SHARED.reset(token)


def onnx_memory_is_shared() -> bool:
    """Whether this is inside `shared_onnx_memory`."""
    return _ONNX_MEMORY_IS_SHARED.get()


@contextmanager
def torch_as_it_was() -> Iterator[None]:
    """Put back at the end what the context may change of torch: its threads, and the states of its random numbers."""
    import torch

    threads, state = torch.get_num_threads(), torch.get_rng_state()
    on_gpu = torch.cuda.is_available() and torch.cuda.is_initialized()
    gpu_states = torch.cuda.get_rng_state_all() if on_gpu else []
    try:
        yield
    finally:
        torch.set_num_threads(threads)
        torch.set_rng_state(state)
        if gpu_states:
            torch.cuda.set_rng_state_all(gpu_states)


@contextmanager
def without_tf32() -> Iterator[None]:
    """Let cuDNN's recurrent layers multiply in float32 as such: by default they round their inputs to 10 bits."""
    import torch

    before = torch.backends.cudnn.allow_tf32
    torch.backends.cudnn.allow_tf32 = False
    try:
        yield
    finally:
        torch.backends.cudnn.allow_tf32 = before
