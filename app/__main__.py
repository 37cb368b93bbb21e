"""The command line: `groundwork`, with one group of commands per package that has a `cli.py`."""

from __future__ import annotations

import ast
import importlib
import os
import sys
from functools import partial
from io import TextIOWrapper
from typing import TYPE_CHECKING, Any

import typer
from pydantic_core import PydanticCustomError
from typer.core import TyperCommand, TyperGroup
from typer.main import get_group

from app import cli as services
from app.logs.failures import ExitCode, explain
from app.packages import ROOT, module_names
from app.processes.command_lines import Process, replace_process
from app.terminal import log_warnings, say_error
from app.values.strict_models import plain_int

if TYPE_CHECKING:
    from collections.abc import Callable

#: Groups whose name is not that of the package they live in.
GROUP_NAMES = {"accounts": "users", "schedule": "schedules", "tokens": "token"}


class LazyGroup(TyperCommand):
    """A group of commands that is imported when it is used, not when the list of groups is shown."""

    def __init__(self, *, name: str, module: str) -> None:
        super().__init__(name, help=_first_line_of(module))
        self._module = module

    def make_context(self, *args: Any, **kwargs: Any) -> Any:
        """The context of the real group, which takes over from here."""
        group = get_group(importlib.import_module(self._module).app)
        group.name = self.name
        _take_plain_numbers(group)
        return group.make_context(*args, **kwargs)


def command_line() -> TyperGroup:
    """All commands."""
    root = get_group(services.app)
    for module in module_names("cli"):
        package = module.split(".")[-2]
        root.add_command(LazyGroup(name=GROUP_NAMES.get(package, package), module=module))
    return root


def _take_plain_numbers(command: Any) -> None:
    """Have a command, and those in it, refuse what Python reads as a number and the API does not: 1_0, +1."""
    for parameter in command.params:
        if parameter.type_descriptor.annotation is int:
            parameter.process_value = partial(_plain_number, parameter, parameter.process_value)
    for inner in getattr(command, "commands", {}).values():
        _take_plain_numbers(inner)


def _plain_number(parameter: Any, process: Callable[..., Any], context: Any, value: Any) -> Any:
    try:
        return process(context, plain_int(value))
    except PydanticCustomError as error:
        raise typer.BadParameter(f"{error}.", ctx=context, param=parameter) from None


def run(arguments: list[str], *, commands: TyperGroup | None = None, name: str = "groundwork") -> int:
    """Run one command line; the exit code. What goes wrong as expected is one sentence on standard error."""
    unreadable = [argument for argument in arguments if _is_not_utf8(argument)]
    if unreadable:
        say_error(f"The argument {unreadable[0]!a} is not UTF-8 text. Write it in UTF-8.")
        return ExitCode.BAD_INPUT
    for stream in (sys.stdout, sys.stderr):
        # A terminal that cannot show a character must not end the command.
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="replace")
    try:
        root = commands or command_line()
        _take_plain_numbers(root)
        done = root.main(arguments, prog_name=name, standalone_mode=False)
        sys.stdout.flush()
    except typer.Abort:
        return ExitCode.INTERRUPTED
    except SystemExit as leaving:
        # Typer and Rich both end with 1 when nobody reads the output any more.
        return _broken_pipe() if isinstance(leaving.__context__, BrokenPipeError) else _code_of(leaving.code)
    except BrokenPipeError:
        return _broken_pipe()
    except typer.TyperException as error:
        return _misused(error)
    except Exception as error:
        if _came_of_ctrl_c(error):
            return ExitCode.INTERRUPTED
        failure = explain(error)
        if failure is None:
            raise
        say_error(failure.sentence)
        _drop_output()
        return failure.code
    if isinstance(done, Process):
        # Not above: what happens in a service is for its own log to explain.
        replace_process(done)
    return _code_of(done)


def main() -> None:
    """The entry point of `groundwork`."""
    _fill_standard_streams()
    if not os.environ.get("COLUMNS", "80").isdecimal() or int(os.environ.get("COLUMNS", "80")) < 1:
        del os.environ["COLUMNS"]
    # A service has logs of its own, and starts sooner without what this loads.
    if not services.SERVICE_COMMANDS.intersection(sys.argv[1:2]):
        log_warnings()
    sys.exit(run(sys.argv[1:]))


def _came_of_ctrl_c(error: BaseException) -> bool:
    """Whether Ctrl-C came first: a database driver in mid-statement cannot tidy up after it."""
    before = error.__context__
    return before is not None and (isinstance(before, KeyboardInterrupt) or _came_of_ctrl_c(before))


def _misused(error: typer.TyperException) -> int:
    if sentence := error.format_message():
        say_error(sentence)
    context = getattr(error, "ctx", None)
    if context is not None:
        say_error(f"See: {context.command_path} --help")
    return error.exit_code


def _broken_pipe() -> int:
    _drop_output()
    return ExitCode.BROKEN_PIPE


def _drop_output() -> None:
    """Let what Python still holds back go nowhere; flushing it at exit would fail once more."""
    try:
        sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _fill_standard_streams() -> None:
    """Open what the caller closed: the next file or connection would take its number, and get the output."""
    for number, name, mode in ((0, "stdin", "r"), (1, "stdout", "w"), (2, "stderr", "w")):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)
            # What is printed must not vanish without a word; a service that this turns into may print.
            file = os.open(os.devnull, os.O_RDONLY) if name == "stdout" else number
            setattr(sys, name, open(file, mode, closefd=False))  # noqa: SIM115


def _is_not_utf8(argument: str) -> bool:
    try:
        argument.encode()
    except UnicodeEncodeError:
        return True
    return False


def _code_of(value: object) -> int:
    return value if isinstance(value, int) else ExitCode.OK


def _first_line_of(module: str) -> str | None:
    path = ROOT.parent.joinpath(*module.split(".")).with_suffix(".py")
    docstring = ast.get_docstring(ast.parse(path.read_text()))
    return docstring.splitlines()[0] if docstring else None


if __name__ == "__main__":
    main()
