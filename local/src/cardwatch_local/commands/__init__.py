"""The commands of `cardwatch`, one module a group. Thin: what they do is elsewhere."""
