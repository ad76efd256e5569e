"""HTTP clients of tests, none of which uses TLS: httpx would load all certificates for each, which takes it 40 ms."""

import ssl

import httpx

TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


def client(url: str, *, api_key: str | None = None, bearer: str | None = None) -> httpx.AsyncClient:
    """Return a client of the server at this URL, that sends a key of Freight's or of a vendor's."""
    headers = {} if api_key is None else {"X-API-Key": api_key}
    if bearer is not None:
        headers["Authorization"] = f"Bearer {bearer}"
    return httpx.AsyncClient(verify=TLS, base_url=url, headers=headers, timeout=30)
