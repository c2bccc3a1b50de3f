"""A stand-in for the Hugging Face Hub on this machine: the few endpoints that pushing and loading ask for."""

import base64
import hashlib
import json
import re
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote, urlsplit

TOKEN = "hf_abcdefghijklmnopqrstuvwxyz"


class Hub(ThreadingHTTPServer):
    """Repositories by name: {"private": bool, "commits": [(commit, {file: content})]}; `paths` are those asked for."""

    def __init__(self):
        super().__init__(("127.0.0.1", 0), _Handler)
        self.repositories, self.paths, self.sent = {}, [], []
        self.endpoint = f"http://127.0.0.1:{self.server_port}"

    def add(self, name, files, private=False):
        repository = self.repositories.setdefault(name, {"private": private, "commits": []})
        commit = hashlib.sha1(repr((name, len(repository["commits"]))).encode()).hexdigest()
        repository["commits"].append((commit, dict(files)))
        return commit


class _Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        path = self._path()
        if found := re.fullmatch(r"/api/models/([^/]+/[^/]+)(?:/revision/(.+))?", path):
            if (repository := self._readable(found[1])) and (at := self._commit(repository, found[2])):
                commit, files = at
                siblings = [{"rfilename": name} for name in files]
                self._say({"id": found[1], "sha": commit, "private": repository["private"], "siblings": siblings})
        elif found := re.fullmatch(r"/([^/]+/[^/]+)/resolve/([^/]+)/(.+)", path):
            repository = self._readable(found[1])
            if repository is not None:
                self._answer(200, dict(repository["commits"])[found[2]][found[3]])

    def do_POST(self):
        path, body = self._path(), self.rfile.read(int(self.headers["Content-Length"]))
        if self.headers.get("Authorization") != f"Bearer {TOKEN}":
            self._refuse(403, None)
        elif path == "/api/repos/create":
            asked = json.loads(body)
            name = f"{asked['organization']}/{asked['name']}"
            private = bool(asked.get("private")) or asked.get("visibility") == "private"
            self.server.repositories[name] = {"private": private, "commits": []}
            self.server.add(name, {".gitattributes": b""})
            self._say({"url": f"{self.server.endpoint}/{name}"})
        elif path == "/api/validate-yaml":
            self._say({"warnings": [], "errors": []})
        elif "/preupload/" in path:
            files = [{"path": each["path"], "uploadMode": "regular"} for each in json.loads(body)["files"]]
            self._say({"files": [{**each, "shouldIgnore": False, "oid": None} for each in files]})
        elif found := re.fullmatch(r"/api/models/([^/]+/[^/]+)/commit/main", path):
            files = dict(self.server.repositories[found[1]]["commits"][-1][1])
            for line in map(json.loads, body.splitlines()):
                if line["key"] == "file":
                    files[line["value"]["path"]] = base64.b64decode(line["value"]["content"])
                elif line["key"] == "deletedFile":
                    del files[line["value"]["path"]]
            commit = self.server.add(found[1], files)
            self._say({"success": True, "commitOid": commit, "commitUrl": f"{self.server.endpoint}/{found[1]}"})

    def _path(self):
        path = unquote(urlsplit(self.path).path)
        self.server.paths.append(path)
        self.server.sent.append(str(self.headers) + path)
        return path

    def _readable(self, name):
        repository = self.server.repositories.get(name)
        if repository is None or (repository["private"] and self.headers.get("Authorization") != f"Bearer {TOKEN}"):
            self._refuse(404 if self.headers.get("Authorization") else 401, "RepoNotFound")
            return None
        return repository

    def _commit(self, repository, revision):
        commits = dict(repository["commits"])
        if revision in (None, "main"):
            return repository["commits"][-1]
        if revision not in commits:
            self._refuse(404, "RevisionNotFound")
            return None
        return revision, commits[revision]

    def _say(self, content):
        self._answer(200, json.dumps(content).encode(), {"Content-Type": "application/json"})

    def _refuse(self, code, why):
        self._answer(code, b"{}", {"X-Error-Code": why} if why else {})

    def _answer(self, code, content, headers=()):
        self.send_response(code)
        for name, value in {**dict(headers), "Content-Length": str(len(content))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_):
        pass
