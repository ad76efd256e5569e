"""What a client may rely on about files at the simulated Attio."""

import httpx
import pytest

from support.clients import TLS


@pytest.fixture
async def company(attio: httpx.AsyncClient) -> str:
    made = await attio.post("/v2/objects/companies/records", json={"data": {"values": {"name": ["Acme"]}}})
    return made.json()["data"]["id"]["record_id"]


async def upload(
    client: httpx.AsyncClient, company: str, name: str = "Deck ü.pdf", content: bytes = b"%PDF", **changes: str
) -> httpx.Response:
    data = {"object": "companies", "record_id": company, **changes}
    return await client.post("/v2/files/upload", data=data, files={"file": (name, content, "application/pdf")})


async def test_a_file_is_stored_and_described(attio: httpx.AsyncClient, company: str):
    answer = await upload(attio, company)
    assert answer.status_code == 201
    file = answer.json()["data"]
    assert (file["name"], file["content_type"], file["content_size"]) == ("Deck ü.pdf", "application/pdf", 4)
    assert (file["object_slug"], file["record_id"]) == ("companies", company)
    assert (await attio.get(f"/v2/files/{file['id']['file_id']}")).json()["data"] == file


async def test_a_download_leads_to_a_signed_address_that_needs_no_key(attio: httpx.AsyncClient, company: str):
    content = bytes(range(256)) * 8
    file_id = (await upload(attio, company, content=content)).json()["data"]["id"]["file_id"]
    redirect = await attio.get(f"/v2/files/{file_id}/download")
    assert redirect.status_code == 302
    place = redirect.headers["location"]
    async with httpx.AsyncClient(verify=TLS) as stranger:
        answer = await stranger.get(place)
        assert answer.content == content
        assert answer.headers["content-type"] == "application/pdf"
        assert (await stranger.get(place[:-1] + ("0" if place[-1] != "0" else "1"))).status_code == 403


async def test_the_files_of_a_record_come_in_pages(attio: httpx.AsyncClient, company: str):
    for number in range(5):
        await upload(attio, company, name=f"{number}.txt")
    params, names = {"object": "companies", "record_id": company, "limit": "2"}, []
    while True:
        page = (await attio.get("/v2/files", params=params)).json()
        names.append([file["name"] for file in page["data"]])
        if page["pagination"]["next_cursor"] is None:
            break
        params["cursor"] = page["pagination"]["next_cursor"]
    assert names == [["0.txt", "1.txt"], ["2.txt", "3.txt"], ["4.txt"]]
    for wrong in ({"cursor": "x"}, {"limit": "201"}):
        assert (await attio.get("/v2/files", params={**params, **wrong})).status_code == 400
    assert (await attio.get("/v2/files", params={"object": "companies"})).status_code == 400


async def test_an_upload_that_is_none_is_refused(attio: httpx.AsyncClient, company: str):
    data = {"object": "companies", "record_id": company}
    assert (await attio.post("/v2/files/upload", data=data)).status_code == 400
    assert (await attio.post("/v2/files/upload", json=data)).status_code == 400
    assert (await attio.post("/v2/files/upload", files={"file": b"x"})).status_code == 400
    for changes in ({"record_id": "gone"}, {"object": "nothing"}, {"parent_folder_id": company}):
        assert (await upload(attio, company, **changes)).status_code == 404


async def test_a_file_of_more_than_50_megabytes_is_413(attio: httpx.AsyncClient, company: str):
    answer = await upload(attio, company, content=bytes(50 * 1024 * 1024 + 1))
    assert (answer.status_code, answer.json()["code"]) == (413, "validation_type")


async def test_a_deleted_file_is_gone_and_files_go_with_their_record(attio: httpx.AsyncClient, company: str):
    first, second = [(await upload(attio, company)).json()["data"]["id"]["file_id"] for _ in range(2)]
    assert (await attio.delete(f"/v2/files/{first}")).json() == {}
    for path in (f"/v2/files/{first}", f"/v2/files/{first}/download"):
        assert (await attio.get(path)).status_code == 404
    await attio.delete(f"/v2/objects/companies/records/{company}")
    assert (await attio.get(f"/v2/files/{second}")).status_code == 404
