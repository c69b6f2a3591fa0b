"""How well the running job tells fraud: a stream replayed into it, and what came out measured."""
