"""A stack in the background, held by a supervisor process; and other processes' view of it."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, Final

import msgspec
import psutil

from cardwatch_local.endpoints import Endpoints
from cardwatch_local.errors import StackError
from cardwatch_local.preflight import check_machine
from cardwatch_local.progress import SilentListener, StepListener
from cardwatch_local.settings import StackSettings
from cardwatch_local.stack_lock import lock_holder, running_already
from cardwatch_local.state import StackState, read_state
from cardwatch_local.steps import StepReplay

_POLL_S: Final = 0.2
_STOP_TIMEOUT_S: Final = 60.0


def connect(settings: StackSettings) -> Endpoints:
    """Return where the running stack of `settings` can be reached.

    Raises:
        StackError: It does not run, or is not ready; the text says what to do.
    """
    state = running_state(settings)
    if state is None:
        raise StackError(
            f"no stack `{settings.name}` is running: start it with `cardwatch up`, "
            "or see it work with `cardwatch demo`"
        )
    if state.status != "ready" or state.endpoints is None:
        raise StackError(
            f"stack `{settings.name}` is {state.status}: "
            "wait until `cardwatch status` shows it ready"
        )
    return state.endpoints


def running_state(settings: StackSettings) -> StackState | None:
    """Return the state of the stack of `settings`, None if it does not run."""
    holder = lock_holder(settings.stack_dir)
    state = read_state(settings.state_file)
    # A file whose writer is not the holder was left by a run that was killed.
    return state if state is not None and state.pid == holder else None


def spawn_detached(settings: StackSettings, listener: StepListener | None = None) -> Endpoints:
    """Start the stack in the background; return once it is ready.

    It goes on after this process ends, until `stop_running` or SIGTERM to its supervisor. If
    this call is interrupted, so is the start.

    Raises:
        StackError: With what kept the stack from starting.
    """
    holder = lock_holder(settings.stack_dir)
    if holder is not None:
        raise running_already(settings.name, holder)
    check_machine(settings)
    supervisor = _spawn(settings)
    try:
        endpoints = _wait_ready(settings, supervisor, StepReplay(listener or SilentListener()))
        supervisor.returncode = 0  # from here on nobody's child: Popen would complain of it
        return endpoints
    except BaseException:
        if supervisor.poll() is None:
            supervisor.terminate()
            supervisor.wait(_STOP_TIMEOUT_S)
        raise


def stop_running(settings: StackSettings, *, timeout_s: float = _STOP_TIMEOUT_S) -> bool:
    """Stop the stack of `settings`, whoever holds it; return whether one was running.

    Raises:
        StackError: It does not end within `timeout_s`.
    """
    holder = lock_holder(settings.stack_dir)
    if holder is None:
        return False
    try:
        os.kill(holder, signal.SIGTERM)
        psutil.Process(holder).wait(timeout_s)
    except (ProcessLookupError, psutil.NoSuchProcess):
        return True
    except psutil.TimeoutExpired:
        raise StackError(
            f"stack `{settings.name}` does not stop within {timeout_s:.0f} s: "
            f"end its process {holder} with `kill -9 {holder}`"
        ) from None
    return True


def supervisor_log(settings: StackSettings) -> Path:
    """Return the supervisor's log file."""
    return settings.logs_dir / "supervisor.log"


def encode_settings(settings: StackSettings) -> str:
    """Return `settings` for the supervisor's command line."""
    return msgspec.json.encode(settings, enc_hook=str).decode()


def decode_settings(text: str) -> StackSettings:
    """Return the settings that `encode_settings` made `text` from."""

    def decode(kind: type, value: Any) -> Any:
        return kind(value)

    return msgspec.json.decode(text, type=StackSettings, dec_hook=decode)


def _spawn(settings: StackSettings) -> subprocess.Popen[bytes]:
    log_file = supervisor_log(settings)
    log_file.parent.mkdir(parents=True, exist_ok=True)
    # -P: modules that lie about in the user's working directory are none of ours.
    command = [sys.executable, "-P", "-m", "cardwatch_local.supervisor"]
    with log_file.open("wb") as log:
        return subprocess.Popen(
            [*command, encode_settings(settings)],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )


def _wait_ready(
    settings: StackSettings, supervisor: subprocess.Popen[bytes], replay: StepReplay
) -> Endpoints:
    while True:
        ended = supervisor.poll() is not None  # looked at first: its last words are then written
        state = read_state(settings.state_file)
        if state is not None and state.pid == supervisor.pid:
            replay.show(state.steps)
            if state.status == "ready" and state.endpoints is not None:
                return state.endpoints
            if state.status == "failed" and ended:
                raise StackError(state.error or "the stack failed to start")
        if ended:
            log = supervisor_log(settings)
            words = log.read_text("utf-8", errors="replace").strip()[-2000:]
            raise StackError(f"the stack's supervisor ended; last lines of {log}:\n{words}")
        time.sleep(_POLL_S)
