"""What schemathesis has to know of this server beside its description."""

import schemathesis
from schemathesis.specs.openapi.checks import positive_data_acceptance

# Refusals of a well-formed start that depend on what is in the world, not on what was sent.
OF_THE_WORLD = {
    "IDEMPOTENCY_MISMATCH",
    "FILE_NOT_FOUND",
    "FILE_OUTSIDE",
    # Dialects are files, and formats and zones of times are words of their own.
    "OPTION_DOES_NOT_FIT",
    # A body without a byte is of any media type.
    "FILE_EMPTY",
}
# What the description of a symbol says in words, because no pattern can: which characters are seen.
SYMBOL = "symbol: expected 1 to 64 printable characters"
# What may be sent here depends on the kind of the operation in the path.
OF_THE_KIND = "/api/v1/operations/{id}/fork"
# Seconds that an answer may be held: a wait may be as long as five minutes.
LONGEST_WAIT = 1


@schemathesis.hook
def before_call(context, case, kwargs):
    wait = (case.query or {}).get("wait")
    try:
        if float(wait) > LONGEST_WAIT and float(wait) <= 300:
            case.query["wait"] = LONGEST_WAIT
    except (TypeError, ValueError):
        pass  # No wait, or none that is a number: it is sent as it is.


@schemathesis.check
def well_formed_requests_are_taken(ctx, response, case):
    """The check of the same purpose, but for what depends on the world."""
    if response.status_code == 422:
        error = response.json()["error"]
        code = error["code"]
        if code in OF_THE_WORLD or (code == "INVALID_PARAMS" and case.operation.path == OF_THE_KIND):
            return None
        if code == "INVALID_PARAMS" and error["message"].startswith(SYMBOL):
            return None
    return positive_data_acceptance(ctx, response, case)
