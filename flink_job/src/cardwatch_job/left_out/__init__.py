"""Packages that a Python worker does without, so that it starts in half the time.

Apache Beam imports pandas and pymongo wherever they are installed, though no worker of this job
uses them: half of the five seconds of computing that importing it takes, in every worker at every
start of the job. It goes on without them where they cannot be imported; of pymongo it says so, in a
line about `bson`. So whoever starts a worker puts this folder in front of its `PYTHONPATH`.
"""

from pathlib import Path
from typing import Final

FOLDER: Final = Path(__file__).parent
"""Modules by the names of those packages, none of which can be imported."""
