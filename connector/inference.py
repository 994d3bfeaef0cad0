"""The type of every expression, derived from the JSON Schemas on both ends, before anything runs."""

from __future__ import annotations

from dataclasses import replace

from connector.errors import did_you_mean
from connector.evaluate import Tables, equal, text_of
from connector.expression import (
    And,
    Call,
    Compare,
    Current,
    Each,
    Field,
    Filter,
    Index,
    Literal,
    Node,
    Not,
    Or,
    Row,
    Then,
)
from connector.shape import ANY, NULL, UNKNOWN, Finding, Path, Shape, of_value, union, union_of


class Inference:
    """Derives shapes; notes what is wrong, and which paths of the inputs flow into the result."""

    def __init__(self, tables: Tables) -> None:
        self.tables = tables
        self.findings: list[Finding] = []
        self.used: set[Path] = set()

    def shape(self, node: Node, scope: Shape) -> Shape:
        """The shape of an expression's value; the value counts as used."""
        return self._use(self._infer(node, scope))

    def _use(self, shape: Shape) -> Shape:
        if shape.path is not None:
            self.used.add(shape.path)
        return shape

    def _note(self, message: str, hint: str, word: str) -> None:
        finding = Finding(message, hint, word)
        if finding not in self.findings:
            self.findings.append(finding)

    def _infer(self, node: Node, current: Shape) -> Shape:
        match node:
            case Current():
                return current
            case Literal(value):
                return of_value(value)
            case Field(name):
                return self._field(name, current)
            case Index(index):
                if not current.can_be("array"):
                    message = f"[{index}] reads a list; this is {current.describe()}."
                    self._note(message, "Remove it.", f"[{index}]")
                    return UNKNOWN
                return (current.item or UNKNOWN).or_null()
            case Then(left, right):
                return self._infer(right, self._infer(left, current))
            case Each(source, then, flatten):
                return self._projected(source, then, current, flatten=flatten)
            case Filter(source, condition, then):
                return self._projected(source, then, current, condition=condition)
            case Row(fields):
                shapes = {name: self._use(self._infer(inner, current)) for name, inner in fields}
                kinds = frozenset({"object"}) | (NULL if "null" in current.kinds else ANY)
                return Shape(kinds, shapes)
            case Compare(operator, left, right):
                self._compared(operator, self._use(self._infer(left, current)), right)
                self._compared(operator, self._use(self._infer(right, current)), left)
                return Shape(frozenset({"boolean"}) | (ANY if operator in {"==", "!="} else NULL))
            case Not(operand):
                self._use(self._infer(operand, current))
                return Shape(frozenset({"boolean"}))
            case Or(left, right):
                one, other = self._infer(left, current).without("null", "false"), self._infer(right, current)
                self._use(one)
                return union(one, self._use(other))
            case And(left, right):
                first, second = self._use(self._infer(left, current)), self._infer(right, current)
                falsy = NULL | (frozenset({"false"}) if first.can_be("boolean") else ANY)
                return replace(second, kinds=second.kinds | falsy, choices=None) if second.kinds else second
            case Call(name, arguments):
                return self._call(name, arguments, [self._use(self._infer(a, current)) for a in arguments])

    def _compared(self, operator: str, shape: Shape, other: Node) -> None:
        """Note a comparison that can have one outcome only."""
        if operator not in {"==", "!="}:
            if not shape.can_be("integer", "number"):
                message = f"`{operator}` compares numbers; this is {shape.describe()}."
                self._note(message, "Compare texts with == or !=.", operator)
            return
        if not isinstance(other, Literal) or other.value is None:
            return
        (kind,) = of_value(other.value).kinds
        kinds = {"integer", "number"} if kind in {"integer", "number"} else {kind}
        value = other.value if isinstance(other.value, str) else text_of(other.value)
        it = ".".join(shape.path) if shape.path else "It"
        if not shape.can_be(*kinds):
            message = f"{it} is {shape.describe()}, which never equals {text_of(other.value)!r}."
            self._note(message, "Compare it with a value that it can have.", value)
        elif shape.choices is not None and not any(equal(other.value, choice) for choice in shape.choices):
            hint = did_you_mean(value, map(text_of, shape.choices))
            self._note(f"{it} is never {text_of(other.value)!r}.", hint, value)

    def _field(self, name: str, current: Shape) -> Shape:
        if not current.can_be("object"):
            hint = (
                f"Write [*].{name} for each item, or [0].{name} for the first."
                if current.can_be("array")
                else "Remove it."
            )
            self._note(f"`.{name}` reads a field; this is {current.describe()}.", hint, name)
            return UNKNOWN
        if current.fields is None:
            return current.rest or UNKNOWN
        if name not in current.fields:
            if current.rest is None:
                self._note(f"There is no field {name!r} here.", did_you_mean(name, current.fields), name)
            return current.rest or UNKNOWN
        field = current.fields[name]
        return field.or_null() if "null" in current.kinds else field

    def _projected(
        self,
        source: Node,
        then: Node,
        current: Shape,
        *,
        flatten: bool = False,
        condition: Node | None = None,
    ) -> Shape:
        items = self._infer(source, current)
        if not items.can_be("array"):
            step = "[?" if condition is not None else "[]" if flatten else "[*]"
            self._note(f"`{step}` reads a list; this is {items.describe()}.", "Remove it.", step)
            return UNKNOWN
        item = items.item or UNKNOWN
        if flatten and item.kinds and item.can_be("array"):
            inner = item.item or UNKNOWN
            item = (
                union(item.without("array", "null"), inner) if item.without("array", "null").kinds else inner
            )
        if condition is not None:
            self._use(self._infer(condition, item))
        value = self._infer(then, item.without("null"))
        if "null" in value.kinds and not isinstance(then, Current) and not value.can_be("array"):
            path = _path_text(then)
            name = path.rsplit(".", maxsplit=1)[-1]
            self._note(
                f"{path!r} may be null, and a list drops its nulls: the positions would shift.",
                f"Keep rows with [].{{{name}: {path}}}, or make it required in the schema.",
                name,
            )
        kinds = frozenset({"array"}) | (NULL if "null" in items.kinds else ANY)
        return Shape(kinds, item=value.without("null"), path=value.path)

    def _call(self, name: str, arguments: tuple[Node, ...], shapes: list[Shape]) -> Shape:
        nullable = NULL if shapes[-1].may_be_null else ANY
        if name == "join":
            item = shapes[1].item or UNKNOWN
            if not shapes[1].can_be("array") or not item.can_be("string"):
                self._note(
                    f"join needs a list of text; this is {_items_of(shapes[1])}.",
                    "Take a text of each item, such as [*].name.",
                    name,
                )
            return Shape(frozenset({"string"}) | nullable)
        if name == "length":
            if not shapes[0].can_be("string", "array", "object"):
                self._note(
                    f"length counts text, a list or an object; this is {shapes[0].describe()}.",
                    "Remove it.",
                    name,
                )
            return Shape(frozenset({"integer"}) | nullable)
        if name == "to_string":
            return Shape(frozenset({"string"}) | nullable)
        if name == "to_number":
            return Shape(frozenset({"number", "null"}))
        if name == "parse_json":
            return UNKNOWN
        if name == "entries":
            pair = {"key": Shape(frozenset({"string"})), "value": UNKNOWN}
            return Shape(frozenset({"array"}) | nullable, item=Shape(frozenset({"object"}), pair))
        if name in {"decode_int8", "decode_bits"}:
            if not shapes[0].can_be("string"):
                self._note(f"{name} reads base64 text.", "Give it a text.", name)
            return Shape(frozenset({"array"}) | nullable, item=Shape(frozenset({"integer"})))
        if name == "contains":
            if not shapes[0].can_be("string", "array"):
                self._note(
                    f"contains looks into text or a list; this is {shapes[0].describe()}.",
                    "Compare with == instead.",
                    name,
                )
            return Shape(frozenset({"boolean"}))
        if name == "lookup":
            table = arguments[0].value if isinstance(arguments[0], Literal) else ""
            if not shapes[1].can_be("string"):
                self._note(f"The key is {shapes[1].describe()}, and keys are text.", "Use to_string().", name)
            return union_of(map(of_value, self.tables.get(table, {}).values())).or_null()
        whole = union_of(shapes).without("null")
        return whole.or_null() if all(shape.may_be_null for shape in shapes) else whole


def _path_text(node: Node) -> str:
    match node:
        case Field(name):
            return name
        case Then(left, right):
            return f"{_path_text(left)}.{_path_text(right)}"
        case _:
            return "x"


def _items_of(shape: Shape) -> str:
    items = (shape.item or UNKNOWN).describe()
    return f"a list, each item {items}" if shape.can_be("array") else shape.describe()
