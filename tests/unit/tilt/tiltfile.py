"""Runs the Tiltfile in an interpreter of Starlark, and remembers what it asks Tilt for."""

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import starlark
import yaml
from tests.unit.project.machine import REPOSITORY

_PRELUDE: Final = """
config = struct(tilt_subcommand=SUBCOMMAND)
os = struct(path=struct(exists=exists))
TRIGGER_MODE_AUTO, TRIGGER_MODE_MANUAL = "auto", "manual"
"""
_STEPS: Final = ("fall_back_on", "sync", "run", "link", "probe", "http_get_action")
_DECLARED: Final = (
    *("ci_settings", "docker_build", "k8s_resource", "k8s_yaml", "local_resource"),
    *("update_settings", "version_settings"),
)
_EXTENSIONS: Final = {
    "ext://helm_resource": "helm_resource",
    "ext://uibutton": "cmd_button",
}


@dataclass(frozen=True, slots=True)
class Call:
    """A call of one of Tilt's functions."""

    arguments: Sequence[Any]
    options: dict[str, Any]

    @property
    def name(self) -> str:
        """What it is about: the first argument."""
        return str(self.arguments[0])


@dataclass(slots=True)
class Tilt:
    """What the Tiltfile declared."""

    calls: defaultdict[str, list[Call]] = field(default_factory=lambda: defaultdict(list))
    files: list[str] = field(default_factory=list)
    """Files it read."""

    @property
    def resources(self) -> dict[str, dict[str, Any]]:
        """Options of every resource by its name."""
        found: dict[str, dict[str, Any]] = {}
        for kind in ("local_resource", "helm_resource"):
            for call in self.calls[kind]:
                assert call.name not in found, f"two resources are called {call.name}"
                found[call.name] = {**call.options, "kind": kind, "arguments": call.arguments}
        for call in self.calls["k8s_resource"]:
            if "new_name" in call.options:
                found[call.options["new_name"]] = {**call.options, "kind": "k8s_resource"}
            else:
                found[call.name].update(call.options)
        return found

    def before(self, name: str) -> set[str]:
        """Return every resource that has to be ready before this one begins."""
        direct = set(self.resources[name].get("resource_deps", ()))
        return direct.union(*(self.before(each) for each in direct))

    def command(self, name: str) -> list[str]:
        """Return the command that a resource of this machine runs."""
        return list(self.resources[name]["arguments"][1])


def run_tiltfile(subcommand: str = "up") -> Tilt:
    """Run it as `tilt SUBCOMMAND` does.

    Raises:
        starlark.StarlarkError: it is not Starlark, or calls what Tilt does not have.
    """
    tilt = Tilt()
    module = starlark.Module()
    module["SUBCOMMAND"] = subcommand
    for name in _DECLARED:
        module.add_callable(name, _recorder(tilt, name))
    for name in _STEPS:
        module.add_callable(name, _step(name))
    module.add_callable("read_file", _reader(tilt))
    module.add_callable("read_yaml", lambda path: yaml.safe_load(_reader(tilt)(path)))
    module.add_callable("exists", lambda path: (REPOSITORY / path).exists())
    extensions = {}
    for address, name in _EXTENSIONS.items():
        extension = starlark.Module()
        extension.add_callable(name, _recorder(tilt, name))
        extensions[address] = extension.freeze()
    names = starlark.Globals.extended_by([starlark.LibraryExtension.StructType])
    for file, text in (
        ("prelude", _PRELUDE),
        ("Tiltfile", (REPOSITORY / "Tiltfile").read_text()),
    ):
        parsed = starlark.parse(file, text, _dialect())
        starlark.eval(module, parsed, names, starlark.FileLoader(extensions.__getitem__))
    return tilt


def _dialect() -> starlark.Dialect:
    """Return what Tilt's own interpreter takes: no types, no f-strings."""
    dialect = starlark.Dialect.standard()
    dialect.enable_def = True
    dialect.enable_lambda = True
    dialect.enable_load = True
    dialect.enable_top_level_stmt = True
    return dialect


def _recorder(tilt: Tilt, name: str) -> Callable[..., None]:
    def record(*arguments: Any, **options: Any) -> None:
        tilt.calls[name].append(Call(arguments, options))

    return record


def _step(name: str) -> Callable[..., dict[str, Any]]:
    def step(*arguments: Any, **options: Any) -> dict[str, Any]:
        return {"step": name, "arguments": list(arguments), **options}

    return step


def _reader(tilt: Tilt) -> Callable[[str], str]:
    def read(path: str) -> str:
        tilt.files.append(path)
        return (REPOSITORY / path).read_text()

    return read
