"""What a small Hugging Face hub answers: the calls by which huggingface_hub makes, fills and reads a repository.

Large files go the way of git-lfs, as they do where Xet is off.
"""

import base64
import hashlib
import json
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.support.hub_content import LARGE, ORG, OWNER, READER, Fault, Files, Handler, Hub, Repository


def reply(request: Handler, value: Any, status: int = 200) -> None:
    send(request, status, json.dumps(value).encode(), {"Content-Type": "application/json"})


def send(request: Handler, status: int, content: bytes, headers: dict[str, str]) -> None:
    request.send_response(status)
    for name, text in {"Content-Length": str(len(content)), **headers}.items():
        request.send_header(name, text)
    request.end_headers()
    if request.command != "HEAD":
        request.wfile.write(content)


def refuse(request: Handler, status: int, code: str = "", message: str = "") -> None:
    told = {"X-Error-Code": code, "X-Error-Message": message}
    send(request, status, b"", {name: text for name, text in told.items() if text})


def allowed(request: Handler, hub: Hub, name: str, write: bool = False) -> Repository | None:
    """The repository, if the token of the request may have it; else the request is refused as a hub does."""
    token = request.headers.get("Authorization", "").removeprefix("Bearer ")
    found = hub.repositories.get(name)
    if token and token not in (OWNER, READER):
        refuse(request, 401, message="Invalid credentials in Authorization header")
    elif found is None or (found.private and token != OWNER):
        refuse(request, 404 if token else 401, "RepoNotFound", "Repository not found")
    elif found.gated and token != OWNER:
        refuse(request, 403, "GatedRepo", "Access to this model is restricted")
    elif write and token != OWNER:
        refuse(request, 403, message="You have no right to write here")
    else:
        return found
    return None


def at(request: Handler, hub: Hub, name: str, revision: str, write: bool = False) -> tuple[str, Files] | None:
    """The commit of a revision, and its files."""
    found = allowed(request, hub, name, write)
    if found is None:
        return None
    commit = found.refs.get(revision, revision)
    if commit not in found.commits:
        refuse(request, 404, "RevisionNotFound", f"Invalid rev id: {revision}")
        return None
    return commit, found.commits[commit]


def create(request: Handler, hub: Hub, body: bytes, fault: Fault | None) -> None:
    said = json.loads(body)
    name = f"{said['organization']}/{said['name']}"
    if request.headers.get("Authorization") != f"Bearer {OWNER}" or said["organization"] != ORG:
        refuse(request, 403, message="You don't have the rights to create a model under this namespace")
    elif name in hub.repositories:
        reply(request, {"url": f"{hub.address}/{name}", "error": "You already created this model repo"}, 409)
    else:
        private = said.get("visibility") == "private" or said.get("private") is True
        hub.holding(name, {".gitattributes": b"*.safetensors filter=lfs"}, private=private)
        reply(request, {"url": f"{hub.address}/{name}"})


def info(request: Handler, hub: Hub, body: bytes, fault: Fault | None, name: str, revision: str | None) -> None:
    if found := at(request, hub, name, revision or "main"):
        commit, files = found
        siblings: list[dict[str, Any]] = [{"rfilename": path} for path in files]
        if "blobs" in parse_qs(urlsplit(request.path).query):
            siblings = [{"rfilename": path, **described(path, content, "blobId")} for path, content in files.items()]
        private = hub.repositories[name].private
        reply(
            request, {"id": name, "modelId": name, "sha": commit, "private": private, "siblings": siblings, "tags": []}
        )


def tree(request: Handler, hub: Hub, body: bytes, fault: Fault | None, name: str, revision: str) -> None:
    if found := at(request, hub, name, revision):
        told = [{"type": "file", "path": path, **described(path, content)} for path, content in found[1].items()]
        reply(request, told)


def described(path: str, content: bytes, blob: str = "oid") -> dict[str, Any]:
    """Size and hashes of a file, as listings have them."""
    found: dict[str, Any] = {"size": len(content), blob: git_hash(content)}
    if path.endswith(LARGE):
        sha = hashlib.sha256(content).hexdigest()
        found["lfs"] = {("sha256" if blob == "blobId" else "oid"): sha, "size": len(content), "pointerSize": 134}
    return found


def git_hash(content: bytes) -> str:
    return hashlib.sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest()


def resolve(request: Handler, hub: Hub, body: bytes, fault: Fault | None, name: str, revision: str, path: str) -> None:
    """A file; of a large one where it lies."""
    found = at(request, hub, name, revision)
    if found is None:
        return
    commit, files = found
    if path not in files:
        refuse(request, 404, "EntryNotFound", "Entry not found")
        return
    content, head = files[path], {"X-Repo-Commit": commit}
    if path.endswith(LARGE):
        sha = hashlib.sha256(content).hexdigest()
        hub.stored[sha] = content
        place = f"{hub.address.replace('127.0.0.1', 'localhost')}/cdn/{path}/{sha}"  # to readers another host
        send(
            request,
            302,
            b"",
            {**head, "Location": place, "X-Linked-Etag": f'"{sha}"', "X-Linked-Size": str(len(content))},
        )
    else:
        give(request, content, {**head, "ETag": f'"{git_hash(content)}"'}, fault)


def stored(request: Handler, hub: Hub, body: bytes, fault: Fault | None, path: str, sha: str) -> None:
    give(request, hub.stored[sha], {"ETag": f'"{sha}"'}, fault)


def give(request: Handler, content: bytes, headers: dict[str, str], fault: Fault | None) -> None:
    """A file, or from where the reader wants to go on."""
    begin = int(request.headers.get("Range", "bytes=0-").removeprefix("bytes=").rstrip("-"))
    if begin:
        headers = {**headers, "Content-Range": f"bytes {begin}-{len(content) - 1}/{len(content)}"}
    if fault:
        fault.act(request, content[begin:])
    else:
        send(request, 206 if begin else 200, content[begin:], headers)


def preupload(request: Handler, hub: Hub, body: bytes, fault: Fault | None, name: str, revision: str) -> None:
    if found := at(request, hub, name, revision, write=True):
        told = []
        for file in json.loads(body)["files"]:
            path, large = file["path"], file["path"].endswith(LARGE)
            there = described(path, found[1][path]) if path in found[1] else {}
            oid = there.get("lfs", {}).get("oid") if large else there.get("oid")
            told.append({"path": path, "uploadMode": "lfs" if large else "regular", "shouldIgnore": False, "oid": oid})
        reply(request, {"files": told})


def batch(request: Handler, hub: Hub, body: bytes, fault: Fault | None, name: str) -> None:
    if allowed(request, hub, name, write=True):
        objects: list[dict[str, Any]] = []
        for wanted in json.loads(body)["objects"]:
            places = {what: {"href": f"{hub.address}/lfs/{what}/{wanted['oid']}"} for what in ("upload", "verify")}
            objects.append({**wanted, **({} if wanted["oid"] in hub.stored else {"actions": places})})
        reply(request, {"transfer": "basic", "objects": objects})


def upload(request: Handler, hub: Hub, body: bytes, fault: Fault | None, sha: str) -> None:
    hub.stored[sha] = body
    reply(request, {})


def verify(request: Handler, hub: Hub, body: bytes, fault: Fault | None, sha: str) -> None:
    whole = hashlib.sha256(hub.stored.get(sha, b"")).hexdigest() == sha
    reply(request, {}, 200 if whole else 422)


def commit(request: Handler, hub: Hub, body: bytes, fault: Fault | None, name: str, revision: str) -> None:
    found = at(request, hub, name, revision, write=True)
    if found is None:
        return
    files, lines = dict(found[1]), [json.loads(line) for line in body.splitlines()]
    header = lines[0]["value"]
    if header.get("parentCommit", found[0]) != found[0]:
        refuse(request, 412, message="A commit has happened since")
        return
    for line in lines[1:]:
        value = line["value"]
        match line["key"]:
            case "file":
                files[value["path"]] = base64.b64decode(value["content"])
            case "lfsFile":
                files[value["path"]] = hub.stored[value["oid"]]
            case "deletedFile":
                del files[value["path"]]
    new = hub.repositories[name].commit(files, header["summary"])
    reply(request, {"commitUrl": f"{hub.address}/{name}/commit/{new}", "commitOid": new, "success": True})


def validate(request: Handler, hub: Hub, body: bytes, fault: Fault | None) -> None:
    reply(request, {"errors": [], "warnings": []})


WHOSE, REVISION = r"(?P<name>[^/]+/[^/]+?)", r"(?P<revision>[^/]+)"
PAGES: list[tuple[str, str, Callable[..., None]]] = [
    ("POST", "/api/repos/create", create),
    ("POST", "/api/validate-yaml", validate),
    ("GET", f"/api/models/{WHOSE}(?:/revision/{REVISION})?", info),
    ("GET", f"/api/models/{WHOSE}/tree/{REVISION}", tree),
    ("POST", f"/api/models/{WHOSE}/preupload/{REVISION}", preupload),
    ("POST", f"/{WHOSE}\\.git/info/lfs/objects/batch", batch),
    ("PUT", "/lfs/upload/(?P<sha>[0-9a-f]{64})", upload),
    ("POST", "/lfs/verify/(?P<sha>[0-9a-f]{64})", verify),
    ("POST", f"/api/models/{WHOSE}/commit/{REVISION}", commit),
    ("GET HEAD", f"/{WHOSE}/resolve/{REVISION}/(?P<path>.+)", resolve),
    ("GET HEAD", "/cdn/(?P<path>.+)/(?P<sha>[0-9a-f]{64})", stored),
]
