"""What the demo ran on."""

import os
import platform
from typing import Any

import psutil


def describe_machine() -> dict[str, Any]:
    """Return cores, memory (GB), system and Python of this machine."""
    return {
        "cores": os.cpu_count(),
        "memory_gb": round(psutil.virtual_memory().total / 1e9, 1),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
    }
