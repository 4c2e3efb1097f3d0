"""What stands around each function of a plugin: it is named when it fails, and timed on request."""

from __future__ import annotations

import difflib
import inspect
import logging
import time
from collections.abc import Callable, Collection, Generator, Iterable, Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy.exc import SQLAlchemyError

from bakeio_core.errors import BakeioError, PluginError, describe, place_of

READING = ("bakeio_export_records", "bakeio_project_view")
"""The hooks that give batches of records."""
ASKED = (*READING, "bakeio_resolve_references", "bakeio_answer")
"""The hooks called while work is done, whose failure is nobody's but the plugin's."""
LOG = logging.getLogger("bakeio.plugins")
Function = Callable[..., Any]


def guarded(owner: str, hook: str, function: Function, *, is_wrapper: bool) -> Function:
    """Return a plugin's function so that what it raises names the plugin and the hook.

    With the log `bakeio.plugins` at DEBUG each call is told with its time.

    Args:
        owner: What messages call the plugin.
        hook: The name of the hook.
        function: What implements it.
        is_wrapper: Whether it stands around the others.
    """

    def around(*arguments: Any) -> Generator[Any, Any, Any]:
        began = time.perf_counter()
        try:
            return (yield from function(*arguments))
        except SystemExit as error:
            raise _ended(owner, hook) from error
        except Exception as error:
            if hook in ASKED and _is_raised_in(function, error):
                raise _failure(owner, hook, error) from error
            raise
        finally:
            _tell(owner, hook, time.perf_counter() - began, ", with what it stands around")

    def call(*arguments: Any) -> Any:
        began = time.perf_counter()
        try:
            result = function(*arguments)
        except SystemExit as error:
            raise _ended(owner, hook) from error
        except Exception as error:
            if hook in ASKED:
                raise _failure(owner, hook, error) from error
            raise
        if hook in READING and result is not None:
            return _batches(owner, hook, result, time.perf_counter() - began)
        _tell(owner, hook, time.perf_counter() - began)
        return result

    return around if is_wrapper else call


def _batches(owner: str, hook: str, result: Any, took: float) -> Iterator[Any]:
    """Yield the batches a plugin gives, each looked at."""
    if not isinstance(result, Iterable):
        kind = type(result).__name__
        raise PluginError(f"{owner}: {hook} returned {kind}: return batches, lists of records")
    batches, count = iter(result), 0
    while True:
        began = time.perf_counter()
        try:
            batch = next(batches)
        except StopIteration:
            break
        except SystemExit as error:
            raise _ended(owner, hook) from error
        except Exception as error:
            raise _failure(owner, hook, error) from error
        finally:
            took += time.perf_counter() - began
        if not isinstance(batch, Sequence) or isinstance(batch, (str, bytes, Mapping)):
            kind = type(batch).__name__
            raise PluginError(
                f"{owner}: {hook} gave a {kind}, not a batch: yield lists of records, some "
                "hundred at a time"
            )
        count += 1
        yield batch
    _tell(owner, hook, took, f", {count} batches")


def _failure(owner: str, hook: str, error: Exception) -> Exception:
    if isinstance(error, (BakeioError, SQLAlchemyError)):
        return error
    return PluginError(f"{owner}: {hook} failed: {describe(error)}")


def _ended(owner: str, hook: str) -> PluginError:
    """Return what is said of a plugin that would end the program, and the work it is doing."""
    return PluginError(f"{owner}: {hook} ends the program (SystemExit): raise an error instead")


def _is_raised_in(function: Function, error: Exception) -> bool:
    trace, last = error.__traceback__, None
    while trace is not None:
        last, trace = trace.tb_frame.f_code.co_filename, trace.tb_next
    return last == getattr(getattr(function, "__code__", None), "co_filename", "")


def _tell(owner: str, hook: str, seconds: float, more: str = "") -> None:
    if LOG.isEnabledFor(logging.DEBUG):
        LOG.debug("%s: %s %.1f ms%s", owner, hook, seconds * 1000, more)


def refuse_signature(hook: str, function: Function, given: Collection[str]) -> None:
    """Raise where a function cannot be a hook as it is written.

    Args:
        hook: The name of the hook.
        function: What is to implement it.
        given: The parameters bakeio gives.

    Raises:
        PluginError: It wants a parameter that is not given, or it answers for everything.
    """
    options = getattr(function, "bakeio_impl", {})
    if inspect.iscoroutinefunction(function):
        raise PluginError(f"{hook} is async, and bakeio awaits nothing{place_of(function)}")
    for name, parameter in inspect.signature(function).parameters.items():
        if name == "self":  # of an object it is bound already
            owner = function.__qualname__.split(".")[0]
            raise PluginError(
                f"{hook} belongs to the class {owner}, and a class is announced, not an object of "
                f"it{place_of(function)}: write plugin = {owner}() below the class, and announce "
                "MODULE:plugin"
            )
        if name not in given and parameter.default is parameter.empty:
            near = difflib.get_close_matches(name, given, 1)
            meant = f"; did you mean {near[0]}?" if near else f": {_listed(given)}"
            raise PluginError(
                f'{hook} takes "{name}", which bakeio does not give{meant}{place_of(function)}'
            )
    is_wrapper = options.get("wrapper") or options.get("hookwrapper")
    if hook in READING and inspect.isgeneratorfunction(function) and not is_wrapper:
        raise PluginError(
            f"{hook} holds a yield, so it answers for every entity and view, with nothing for "
            f"those it does not know{place_of(function)}: return a generator of another function "
            "for yours, and None for the rest"
        )


def _listed(given: Collection[str]) -> str:
    return f"it may take {', '.join(given)}" if given else "it takes none"
