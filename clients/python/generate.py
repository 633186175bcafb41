"""Makes practice_client/api from the descriptions of the APIs: `python generate.py DESCRIPTIONS DIRECTORY`.

Models come from datamodel-code-generator. Operations become methods here, for the generators at hand write
functions that return errors, one file for each operation, and know nothing of keys, pages and streams.
"""

from __future__ import annotations

import json
import keyword
import re
import sys
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from datamodel_code_generator.__main__ import main as make_models

# What each API is called in the client, and its description.
APIS = {name: name for name in ("exercises", "portal", "yoga", "focus", "design")} | {"v1": "canonical"}
MODELS = (
    *("--input-file-type", "openapi", "--output-model-type", "pydantic_v2.BaseModel"),
    *("--base-class", "practice_client._model.Model", "--target-python-version", "3.11"),
    *("--use-standard-collections", "--use-union-operator", "--enum-field-as-literal", "all"),
    *("--use-schema-description", "--use-inline-field-description", "--disable-timestamp"),
    *("--formatters", "builtin"),
)
# What the platform checks is not checked before it does: a rule may change with the platform.
_RULES = {
    *("pattern", "minLength", "maxLength", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"),
    *(
        "minItems",
        "maxItems",
        "uniqueItems",
        "examples",
        "readOnly",
        "writeOnly",
        "format",
        "default",
        "const",
    ),
}
_DURATION = {"customTypePath": "practice_client._model.Duration"}
_LINES = "application/x-ndjson"
_STREAMS = {_LINES, "text/event-stream"}
# What a description says of an operation that has several paths.
_SAME = re.compile(r"The same as `(\w+)`, by another path")
_OWN = {"self", "idempotency_key", "deadline"}
_PLAIN = {"string": "str", "integer": "int", "number": "float", "boolean": "bool", "null": "None"}
_HEAD = '''"""{title}: a method for each operation. Made from the description of the API."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Literal

from practice_client import _pages
from practice_client._transport import AsyncTransport, Call, Transport, segment
from practice_client.api import {name}_models as models
'''


class Schemas:
    """The schemas of a document as the client sees them: without rules, and open to values to come."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        self._all = document["components"]["schemas"]

    def models(self) -> dict[str, Any]:
        """Returns the schemas that become models."""
        objects = {name: each for name, each in self._all.items() if "enum" not in each and name != "Error"}
        return {name: self.open(each) for name, each in objects.items()}

    def resolve(self, schema: Mapping[str, Any]) -> Mapping[str, Any]:
        """Returns a schema, or the one that it refers to."""
        return self._all[schema["$ref"].rpartition("/")[2]] if "$ref" in schema else schema

    def open(self, schema: Mapping[str, Any]) -> dict[str, Any]:
        """Returns a schema without rules: enums take texts to come, and 64-bit integers are integers."""
        told = {"description": schema["description"]} if "description" in schema else {}
        target = self.resolve(schema)
        if "enum" in target:
            known = {"type": "string", "enum": list(target["enum"])}
            return {**told, "anyOf": [known, {"type": "string"}]}
        if "$ref" in schema:
            return {**told, "$ref": schema["$ref"]}
        if str(schema.get("pattern", "")).endswith("s$"):
            return {**told, "type": "string", **_DURATION}
        if schema.get("format") == "int64":
            return {**told, "type": "integer"}
        opened = {name: each for name, each in schema.items() if name not in _RULES}
        if schema.get("format") in ("date-time", "binary"):
            opened["format"] = schema["format"]
        kinds = schema["type"] if isinstance(schema.get("type"), list) else [schema.get("type")]
        if "number" in kinds:
            # Some identifiers are numbers: 42 stays 42.
            return {**told, "anyOf": [{"type": each} for each in ("integer", *kinds)]}
        if "properties" in opened:
            opened["properties"] = {name: self.open(each) for name, each in opened["properties"].items()}
        for name in ("items", "additionalProperties"):
            if isinstance(opened.get(name), dict):
                opened[name] = self.open(opened[name])
        for name in ("anyOf", "oneOf"):
            kinds = [self.open(each) for each in opened.pop(name, ()) if each.keys() != {"required"}]
            if kinds:
                opened[name] = kinds
        return opened

    def hint(self, schema: Mapping[str, Any], *, sent: bool) -> str:
        """Returns the Python type of a schema."""
        return self._hint(self.open(schema), sent=sent)

    def _hint(self, schema: Mapping[str, Any], *, sent: bool) -> str:  # noqa: PLR0911 - a kind each
        if "$ref" in schema:
            return f"models.{schema['$ref'].rpartition('/')[2]}"
        if "customTypePath" in schema:
            return "timedelta"
        if "enum" in schema:
            return f"Literal[{', '.join(map(repr, schema['enum']))}]".replace("'", '"')
        for name in ("anyOf", "oneOf"):
            if name in schema:
                return " | ".join(self._hint(each, sent=sent) for each in schema[name])
        kind = schema.get("type")
        if isinstance(kind, list):
            return " | ".join(_PLAIN[each] for each in kind)
        if kind == "array":
            return f"{'Sequence' if sent else 'list'}[{self._hint(schema.get('items', {}), sent=sent)}]"
        if kind == "object":
            return "Mapping[str, Any]" if sent else "dict[str, Any]"
        if kind == "string" and "format" in schema:
            return "datetime" if schema["format"] == "date-time" else "bytes"
        return _PLAIN.get(kind, "Any")


@dataclass(frozen=True)
class Argument:
    """An argument of a method: a variable of the path, a parameter of the query or a member of the body."""

    wire: str
    hint: str
    required: bool
    description: str

    @property
    def name(self) -> str:
        """Its name in Python."""
        name = re.sub(r"\W", "_", self.wire)
        return f"{name}_" if keyword.iskeyword(name) or name in _OWN else name

    def declared(self) -> str:
        """Returns it as a method declares it."""
        if self.required:
            return f"{self.name}: {self.hint}"
        hint = self.hint if self.hint == "Any" else f"{self.hint} | None"
        return f"{self.name}: {hint} = None"


class Operation:
    """An operation, with all paths it has."""

    def __init__(self, schemas: Schemas, verb: str, path: str, described: Mapping[str, Any]) -> None:
        self._schemas = schemas
        self.verb = verb.upper()
        self.paths = [path]
        self.described = described
        same = _SAME.search(described["description"])
        self.id = same[1] if same else re.sub(r"^\w+Service_|_\d+$", "", described["operationId"])
        self.name = re.sub(r"(?<!^)(?=[A-Z])", "_", self.id).lower()
        parameters = described.get("parameters", ())
        own = [each for each in parameters if "name" in each]
        self.in_path = [self._argument(each) for each in own if each["in"] == "path"]
        self.query = [self._argument(each) for each in own if each["in"] == "query"]
        content = described.get("requestBody", {}).get("content")
        self.has_body = content is not None
        body = schemas.resolve(content["application/json"]["schema"]) if content else {}
        self.body = [
            Argument(
                name,
                schemas.hint(each, sent=True),
                name in body.get("required", ()),
                each.get("description", ""),
            )
            for name, each in body.get("properties", {}).items()
            if not each.get("readOnly")
        ]
        self.key = ""
        if any("IdempotencyKey" in each.get("$ref", "") for each in parameters):
            self.key = "header"
        for place, arguments in (("query", self.query), ("body", self.body)):
            if self.verb != "GET" and any(each.wire == "request_id" for each in arguments):
                self.key = self.key or place
                arguments[:] = [each for each in arguments if each.wire != "request_id"]

    def _argument(self, parameter: Mapping[str, Any]) -> Argument:
        in_path = parameter["in"] == "path"
        hint = "str | int | float" if in_path else self._schemas.hint(parameter["schema"], sent=True)
        return Argument(parameter["name"], hint, parameter["required"], parameter.get("description", ""))

    @property
    def content(self) -> Mapping[str, Any]:
        """What it answers when it is done, by content type."""
        done = (each for status, each in self.described["responses"].items() if status.startswith("2"))
        return next((each["content"] for each in done if "content" in each), {})

    @property
    def streams(self) -> bool:
        """Whether it is a stream of messages."""
        return bool(_STREAMS & set(self.content))

    @property
    def answer(self) -> str:
        """The type of what it answers, or of each message of a stream."""
        # Events tell what lines tell, which the description says of lines alone.
        told = self.content.get(_LINES) or next(iter(self.content.values()), {})
        schema = told.get("schema", {"type": "object"})
        return "None" if schema == {"type": "object"} else self._schemas.hint(schema, sent=False)

    def also_at(self, path: str) -> None:
        """Adds another path: with fewer variables it is the one for when those are left out."""
        self.paths.append(path)

    @property
    def path(self) -> str:
        """The expression of its path."""
        told = [re.sub(r"\{(\w+)\}", r"{segment(\1)}", path) for path in self.paths]
        written = [f'f"{path}"' if "{" in path else f'"{path}"' for path in told]
        fewer = [place for place, path in enumerate(self.paths) if path.count("{") < self.paths[0].count("{")]
        if not fewer:
            return written[0]
        (left_out,) = self._left_out()
        return f"{written[0]} if {left_out} is not None else {written[fewer[0]]}"

    def _left_out(self) -> Sequence[str]:
        least = min((set(re.findall(r"\{(\w+)\}", path)) for path in self.paths), key=len)
        return [each.name for each in self.in_path if each.wire not in least]

    def arguments(self) -> tuple[list[Argument], list[Argument]]:
        """Returns the positional ones, and those that are named."""
        left_out = self._left_out()
        positional = [each for each in self.in_path if each.name not in left_out]
        optional = [Argument(each.wire, each.hint, False, each.description) for each in self.in_path]
        named = [each for each in optional if each.name in left_out]
        known = {each.name for each in (*positional, *named)}
        rest = [each for each in (*self.query, *self.body) if each.name not in known]
        return positional, [*named, *sorted(rest, key=lambda each: not each.required)]

    def page(self) -> tuple[str, str, str] | None:
        """Returns how its pages are turned, the argument that tells the place, and the type of an item."""
        asked = {each.wire for each in self.query}
        schema = next(iter(self.content.values()), {}).get("schema", {})
        target = self._schemas.resolve(schema)
        lists = {
            name: each for name, each in target.get("properties", {}).items() if each.get("type") == "array"
        }
        if target.get("type") == "array":
            lists = {"": target}
        if not self.name.startswith(("list_", "search_", "get_leaderboard")) or len(lists) != 1:
            return None
        ((field, listed),) = lists.items()
        item = self._schemas.hint(listed["items"], sent=False)
        if "page_token" in asked:
            return f'_pages.by_token("{field}")', "page_token", item
        for offset in ("offset", "skip"):
            if offset in asked:
                return f'_pages.by_offset("{field}")', offset, item
        return (f'_pages.by_last("{field}")', "before", item) if "before" in asked else None

    def methods(self, *, is_async: bool) -> Iterator[str]:
        """Yields its methods: itself, and all pages as one where it has pages."""
        positional, named = self.arguments()
        keyed = ["idempotency_key: str | None = None"] if self.key else []
        own = [] if self.streams else [*keyed, "deadline: float | None = None"]
        call = self._call()
        if self.streams:
            kind = "AsyncIterator" if is_async else "Iterator"
            body = f"return self._calls.watch({call})"
            yield self._method("def", self.name, positional, named, own, f"{kind}[{self.answer}]", body)
            return
        sent = ", ".join((call, "idempotency_key" if self.key else "None", "deadline"))
        wait = "await " if is_async else ""
        body = f"return {wait}self._calls.call({sent})"
        if self.answer == "None":
            body = body.removeprefix("return ")
        yield self._method(
            f"{'async ' if is_async else ''}def", self.name, positional, named, own, self.answer, body
        )
        if (page := self.page()) is not None:
            turn, place, item = page
            shown = [each for each in named if each.wire != place]
            given = [each.name for each in positional] + [f"{each.name}={each.name}" for each in shown]
            fetch = f"lambda place: self.{self.name}({', '.join([*given, f'{place}=place'])})"
            body = f"return _pages.pages{'_async' if is_async else ''}({fetch}, {turn})"
            kind = "AsyncIterator" if is_async else "Iterator"
            name = f"all_{re.sub('^(list|get)_', '', self.name)}"
            yield self._method("def", name, positional, shown, [], f"{kind}[{item}]", body)

    def _call(self) -> str:
        told = [f'"{self.verb}"', self.path]
        if self.answer != "None":
            told.append(self.answer)
        if self.query:
            told.append(f"query={_dictionary(self.query)}")
        if self.has_body:
            told.append(f"body={_dictionary(self.body)}")
        if self.key:
            told.append(f'key="{self.key}"')
        return f"Call({', '.join(told)})"

    def _method(  # noqa: PLR0917 - what a method is made of, in its order
        self,
        define: str,
        name: str,
        positional: Sequence[Argument],
        named: Sequence[Argument],
        own: Sequence[str],
        answer: str,
        body: str,
    ) -> str:
        declared = ["self", *(each.declared() for each in positional)]
        if named or own:
            declared += ["*", *(each.declared() for each in named), *own]
        lines = [f"    {define} {name}(", *(f"        {each}," for each in declared), f"    ) -> {answer}:"]
        text = self.described["description"] if name == self.name else f"All pages of `{self.name}` as one."
        text += "".join(
            f"\n\n{each.name}: {each.description}" for each in (*positional, *named) if each.description
        )
        quoted = text.replace("\\", "\\\\").replace('"""', "'''")
        paragraphs = [textwrap.fill(each, 100) for each in quoted.split("\n\n")]
        docstring = textwrap.indent("\n\n".join(paragraphs), " " * 8).lstrip()
        end = "" if "\n" not in docstring else "\n        "
        return "\n".join([*lines, f'        """{docstring}{end}"""', f"        {body}", ""])


def _dictionary(arguments: Sequence[Argument]) -> str:
    return "{" + ", ".join(f'"{each.wire}": {each.name}' for each in arguments) + "}"


def operations(document: Mapping[str, Any]) -> list[Operation]:
    """Returns the operations of a description, each once."""
    schemas = Schemas(document)
    found: dict[str, Operation] = {}
    for path, verbs in document["paths"].items():
        for verb, described in verbs.items():
            operation = Operation(schemas, verb, path, described)
            if operation.id in found:
                found[operation.id].also_at(path)
            else:
                found[operation.id] = operation
    names = [each.name for each in found.values()]
    assert len(names) == len(set(names)), f"two operations have one name: {names}"
    return list(found.values())


def write_operations(name: str, document: Mapping[str, Any]) -> str:
    """Returns the module of an API: a class that waits, and one for an event loop."""
    title = document["info"]["title"]
    parts = [_HEAD.format(title=title, name=name)]
    found = operations(document)
    for prefix, is_async in (("", False), ("Async", True)):
        parts.append(f'\n\nclass {prefix}{name.capitalize()}:\n    """{title}."""\n\n')
        parts.append(
            f"    def __init__(self, calls: {prefix}Transport) -> None:\n        self._calls = calls\n"
        )
        parts += [f"\n{method}" for each in found for method in each.methods(is_async=is_async)]
    return "".join(parts)


def write_models(document: Mapping[str, Any], target: Path) -> None:
    """Writes the models of an API."""
    schemas = {"openapi": "3.1.0", "info": document["info"], "paths": {}}
    schemas["components"] = {"schemas": Schemas(document).models()}
    opened = target.with_suffix(".json")
    opened.write_text(json.dumps(schemas), encoding="utf-8")
    failed = make_models([*MODELS, "--input", str(opened), "--output", str(target)])
    opened.unlink()
    if failed:
        sys.exit(f"no models for {document['info']['title']}")


def main() -> None:
    """Writes the package."""
    descriptions, directory = Path(sys.argv[1]), Path(sys.argv[2])
    directory.mkdir(parents=True, exist_ok=True)
    for name, described in APIS.items():
        document = json.loads((descriptions / f"{described}.json").read_text(encoding="utf-8"))
        write_models(document, directory / f"{name}_models.py")
        (directory / f"{name}.py").write_text(write_operations(name, document), encoding="utf-8")
    version = document["info"]["version"]
    told = '"""The APIs of the platform, made from their descriptions."""'
    (directory / "__init__.py").write_text(f'{told}\n\nVERSION = "{version}"\n', encoding="utf-8")


if __name__ == "__main__":
    main()
