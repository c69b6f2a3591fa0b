"""The demo: the whole pipeline on this machine, watched live and checked at the end."""
