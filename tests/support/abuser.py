"""A client that calls the API without a pause until it is killed, as a process of its own: `abuser.py URL KEY JOB`.

It lists, polls, creates the same job again and sends bodies that cost much to refuse.
"""

import http.client
import json
import sys
import threading
from urllib.parse import urlsplit

AT_ONCE = 8
"""Requests that are under way at once."""

LARGE = json.dumps({"mapping": [[]] * 50_000})
"""What takes long to examine and is wrong."""


def abuse(url: str, key: str, job: str) -> None:
    requests = [
        ("GET", "/api/v1/jobs?limit=100", None),
        ("POST", "/api/v1/jobs", job),
        ("GET", "/api/v1/statistics", None),
        ("POST", "/api/v1/jobs", LARGE),
    ]
    headers = {"X-API-Key": key, "Content-Type": "application/json"}
    address = urlsplit(url)
    connection = http.client.HTTPConnection(str(address.hostname), address.port)
    while True:
        for method, path, body in requests:
            try:
                connection.request(method, path, body, headers)
                connection.getresponse().read()
            except (OSError, http.client.HTTPException):
                connection.close()


if __name__ == "__main__":
    for _ in range(AT_ONCE):
        threading.Thread(target=abuse, args=sys.argv[1:4]).start()
