"""Complete answers that no operation gives, but a vendor's gateway, firewall or storage."""

import msgspec

from freight_sandbox.faults import Fault, FaultKind

Headers = list[tuple[bytes, bytes]]
JSON_HEADERS: Headers = [(b"content-type", b"application/json; charset=utf-8")]
HTML_HEADERS: Headers = [(b"content-type", b"text/html; charset=UTF-8")]
XML_HEADERS: Headers = [(b"content-type", b"application/xml")]
BLOCKED = "Sorry, you have been blocked. This website is using a security service to protect itself."
MAINTENANCE = "We are down for maintenance and will be back shortly."


class Answer(msgspec.Struct, frozen=True):
    """A status, a body and headers."""

    status: int
    body: bytes
    headers: Headers


def of_gateway(kind: FaultKind) -> Answer | None:
    """Return the page of the gateway, firewall or storage that shows this kind of fault; None for other kinds."""
    match kind:
        case "html_error":
            return _html(502, "502 Bad Gateway", "502 Bad Gateway")
        case "late_server_error_after_write":
            return _html(504, "504 Gateway Time-out", "504 Gateway Time-out")
        case "html_success" | "storage_html":
            return _html(200, "Maintenance", MAINTENANCE)
        case "html_forbidden":
            return _html(403, "Attention Required! | Cloudflare", BLOCKED)
        case "storage_error":
            return xml_error(200, "SlowDown", "Please reduce your request rate.")
        case _:
            return None


def xml_error(status: int, code: str, message: str) -> Answer:
    """Return an error of the storage."""
    body = f'<?xml version="1.0" encoding="UTF-8"?><Error><Code>{code}</Code><Message>{message}</Message></Error>'
    return Answer(status, body.encode(), XML_HEADERS)


def with_headers(answer: Answer, fault: Fault) -> Answer:
    """Return the answer with the fault's headers, which replace its own of the same names."""
    given = [(name.lower().encode(), value.encode()) for name, value in fault.headers.items()]
    return Answer(answer.status, answer.body, joined(given, answer.headers))


def joined(headers: Headers, further: Headers) -> Headers:
    """Return the headers, with those of the further ones whose names they lack."""
    names = {name.lower() for name, _ in headers}
    return [*headers, *(header for header in further if header[0].lower() not in names)]


def _html(status: int, title: str, text: str) -> Answer:
    body = f"<html><head><title>{title}</title></head><body><h1>{text}</h1></body></html>"
    return Answer(status, body.encode(), HTML_HEADERS)
