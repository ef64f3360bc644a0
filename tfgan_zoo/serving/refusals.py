"""What a server answers where it cannot answer: one of gRPC's codes, which REST turns into a status of HTTP."""

HTTP = {  # as TensorFlow Serving maps them
    "INVALID_ARGUMENT": 400,
    "FAILED_PRECONDITION": 400,
    "UNAUTHENTICATED": 401,
    "NOT_FOUND": 404,
    "RESOURCE_EXHAUSTED": 429,
    "INTERNAL": 500,
    "UNIMPLEMENTED": 501,
    "UNAVAILABLE": 503,
    "DEADLINE_EXCEEDED": 504,
}


class Refused(Exception):
    """A request that gets no answer.

    Args:
        code: a name of `HTTP`.
        message: one line, for the client; line breaks and the like, which a request may have brought, become spaces.
        status: of HTTP, where it is not the code's own.
    """

    def __init__(self, code: str, message: str, status: int | None = None):
        message = "".join(letter if letter.isprintable() else " " for letter in message)
        super().__init__(message)
        self.code, self.message, self.status = code, message, status or HTTP[code]
