"""The decomposer's turn: a model writes one call at a time, under the grammar where it takes one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from dagwright.exceptions import ModelAnswerError
from dagwright.llm.gbnf import either, literal
from dagwright.llm.model import Message, Model, ModelRequest
from dagwright.tool import ToolSpec
from decomposer.call import Call, parse_call
from decomposer.grammar import CallGrammar, Rules
from decomposer.grounding import Grounding
from decomposer.scope import Scope

ANSWER = "answer"
"""The word that ends a plan: `answer(s3)`."""
DONE = "done"
"""The word that ends a task: `done()`."""
ATTEMPTS = 3
"""How often a model without grammar may try to write a line that is a call."""
LINE_TOKENS = 220
"""Tokens of the longest line."""


@dataclass(frozen=True, kw_only=True)
class Offer:
    """What the next line may be."""

    operations: dict[str, ToolSpec]
    """By the name that a call uses."""
    scope: Scope
    """What calls may refer to."""
    answerable: tuple[str, ...] = ()
    """Names that `answer(…)` may hold; none means that it is not time to answer."""
    results: frozenset[str] | None = None
    """Names that lists of results may hold; None for any."""
    may_end_task: bool = False
    """Whether `done()` is offered."""
    taken: frozenset[str] = frozenset()
    """Files that are written already."""
    banned: frozenset[str] = frozenset()
    """Lines that must not come again."""

    def only_answer(self) -> Offer:
        """Gives the offer with nothing but `answer(…)`."""
        return replace(self, operations={}, may_end_task=False)


@dataclass(frozen=True, kw_only=True)
class Conversation:
    """Prompt and lines so far; only ever appended to, so that its prefix stays cached."""

    opening: tuple[Message, ...]
    """Rules, operations, worked examples; the last message, and it alone, states the goal."""
    lines: tuple[str, ...] = ()
    own: int = 0
    """How many messages before the last hold plans of the person's own: nothing of them is kept on disk."""


def write_call(
    model: Model,
    conversation: Conversation,
    *,
    label: str,
    offer: Offer,
    grounding: Grounding,
    seed: int = 0,
    temperature: float = 0.0,
) -> tuple[str, Call]:
    """Gives the next line, `{label} = …` without its label, and the call that it holds.

    Raises:
        ModelAnswerError: no line that is a call came within the attempts.
        TransportError: the model cannot be reached.
    """
    problem = ""
    for attempt in range(ATTEMPTS):
        grammar = grammar_of(offer, grounding) if model.accepts_grammar else None
        request = _request(conversation, label, grammar, seed + attempt, temperature or 0.7 * attempt, problem)
        line = _first_line(model.complete(request).text, label)
        try:
            call = parse_call(line, offer.scope)
            check_offered(line, call, offer)
        except ModelAnswerError as error:
            problem = str(error)
            offer = _without(offer, line, grounding) if model.accepts_grammar else offer
            continue
        return line, call
    raise ModelAnswerError(f"no usable line after {ATTEMPTS} attempts; the last problem: {problem}")


def _without(offer: Offer, line: str, grounding: Grounding) -> Offer:
    """Gives an offer without the operation of a line that must not come again, where there is any other."""
    word = line.partition("(")[0]
    if line not in offer.banned or word not in offer.operations:
        return offer
    rest = replace(offer, operations={name: spec for name, spec in offer.operations.items() if name != word})
    return rest if is_open(rest, grounding) else offer


def check_offered(line: str, call: Call, offer: Offer) -> None:
    """Checks that a call is one that was offered.

    Raises:
        ModelAnswerError: it is not; says what was.
    """
    words = [*offer.operations, *([ANSWER] if offer.answerable else []), *([DONE] if offer.may_end_task else [])]
    if call.operation not in words:
        raise ModelAnswerError(f"{call.operation!r} is not offered here; what is: {', '.join(words)}")
    if line in offer.banned:
        raise ModelAnswerError(f"the line {line!r} was there before or is known to fail")


def is_open(offer: Offer, grounding: Grounding) -> bool:
    """Whether there is any line that an offer admits."""
    return any(True for _ in _alternatives(offer, grounding, Rules()))


def grammar_of(offer: Offer, grounding: Grounding) -> str:
    """Gives the GBNF of the next line.

    Raises:
        ModelAnswerError: nothing at all qualifies.
    """
    rules = Rules()
    root = either(_alternatives(offer, grounding, rules))
    if root is None:
        raise ModelAnswerError("no operation of the catalogue fits what is there, and there is nothing to answer with")
    return rules.grammar(f'" " {root} "\\n"')


def _alternatives(offer: Offer, grounding: Grounding, rules: Rules) -> Iterator[str]:
    if offer.answerable:
        name = either(literal(name) for name in offer.answerable) or ""
        yield f'"{ANSWER}(" {name} ( ", " {name} ){{0,5}} ")"'
    if offer.may_end_task:
        yield f'"{DONE}()"'
    for word, spec in offer.operations.items():
        arguments = CallGrammar(
            spec=spec,
            scope=offer.scope,
            grounding=grounding,
            rules=rules,
            taken=offer.taken,
            results=offer.results,
        ).expression()
        if arguments:
            yield f"{literal(word + '(')} {arguments}"


def _request(
    conversation: Conversation, label: str, grammar: str | None, seed: int, temperature: float, problem: str
) -> ModelRequest:
    *before, last = conversation.opening
    if problem:
        last = Message(role=last.role, content=f"{last.content}\n\nYour last line could not be used: {problem}")
    so_far = "".join(f"{line}\n" for line in conversation.lines)
    if grammar is None:
        asked = f"{last.content}\n\nThe plan so far:\n{so_far or '(nothing)'}\nWrite only the next line, `{label} = …`."
        messages = (*before, Message(role=last.role, content=asked))
    else:  # no white space at the end: the model's own next token begins with it
        messages = (*before, last, Message(role="assistant", content=f"{so_far}{label} ="))
    return ModelRequest(
        messages=messages,
        grammar=grammar,
        seed=seed,
        temperature=temperature,
        max_tokens=LINE_TOKENS,
        stop=("\n",) if grammar else (),
        continues=grammar is not None,
        stable=len(before) - conversation.own,
    )


def _first_line(text: str, label: str) -> str:
    lines = [line.strip().strip("`").strip() for line in text.splitlines()]
    written = [line for line in lines if "(" in line]
    line = next((line for line in written if line.startswith(f"{label} ")), written[0] if written else text.strip())
    return line.removeprefix(f"{label} =").partition("  #")[0].strip()
