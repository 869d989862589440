"""JSON from files of unknown origin: whatever is wrong with one is one error."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

DEEPEST = 64  # levels of nesting; what we write has six
LARGEST = 256 * 2**20  # bytes


class JsonError(ValueError):
    """A file that is no JSON that could be used: ``problem`` in a few words, and the line where it is known."""

    def __init__(self, problem: str, line: int | None = None) -> None:
        super().__init__(problem if line is None else f"{problem} in line {line}")
        self.problem, self.line = problem, line


def read_json(path: Path) -> Any:
    """The content of a JSON file in UTF-8, with or without a byte order mark; halves of characters become U+FFFD.

    Raises `JsonError` where it cannot be opened, is no JSON, is nested too deeply, or holds a number of thousands of
    digits.
    """
    try:
        if path.stat().st_size > LARGEST:
            raise JsonError(f"is larger than {LARGEST / 2**20:.0f} MiB")
        text = path.read_bytes().decode("utf-8-sig")
        content = json.loads(text)
    except JsonError:
        raise
    except OSError as error:
        raise JsonError(f"cannot be opened ({error.strerror})") from None
    except UnicodeDecodeError:
        raise JsonError("is not in UTF-8") from None
    except RecursionError:
        raise JsonError("is nested too deeply") from None
    except json.JSONDecodeError as error:
        raise JsonError(f"is no JSON ({error.msg})", error.lineno) from None
    except ValueError:
        raise JsonError("holds a number of too many digits") from None
    if _depth(content) > DEEPEST:
        raise JsonError("is nested too deeply")
    return _whole(content) if "\\u" in text else content


def _depth(content: Any) -> int:
    """How many objects and lists lie in each other, at most."""
    depth, level = 0, [content]
    while level := [
        one
        for item in level
        if isinstance(item, dict | list)
        for one in (item.values() if isinstance(item, dict) else item)
    ]:
        depth += 1
        if depth > DEEPEST:
            break
    return depth


def _whole(content: Any) -> Any:
    """With U+FFFD for halves of characters, which nothing could be written with."""
    if isinstance(content, str):
        return content.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if isinstance(content, list):
        return [_whole(one) for one in content]
    if isinstance(content, dict):
        return {_whole(key): _whole(one) for key, one in content.items()}
    return content
