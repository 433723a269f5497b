"""The memory that processes hold on GPUs, where NVIDIA's library and a GPU are there."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection
from importlib import import_module
from typing import Any

_DRIVER = "/proc/driver/nvidia"

GpuMemory = Callable[[Collection[int]], int]


def gpu_memory(driver: str = _DRIVER) -> GpuMemory | None:
    """Return what tells the bytes that some processes hold on all GPUs; None where none is seen.

    Needs the package `pynvml`, which is used where it is installed beside Falaj.
    """
    if not os.path.exists(driver):
        return None
    try:
        # Imported here: it belongs to who has a GPU.
        library: Any = import_module("pynvml")
        library.nvmlInit()
        count = library.nvmlDeviceGetCount()
        devices = [library.nvmlDeviceGetHandleByIndex(index) for index in range(count)]
    except Exception:
        # Absent, or a driver that does not answer: whatever is wrong with it, tasks run.
        return None

    def held(pids: Collection[int]) -> int:
        total = 0
        for device in devices:
            try:
                users = library.nvmlDeviceGetComputeRunningProcesses(device)
            except library.NVMLError:
                continue
            total += sum(user.usedGpuMemory or 0 for user in users if user.pid in pids)
        return total

    return held if devices else None
