"""The YAML of `litellm_config.yaml`: its values as JSON could hold them, and the line of each."""

from __future__ import annotations

import errno
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NoReturn

import yaml

from vui_gateway.errors import UserError
from vui_gateway.named_files import read_text

__all__ = ["ConfigError", "Document"]

MAX_CONFIG_VALUES = 1_000_000  # with the repetitions of anchors
# LiteLLM wants text in these; people write digits without quotes.
TEXTS = frozenset(("model_name", "model", "api_key", "api_version", "organization"))
DATE, TEXT = "tag:yaml.org,2002:timestamp", "tag:yaml.org,2002:str"
NUMBERS = ("tag:yaml.org,2002:int", "tag:yaml.org,2002:float")

# By a part of YAML's words.
CURES = {
    "\\t": "Write spaces, no tab.",
    "another document": "It is a second document: remove the line `---` and what doesn't belong.",
    "constructor for the tag": "A word with `!` is a tag, which has no meaning here: write text, "
    "or os.environ/ and a variable's name.",
}
SYNTAX_CURE = "Check the indentation and quotes there."


class ConfigError(UserError):
    """The file can't be used; the message gives file, line, what is wrong, and the cure.

    also: more that is wrong, for the log.
    """

    def __init__(
        self, place: str, wrong: str, cure: str, spoken: str = "", also: Iterable[str] = ()
    ) -> None:
        line = place.rpartition(":")[2]
        what = f"Line {line} of the model file" if line.isdigit() else "The model file"
        said = f"{what} can't be used: {spoken or wrong}. {cure}"
        super().__init__(" ".join([f"{place}: {wrong}. {cure}", *also]), said)


class _Loader(yaml.SafeLoader):
    """Dates are text, and so are the digits of TEXTS, as they are written."""

    def construct_mapping(self, node: Any, deep: bool = False) -> dict:
        for key, value in node.value if isinstance(node, yaml.MappingNode) else ():
            if isinstance(key, yaml.ScalarNode) and key.value in TEXTS and value.tag in NUMBERS:
                value.tag = TEXT
        return super().construct_mapping(node, deep)


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in found if tag != DATE]
    for first, found in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


class Document:
    """One file.

    Attributes:
        values: its mapping. A key is text; what would hold itself is empty there.
        twice: a sentence for each key that a mapping has a second time.
        anchors: the keys at the top whose values, or parts of them, stand elsewhere, too.

    Raises:
        ConfigError: it can't be read, or is no mapping.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._root: yaml.Node | None = None
        self.twice: list[str] = []
        self.anchors: set[str] = set()
        values = self._read()
        if not isinstance(values, dict):
            wrong = "it is no mapping of settings" if values else "it is empty"
            self.fail(wrong, "Begin it with model_list: and a model below.")
        self.values: dict[str, Any] = values

    def place(self, *steps: str | int) -> str:
        """File and line of a value."""
        return f"{self.path}:{_line(self._root, steps)}"

    def fail(self, wrong: str, cure: str, *steps: str | int) -> NoReturn:
        """Refuse the file for one of its values."""
        raise ConfigError(self.place(*steps), wrong, cure)

    def _read(self) -> Any:
        try:
            loader = _Loader(read_text(self.path))
            self._root = loader.get_single_node()
            self.twice = [
                f"{self.path}:{key.start_mark.line + 1}: {key.value} stands there twice, the last "
                "one counts. Remove one of them."
                for key in _twice(self._root, set())
            ]
            self.anchors = _anchors(self._root)  # constructing it merges them
            values = loader.construct_document(self._root) if self._root else None
            return _plain(values, {})[0]
        except ConfigError:
            raise
        except UnicodeDecodeError as error:
            self.fail(f"not UTF-8 text ({error.reason})", "Save it as UTF-8.")
        except FileNotFoundError:
            cure = "Write one, or restore it, beside .env."
            raise ConfigError(str(self.path), "there is no such file", cure) from None
        except IsADirectoryError:
            cure = "Remove it, and put the file there."
            raise ConfigError(str(self.path), "it is a folder", cure) from None
        except OSError as error:
            if error.errno == errno.EFBIG:
                self.fail("the file is larger than 1 MB", "Is it the right file?")
            cure = "Let the owner of its folder read it."
            self.fail(f"it can't be read ({error.strerror})", cure)
        except yaml.MarkedYAMLError as error:
            line = error.problem_mark.line + 1 if error.problem_mark else 1
            problem = " ".join(filter(None, (error.context, error.problem)))
            # A credential that begins with `*`, `&` or `!` would be quoted.
            problem = re.sub(r"'[^'<]{6,}'", "'…'", problem)
            cure = next((cure for part, cure in CURES.items() if part in problem), SYNTAX_CURE)
            spoken = "it is no valid YAML"
            raise ConfigError(f"{self.path}:{line}", problem, cure, spoken) from error
        except (yaml.YAMLError, ValueError, RecursionError) as error:
            cure = "Compare with the file in the repository."
            self.fail(f"not YAML ({str(error).splitlines()[0]})", cure)


def _twice(node: yaml.Node | None, seen: set[int]) -> Iterator[yaml.ScalarNode]:
    """The keys of mappings that stand there again."""
    if node is None or id(node) in seen:
        return
    seen.add(id(node))
    if isinstance(node, yaml.MappingNode):
        keys = set[str]()
        for key, value in node.value:
            if isinstance(key, yaml.ScalarNode) and key.value != "<<":
                if key.value in keys:
                    yield key
                keys.add(key.value)
            yield from _twice(value, seen)
    elif isinstance(node, yaml.SequenceNode):
        for one in node.value:
            yield from _twice(one, seen)


def _anchors(root: yaml.Node | None) -> set[str]:
    """The keys of a mapping whose values share nodes with others of it."""
    found: set[str] = set()
    owner: dict[int, str] = {}
    for key, value in root.value if isinstance(root, yaml.MappingNode) else ():
        left = [value]
        while left:
            node = left.pop()
            if id(node) in owner:
                found |= {owner[id(node)], str(key.value)}
                continue
            owner[id(node)] = str(key.value)
            for one in node.value if isinstance(node, yaml.CollectionNode) else ():
                left += one if isinstance(one, tuple) else [one]
    return found


def _plain(value: Any, seen: dict[int, tuple[Any, int]]) -> tuple[Any, int]:
    """The value as JSON could hold it, and the number of values in it.

    seen: the same of each list and mapping, by its identity.
    """
    if not isinstance(value, dict | list | tuple | set):
        known = value is None or isinstance(value, bool | int | float | str)
        return (value if known else str(value)), 1
    if id(value) in seen:
        return seen[id(value)]
    seen[id(value)] = None, 1  # within itself
    if isinstance(value, dict):
        items = {str(name): _plain(item, seen) for name, item in value.items()}
        plain: Any = {name: item for name, (item, _) in items.items()}
        count = sum(count for _, count in items.values())
    else:
        listed = [_plain(item, seen) for item in value]
        plain, count = [item for item, _ in listed], sum(count for _, count in listed)
    if count > MAX_CONFIG_VALUES:
        raise ValueError("its anchors repeat too much")
    seen[id(value)] = plain, count + 1
    return seen[id(value)]


def _line(node: yaml.Node | None, steps: tuple[str | int, ...]) -> int:
    line = node.start_mark.line + 1 if node else 1
    for step in steps:
        if isinstance(node, yaml.MappingNode):
            found = next((pair for pair in node.value if pair[0].value == step), None)
            if found is None:
                return line
            line, node = found[0].start_mark.line + 1, found[1]
        elif isinstance(node, yaml.SequenceNode) and isinstance(step, int):
            node = node.value[step]
            line = node.start_mark.line + 1
    return line
