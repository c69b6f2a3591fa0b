"""Ports on this machine's loopback interface."""

import errno
import random
import socket
from typing import Final

LOOPBACK: Final = "127.0.0.1"
_NOT_HANDED_OUT: Final = range(20_000, 32_000)
"""Outside of what operating systems give to who asks for any port."""


def free_ports(count: int) -> list[int]:
    """Return `count` different ports that nobody listens on right now."""
    sockets = [socket.socket() for _ in range(count)]
    try:
        for sock in sockets:
            sock.bind((LOOPBACK, 0))
        return [sock.getsockname()[1] for sock in sockets]
    finally:
        for sock in sockets:
            sock.close()


def free_port_range(count: int) -> range:
    """Return `count` ports in a row that nobody listens on right now.

    They stay so: who asks the operating system for any port gets none of these.
    """
    while True:
        first = random.randrange(_NOT_HANDED_OUT.start, _NOT_HANDED_OUT.stop - count)
        ports = range(first, first + count)
        if not any(map(is_taken, ports)):
            return ports


def is_listening(port: int, timeout_s: float = 0.5) -> bool:
    """Return whether something accepts connections on `port`."""
    try:
        socket.create_connection((LOOPBACK, port), timeout=timeout_s).close()
    except OSError:
        return False
    return True


def is_taken(port: int) -> bool:
    """Return whether a server could not listen on `port`."""
    with socket.socket() as sock:
        # Servers set this too: connections in TIME_WAIT do not take a port.
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            sock.bind((LOOPBACK, port))
        except OSError as error:
            return error.errno in (errno.EADDRINUSE, errno.EACCES)
    return False
