import subprocess
import sys
from typing import Final

_LOAD: Final = """
from cardwatch_visualizer import web
import psutil
web._load_code()
print(psutil.Process().num_threads())
"""


def test_what_workers_share_is_loaded_without_threads_that_a_fork_would_lose() -> None:
    loaded = subprocess.run([sys.executable, "-c", _LOAD], capture_output=True, check=True)
    assert loaded.stdout.split() == [b"1"]
