"""What is asked, and a check of what the service refuses although its document allows it.

A schema says how one value looks. It cannot say how values belong together, what an opaque text means, or how many bytes a
text has, so a request may be refused for such a rule, and for no other: whoever refuses more has to say so in the document.
"""

import re

import schemathesis

# The field and the words of each rule that a schema cannot say.
BEYOND_A_SCHEMA = [re.compile(rule) for rule in (
    # What is opaque, or has a grammar of its own.
    r"^cursor: ",
    r"^q: ",
    # Several values together.
    r"^(id|video_id|language): is .*, and the path says ",
    r"end_ms: is (\d+, )?before start_ms ",
    r"relations\[\d+\]\.(subject|object): .* is not among the graph's entities",
    r"entities\[\d+\]\.name: .* is there twice",
    r"^channel: a graph has one owner",
    # A merge patch is read together with what is there.
    r"^owner: ",
    # Bytes, which a schema counts as characters, and bounds of a whole.
    r": has \d+ bytes; at most ",
    r": json: ",
    # The last day of the year 9999 has another year somewhere.
    r"timestamp \(unix microseconds\): is ",
    # JSON Schema takes 17.0 for an integer; readers of JSON do not.
    r": invalid type: floating point `-?[0-9.e+]+`, expected [iu]\d+",
)]


@schemathesis.hook
def before_load_schema(context, raw_schema):
    """Takes away the bounds of long lists: 200,000 cues, or a batch of 1,000 videos whose texts are as long as they may be,
    take minutes to make, and say nothing new."""
    waiting = [raw_schema]
    while waiting:
        it = waiting.pop()
        if isinstance(it, dict):
            if isinstance(it.get("maxItems"), int) and it["maxItems"] > 100:
                del it["maxItems"]
            waiting.extend(it.values())
        elif isinstance(it, list):
            waiting.extend(it)


@schemathesis.check
def refused_only_beyond_the_schema(ctx, response, case):
    if response.status_code not in (400, 422) or case.meta is None or not case.meta.generation.mode.is_positive:
        return
    # For a header of which it finds no value, schemathesis sends an empty one, which no header may be here.
    if any(component.mode.is_negative for component in case.meta.components.values()):
        return
    if any(value == "" for value in (case.headers or {}).values()):
        return
    problem = response.json()
    said = f"{problem.get('field', '')}: {problem['detail']}"
    if not any(rule.search(said) for rule in BEYOND_A_SCHEMA):
        raise AssertionError(f"the document allows this, and the service refuses it: {said}")
