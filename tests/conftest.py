"""Settings of every test."""

import signal

from hypothesis import settings

# Generated examples are not held to a time: a busy machine would fail them at random.
settings.register_profile("cardwatch", parent=settings(), deadline=None)
settings.load_profile("cardwatch")

# A shell lets what it runs in the background ignore Ctrl-C, and whatever that starts as well.
signal.signal(signal.SIGINT, signal.default_int_handler)
