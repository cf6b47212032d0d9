"""The command line: which commands there are, and what an error looks like.

Exit codes: 0 done, 1 error (a missing file too), 2 usage, 3 the data is invalid, 4 it ended with the kill
switch on, 130 interrupted.
"""

from __future__ import annotations

import io
import sys
import traceback
import warnings
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from importlib import import_module
from typing import Annotated, Any, NoReturn

import typer
from typer.core import TyperGroup

from quantumtrader import __version__
from quantumtrader.cli import later
from quantumtrader.cli.choices import SUMMARIES, Command, epilog
from quantumtrader.exceptions import DataAccessError, DataError, QuantumTraderError, TradingHaltedError

_UsageError: type[Exception] = typer.BadParameter.__mro__[
    1
]  # typer brings its own copy of click and does not export it
INTERRUPTED = 130

COMMANDS = {
    "demo": "demo",
    "replay": "replay",
    "import": "import_",
    "validate": "validate",
    "report": "report",
    "label": "label",
    "collect": "collect",
    "run": "run",
    "gateway": "gateway",
    "doctor": "doctor",
}
"""Command to its module in this package; each module has a function ``command``, whose help is its docstring."""

FEATURE_COMMANDS = {"compute": "features_compute", "check": "features_check", "plot": "features_plot"}
"""The same for the commands of ``features`` that have a module; ``list`` and ``show`` stand here."""

EVALUATE_COMMANDS = {"detectors": "evaluate_detectors", "forms": "evaluate_forms", "model": "evaluate_model"}
"""The same for the commands of ``evaluate``."""

FIT_COMMANDS = ("microprice", "pin", "vpin")
"""The commands of ``fit``: functions of the module of that name."""

MODEL_COMMANDS = {
    "list": "list_models",
    "show": "show",
    "verify": "verify",
    "promote": "promote",
    "rollback": "rollback",
    "retire": "retire",
}
"""The commands of ``models``, and their functions in the module of that name; ``observe`` has a module."""

TRAIN_COMMANDS = ("tick", "book", "dual")
"""The commands of ``train``: functions of the module of that name."""

CREDENTIAL_COMMANDS = ("set", "show")
"""The commands of ``credentials``."""


def exit_code(error: BaseException) -> int:
    """Return the exit code of an error."""
    if isinstance(error, DataError) and not isinstance(error, DataAccessError):
        return 3
    if isinstance(error, _UsageError):
        return 2
    return 4 if isinstance(error, TradingHaltedError) else 1


def report(error: Exception, *, as_json: bool) -> None:
    """Say what went wrong: a few words on standard error, or a JSON document on standard output."""
    text = str(error).strip() or type(error).__name__
    if isinstance(error, _UsageError):
        text = error.format_message()  # type: ignore[attr-defined]
    elif not isinstance(error, (QuantumTraderError, OSError)):
        what = " ".join(str(error).split())
        name = type(error).__name__
        text = f"internal error: {name}{f': {what}' if what else ''}; run with --debug and report it"
    if not as_json:
        sys.stderr.write(f"{text}\n" if text.startswith("internal error") else f"error: {text}\n")
        return
    from quantumtrader.cli.output import print_json

    detail: dict[str, Any] = {"type": type(error).__name__, "message": text, "exit_code": exit_code(error)}
    if isinstance(error, DataError):
        detail |= {"path": error.path, "line": error.line, "remedy": error.remedy}
    print_json({"error": detail})


class CommandGroup(TyperGroup):
    """Turns expected errors into one clear line and an exit code."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Remember whether the command was asked for JSON: its errors are JSON as well."""
        ctx.meta["quantumtrader.json"] = "--json" in args
        try:
            return list(super().parse_args(ctx, args))
        except _UsageError as error:
            self._fail(ctx, error)

    def invoke(self, ctx: Any) -> Any:
        """Run the command; see :func:`exit_code` for what an error leads to."""
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt as error:
            sys.stderr.write("interrupted\n")
            raise typer.Exit(INTERRUPTED) from error
        except (typer.Exit, typer.Abort, BrokenPipeError):
            raise
        except Exception as error:  # the last line of defence: nobody above turns it into words
            self._fail(ctx, error)

    def _fail(self, ctx: Any, error: Exception) -> NoReturn:
        as_json = ctx.meta["quantumtrader.json"]
        if isinstance(error, _UsageError) and not as_json:
            raise error  # typer shows it with the usage of the command
        if ctx.params.get("debug") and not isinstance(error, _UsageError):
            traceback.print_exc()
        report(error, as_json=as_json)
        raise typer.Exit(exit_code(error)) from error


app = typer.Typer(
    name="quantumtrader",
    cls=CommandGroup,
    help="Order-flow trading for B3's WDO and WIN futures: import, validate, replay, report.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(shown: bool) -> None:
    if shown:
        typer.echo(f"quantumtrader {__version__}")
        raise typer.Exit


@app.callback()
def options(
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")] = False,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and leave.")
    ] = False,
) -> None:
    """Take the options that stand before the command; ``CommandGroup`` reads them."""


@app.command("version", cls=Command, epilog=epilog("version"))
def version_command(
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Print the version and the engine in force."""
    from quantumtrader import _backend

    if as_json:
        from quantumtrader.cli.output import print_json

        print_json({"version": __version__, "engine": _backend.engine().name})
    else:
        typer.echo(f"quantumtrader {__version__} ({_backend.engine().name} engine)")


def features_list(
    family: Annotated[str | None, typer.Option(help="Only this family.")] = None,
    set: Annotated[str | None, typer.Option("--set", help="Only this set.")] = None,
    search: Annotated[
        str | None, typer.Option(help="Only with this text in name, alias, definition or source.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """List the features of the catalogue."""
    from quantumtrader.cli.features import show

    show(family, set, search, as_json=as_json)


def features_show(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Feature, by its name or an alias.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Show everything about one feature."""
    from quantumtrader.cli.features import show_one

    show_one(name, as_json=as_json)


def _module(name: str) -> Any:
    return import_module(f"quantumtrader.cli.{name}")


def _features() -> Iterator[later.Declared]:
    yield "list", features_list, {}
    yield "show", features_show, {}
    yield from _commands(FEATURE_COMMANDS)


def _commands(modules: Mapping[str, str]) -> Iterator[later.Declared]:
    return ((name, _module(module).command, {}) for name, module in modules.items())


def _functions(module: str, functions: Mapping[str, str]) -> Iterator[later.Declared]:
    return ((name, getattr(_module(module), function), {}) for name, function in functions.items())


def _models() -> Iterator[later.Declared]:
    yield from _functions("models", MODEL_COMMANDS)
    yield from _commands({"observe": "models_observe"})


def _credentials() -> Iterator[later.Declared]:
    # An error about an unknown option would repeat it, and it may be a secret.
    private = {"set": {"ignore_unknown_options": True}}
    names = {name: name for name in CREDENTIAL_COMMANDS}
    return ((name, function, private.get(name, {})) for name, function, _ in _functions("credentials", names))


GROUPS: dict[str, tuple[str, Callable[[], Iterator[later.Declared]]]] = {
    "features": ("The feature catalogue, and files of features.", _features),
    "fit": (
        "Fit what features need beforehand, into files for --fitted.",
        lambda: _functions("fit", {name: name for name in FIT_COMMANDS}),
    ),
    "train": (
        "Train models, and say what they are worth.",
        lambda: _functions("train", {name: name for name in TRAIN_COMMANDS}),
    ),
    "models": (
        "Models: which there are, whether they are sound, who may trade.",
        _models,
    ),
    "evaluate": ("What features and models say on real data.", lambda: _commands(EVALUATE_COMMANDS)),
    "credentials": ("The secrets of ProfitDLL's session, in the keyring.", _credentials),
}
"""Group to its help, and to its commands."""


def _command(name: str) -> Any:
    return later.build("", _commands({name: COMMANDS[name]}))


def _group(name: str) -> Any:
    words, declared = GROUPS[name]
    return later.build(f"{name} ", declared(), words)


for _name in COMMANDS:
    later.add(app, _name, SUMMARIES[_name], partial(_command, _name))
for _name, (_words, _) in GROUPS.items():
    later.add(app, _name, _words, partial(_group, _name))


def _one_line(message: Warning | str, *_: object, **__: object) -> str:
    return f"warning: {message}\n"


def _any_encoding() -> None:
    """Let no character that the terminal's encoding lacks end a command: it is shown as ``?``."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")


def main() -> None:
    """Run the command line."""
    _any_encoding()
    warnings.formatwarning = _one_line  # users do not care which line warned
    try:
        app(prog_name="quantumtrader")
    except KeyboardInterrupt:  # while a command is being loaded
        sys.stderr.write("interrupted\n")
        sys.exit(INTERRUPTED)
