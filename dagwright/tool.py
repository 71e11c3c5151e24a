"""`ToolSpec`: everything that planner, validator and worker must know about one operation of a tool."""

from __future__ import annotations

import math
from datetime import date
from typing import Annotated, Literal, Self

from pydantic import Field, JsonValue, model_validator

from dagwright.binding import CodeBinding, KafkaBinding, McpBinding, TransformBinding, WorkerBinding
from dagwright.label import FieldLabel, Release
from dagwright.model import Frozen, Interval, JsonSchema, Pointer
from dagwright.predicate import Operator
from dagwright.proposal import Proposal

Role = Literal["data", "control", "sink"]
"""`data`: only processed; `control`: decides what is done; `sink`: decides where something goes."""

Effect = Literal["read", "write", "external", "irreversible"]
"""`read` changes nothing; `write` changes the run's own folder; `external` reaches beyond it;
`irreversible` cannot be undone."""


# ---------------------------------------------------------------- how outputs follow from inputs


class SameRule(Frozen):
    """The output has the schema of argument `of` (filter, sort, drop duplicates …)."""

    rule: Literal["same"] = "same"
    of: str
    """Name of the argument."""
    ordered_by: str | None = None
    """Name of the argument that says by which column the rows of a table are put in order, where they are."""


class ContentRule(Frozen):
    """The output is what lies in the file that argument `of` describes (`x-content`)."""

    rule: Literal["content"] = "content"
    of: str
    """Name of the argument."""
    key: str | None = None
    """Name of the argument whose literal picks one of `x-contents` (a table of a database)."""


class SelectRule(Frozen):
    """A table with only the columns named by argument `columns`."""

    rule: Literal["select"] = "select"
    of: str
    columns: str


class DropRule(Frozen):
    """A table without the columns named by argument `columns`."""

    rule: Literal["drop"] = "drop"
    of: str
    columns: str


class AddRule(Frozen):
    """A table with one more column, named by the literal of argument `column`."""

    rule: Literal["add"] = "add"
    of: str
    column: str
    schema_: JsonSchema = Field(alias="schema")
    """Schema of the new column's values."""


class RenameRule(Frozen):
    """A table with columns renamed by the object literal of argument `mapping` (old: new)."""

    rule: Literal["rename"] = "rename"
    of: str
    mapping: str


class CastRule(Frozen):
    """A table whose columns have the types given by the object literal of argument `types`."""

    rule: Literal["cast"] = "cast"
    of: str
    types: str


class GroupRule(Frozen):
    """A table with the columns of argument `by` and one aggregate column.

    The aggregate column is named `{function}_{value}` (`mean_body_mass_g`); for function `count`,
    or without a value argument, it is `count`. Its type is integer for count and nunique, the
    value column's type for min, max, first and last, else number.
    """

    rule: Literal["group"] = "group"
    of: str
    by: str
    value: str
    function: str


class JoinRule(Frozen):
    """The columns of both tables; those of `right` that clash get the suffix `_right`."""

    rule: Literal["join"] = "join"
    left: str
    right: str
    on: str


class PivotRule(Frozen):
    """The column of argument `index`, then a column per value of argument `columns`.

    The new columns are known where that column's schema has an enum, else the row is open.
    """

    rule: Literal["pivot"] = "pivot"
    of: str
    index: str
    columns: str
    value: str


class FirstRule(Frozen):
    """One row object of table `of`."""

    rule: Literal["first"] = "first"
    of: str


class ElementRule(Frozen):
    """One value of the column of `of` that the literal of argument `column` names."""

    rule: Literal["element"] = "element"
    of: str
    column: str


class ListRule(Frozen):
    """The list of the values of the column of `of` that argument `column` names."""

    rule: Literal["list"] = "list"
    of: str
    column: str


class FileRule(Frozen):
    """A description of a file that holds argument `of`: the declared schema with `x-content` added.

    With `key`, `x-contents` instead: the schema of `of` under the literal of that argument.
    """

    rule: Literal["file"] = "file"
    of: str
    """Name of the argument that is written."""
    key: str | None = None
    """Name of the argument whose literal names the table in the file."""


class ItemRule(Frozen):
    """One item of the list that argument `of` holds."""

    rule: Literal["item"] = "item"
    of: str


class CollectRule(Frozen):
    """The list of what several passes gave, each as argument `of` says."""

    rule: Literal["collect"] = "collect"
    of: str


OutputRule = Annotated[
    SameRule
    | ContentRule
    | SelectRule
    | DropRule
    | AddRule
    | RenameRule
    | CastRule
    | GroupRule
    | JoinRule
    | PivotRule
    | FirstRule
    | ElementRule
    | ListRule
    | FileRule
    | ItemRule
    | CollectRule,
    Field(discriminator="rule"),
]
"""How one output's schema follows from the arguments' schemas and literals: a closed set."""


# ------------------------------------------------------------------------------------ bindings


class PythonBinding(Frozen):
    """A Python function `f(arguments, context) -> outputs`."""

    kind: Literal["python"] = "python"
    callable: str = Field(pattern=r"^[A-Za-z_][\w.]*:[A-Za-z_]\w*$")
    """`package.module:function`."""


class HttpBinding(Frozen):
    """One operation of an HTTP API."""

    kind: Literal["http"] = "http"
    method: Literal["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD"]
    url: str
    """Scheme, host and path; path parameters as `{name}`, filled in percent-encoded."""
    locations: dict[str, Literal["path", "query", "header", "body"]] = Field(default_factory=dict)
    """Where each argument goes; `body` means that the argument is the whole JSON body."""
    credential: str | None = None
    """Name of the credential that the worker resolves; never its value."""
    credential_header: str = "Authorization"
    """Header that carries it."""
    credential_prefix: str = "Bearer "
    """What stands before it in the header."""
    idempotency_header: str | None = None
    """Header that carries the idempotency key of methods that change something; None: `Idempotency-Key`."""


class LlmBinding(Frozen):
    """A quarantined language model step: no tools, a schema for its answer."""

    kind: Literal["llm"] = "llm"
    instruction: str
    """What the model is told; fixed text, the arguments follow as data."""
    max_tokens: int = Field(default=256, ge=1, le=8192)
    """Limit of its answer."""


class HumanBinding(Frozen):
    """A question to the person."""

    kind: Literal["human"] = "human"


class Comparison(Frozen):
    """How an argument of a control operation is judged."""

    op: Operator
    """How it is compared."""
    to: JsonValue = None
    """With what."""


class ControlBinding(Frozen):
    """A decision about a block of steps, made by the guarded worker itself; only `dagwright.control` needs it."""

    kind: Literal["control"] = "control"
    decides: Literal["when", "each", "until", "collect"]
    """`when`: whether the block is run; `each`: once per which item; `until`: whether it was the last pass;
    `collect`: nothing, it gathers what the passes gave."""
    comparisons: tuple[Comparison, ...] = ()
    """For `when` and `until`: one for each argument, in their order; all must hold."""


class ProgramBinding(Frozen):
    """A sub-program: a step that calls it stands for all of the proposal's steps, and never runs itself.

    Arguments take the place of the inputs of the proposal's goal, whose values, texts and limits count for nothing;
    outputs are its answer. `validation.expansion` writes a call out before anything is proven.
    """

    kind: Literal["program"] = "program"
    proposal: Proposal
    """What a call stands for."""


Binding = Annotated[
    PythonBinding
    | HttpBinding
    | LlmBinding
    | HumanBinding
    | ControlBinding
    | TransformBinding
    | WorkerBinding
    | KafkaBinding
    | McpBinding
    | CodeBinding
    | ProgramBinding,
    Field(discriminator="kind"),
]
"""How a worker runs an operation. No language model ever sees it."""

BindingKind = Literal[
    "python", "http", "llm", "human", "control", "transform", "worker", "kafka", "mcp", "code", "program"
]


# ---------------------------------------------------------------------------------------- spec


class Retry(Frozen):
    """When transport fails. Errors of content are never retried."""

    attempts: int = Field(default=1, ge=1, le=20)
    """All attempts together, the first included."""
    delay: float = Field(default=0.5, ge=0)
    """Seconds before the second attempt."""
    factor: float = Field(default=2.0, ge=1)
    """What each further delay is multiplied by."""
    max_delay: float = Field(default=30.0, ge=0)
    """Seconds at most."""

    @property
    def backoff(self) -> tuple[int, bool]:
        """Gives the seconds before the second attempt, and whether each further wait is twice as long.

        This is how engines keep it: whole seconds, rounded up, because Conductor knows no others.
        Doubling that would exceed the longest delay becomes a fixed delay of that length.
        """
        retries = self.attempts - 1
        doubled = self.factor > 1 and retries > 1
        too_long = doubled and math.ceil(self.delay) * 2.0 ** (retries - 1) > self.max_delay
        return math.ceil(self.max_delay if too_long else min(self.delay, self.max_delay)), doubled and not too_long

    @property
    def waits(self) -> tuple[int, ...]:
        """Gives the seconds that engines wait before the second, third … attempt."""
        first, doubled = self.backoff
        return tuple(first * 2**number if doubled else first for number in range(self.attempts - 1))


class RateLimit(Frozen):
    """At most `calls` in each `seconds`."""

    calls: int = Field(ge=1)
    seconds: float = Field(gt=0)


class ToolSpec(Frozen):
    """One operation of one tool: its contract, its effects, its price."""

    tool_name: str = Field(pattern=r"^[A-Za-z][A-Za-z0-9_\-]{0,63}$")
    """The tool."""
    operation: str = Field(pattern=r"^[A-Za-z][A-Za-z0-9_\-]{0,127}$")
    """The operation."""
    version: str = "1"
    """Version of this contract."""
    description: str = Field(max_length=4_000)
    """What it does; the first sentence stands alone."""
    input_schema: JsonSchema
    """JSON Schema of the arguments, an object. A property may say `x-column-of: ARGUMENT` (its
    value, or each of its items or keys, must be a column of that table), `x-column-type: numeric|text|time`
    and `x-value-of: ARGUMENT` (it is compared with the values of the column that ARGUMENT names). For planners,
    `x-cues` gives by value the words of a goal that ask for it, `x-said-by` likewise those without which a value
    is not offered (`un*` for all words that begin so), and `x-ordered: true` says that the order of a table's
    rows matters."""
    output_schema: JsonSchema
    """JSON Schema of the outputs, an object whose properties are the named outputs."""
    output_rules: dict[str, OutputRule] = Field(default_factory=dict[str, OutputRule])
    """Per named output: how its schema follows from the arguments (finer than `output_schema`)."""
    roles: dict[str, Role] = Field(default_factory=dict[str, Role])
    """Role per argument; `data` where nothing is said."""
    effect: Effect
    """What it changes."""
    reads: tuple[str, ...] = ()
    """Resources read, as templates over arguments: `file:{path}`."""
    writes: tuple[str, ...] = ()
    """Resources written, likewise."""
    facts_added: tuple[str, ...] = ()
    """Facts that hold afterwards (templates over arguments allowed)."""
    facts_removed: tuple[str, ...] = ()
    """Facts that no longer hold afterwards."""
    idempotent: bool = True
    """Whether doing it twice is the same as doing it once."""
    compensation: str | None = None
    """`tool.operation` that undoes it."""
    compensation_inputs: dict[str, Pointer] | None = None
    """Where the arguments of the compensation are found: for each a JSON Pointer into
    `{"arguments": …, "outputs": …}` of this operation. Those that are not named here, or all for None, are the
    arguments, else the outputs, of the same name."""
    output_labels: tuple[FieldLabel, ...] = ()
    """Labels of parts of the outputs, joined with those of the data arguments; the most specific
    pattern wins. Without any, outputs have the join of the arguments' labels."""
    releases: tuple[Release, ...] | None = None
    """Parts of the outputs that it endorses or declassifies, where policy allows that or a person approves."""
    cost: Interval | None = None
    """US dollars a call; None is unknown."""
    latency: Interval | None = None
    """Seconds a call; None is unknown."""
    rate_limit: RateLimit | None = None
    """The provider's limit."""
    concurrency: int | None = Field(default=None, ge=1)
    """Calls that the provider takes at a time; None is no limit."""
    max_payload: int | None = Field(default=None, ge=2)
    """Bytes that a call's arguments may have as canonical JSON; None is no limit."""
    quota: int | None = Field(default=None, ge=0)
    """Calls left to this tenant."""
    timeout: float = Field(default=60.0, gt=0)
    """Seconds an attempt may take."""
    retry: Retry = Retry()
    """What happens when transport fails."""
    capabilities: tuple[str, ...] = ()
    """Capability tags."""
    cues: tuple[str, ...] = ()
    """Words that ask for it: where a grammar chooses, it is offered only for a goal that has one of them, that names
    a file of the kind it writes, or, where it only reads, whose likes have called it. Without any it always is."""
    doc_ids: tuple[str, ...] = ()
    """Documents that describe it; `tool:{name}` is always one."""
    valid_from: date | None = None
    """First day on which it may be used."""
    valid_to: date | None = None
    """Day from which it may no longer be used."""
    deprecated: bool = False
    """Whether its provider advises against it."""
    replaced_by: str | None = None
    """`tool.operation` to use instead."""
    binding: Binding
    """How a worker runs it."""

    @model_validator(mode="after")
    def _code_is_guarded(self) -> Self:
        given = isinstance(self.binding, CodeBinding) and self.binding.source is None
        if given and self.roles.get("code") != "control":
            raise ValueError(f"{self.name} runs its argument 'code', so roles must say that it is 'control'")
        return self

    @property
    def name(self) -> str:
        """The full name, `tool.operation`."""
        return f"{self.tool_name}.{self.operation}"

    @property
    def documents(self) -> tuple[str, ...]:
        """Ids of all documents that describe it, its own catalogue entry first."""
        return (f"tool:{self.name}", *self.doc_ids)
