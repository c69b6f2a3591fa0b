"""Settings of every test."""

from hypothesis import settings

# Generated examples are not held to a time: a busy machine would fail them at random.
settings.register_profile("cardwatch", parent=settings(), deadline=None)
settings.load_profile("cardwatch")
