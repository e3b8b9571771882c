"""Answers that get lost: the SDK repeats every POST whose connection breaks, and whatever it made must be there once."""
import http.server
import socket
import threading
import time
import urllib.parse

import requests
from frame import Area, dl

a = Area("retries")
#: Sessions of the proxy's own, one a thread.
local = threading.local()
lost = {"next": None, "times": 0}


class Proxy(http.server.BaseHTTPRequestHandler):
    """Passes requests on to the server; of one that is to be lost the connections break while the server works on it."""

    protocol_version = "HTTP/1.1"

    def log_message(self, *args):
        pass

    def body(self):
        if self.headers.get("transfer-encoding", "") == "chunked":
            parts = []
            while size := int(self.rfile.readline(), 16):
                parts.append(self.rfile.read(size))
                self.rfile.readline()
            self.rfile.readline()
            return b"".join(parts)
        return self.rfile.read(int(self.headers.get("content-length") or 0))

    def pass_on(self):
        body = self.body()
        headers = {name: value for name, value in self.headers.items() if name.lower() not in ("host", "connection", "transfer-encoding", "content-length")}
        if lost["next"] is not None and self.command == "POST" and lost["next"] in self.path:
            lost["next"] = None
            lost["times"] += 1
            self.lose(headers, body)
            return
        session = local.__dict__.setdefault("session", requests.Session())
        answer = session.request(self.command, a.server + self.path, data=body, headers=headers, allow_redirects=False, timeout=60)
        self.send_response(answer.status_code)
        for name, value in answer.headers.items():
            if name.lower() not in ("transfer-encoding", "content-length", "content-encoding", "connection", "keep-alive", "date", "server"):
                self.send_header(name, value)
        self.send_header("content-length", str(len(answer.content)))
        self.end_headers()
        self.wfile.write(answer.content)

    def lose(self, headers, body):
        """Sends the request and breaks both connections while the server works on it."""
        address = urllib.parse.urlsplit(a.server)
        with socket.create_connection((address.hostname, address.port)) as upstream:
            lines = [f"POST {self.path} HTTP/1.1", f"host: {address.netloc}", f"content-length: {len(body)}"]
            lines += [f"{name}: {value}" for name, value in headers.items()]
            upstream.sendall("\r\n".join([*lines, "", ""]).encode("latin1") + body)
            time.sleep(0.0002)
        # Long enough for the server to see it; the SDK repeats at once.
        time.sleep(0.3)
        self.close_connection = True

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = pass_on


proxy = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Proxy)
proxy.daemon_threads = True
threading.Thread(target=proxy.serve_forever, daemon=True).start()
through = f"http://127.0.0.1:{proxy.server_address[1]}"
ds = a.dataset("retries")
dl.add_environment(environment=through + "/api/v1", alias="lossy", gate_url=through, url=through + "/", verify_ssl=False)
dl.setenv("lossy")
a.login()


def once(name, path, work, sql, *params):
    """Does the work while the answer to its first POST of this path gets lost; the rows that the SQL counts must be one."""
    before, lost["next"] = lost["times"], path
    made = work()
    a.check(f"{name}: an answer was lost", lost["times"] - before, 1)
    a.check(f"{name}: made once", a.value(sql, *params), 1)
    return made


@a.step
def projects():
    name = a.unique("lost project")
    made = once("project", "/projects", lambda: dl.projects.create(project_name=name), "select count(*)::int from project where name = $1", name)
    a.check("and it is the one that was made", made.id, a.value("select id from project where name = $1", name))


@a.step
def datasets():
    project, name = dl.projects.get(project_id=a.project.id), a.unique("lost dataset")
    made = once("dataset", "/datasets", lambda: project.datasets.create(dataset_name=name), "select count(*)::int from dataset where name = $1", name)
    a.check("and it is the one that was made", made.id, a.value("select id from dataset where name = $1", name))


@a.step
def integrations_and_drivers():
    project = dl.projects.get(project_id=a.project.id)
    name = a.unique("lost keys")
    keys = once(
        "integration",
        "/integrations",
        lambda: project.integrations.create(integrations_type=dl.IntegrationType.S3, name=name, options={"key": a.bucket["accessKeyId"], "secret": a.bucket["secretKey"]}),
        "select count(*)::int from integration where name = $1",
        name,
    )
    name = a.unique("lost driver")
    once(
        "driver",
        "/drivers",
        lambda: project.drivers.create(name=name, driver_type=dl.ExternalStorage.S3, integration_id=keys.id, integration_type=keys.type, bucket_name=a.bucket["name"], region=a.bucket["region"], endpoint=a.bucket["endpoint"], path="retries"),
        "select count(*)::int from driver where name = $1",
        name,
    )


@a.step
def bots():
    project = dl.projects.get(project_id=a.project.id)
    made = once("bot", "/bots", lambda: project.bots.create(name="lost", return_credentials=True), "select count(*)::int from user_account u join project_member m on m.user_id = u.id where u.kind = 'bot' and u.first_name = 'lost' and m.project_id = $1", a.project.id)
    answer = a.plain.send("POST", f"{a.server}/token?default", json={"username": made.id, "password": made.password, "type": "user_credentials"})
    a.check("its password is the one that was told", answer.status_code, 200)


@a.step
def items():
    dataset = dl.datasets.get(dataset_id=ds.id)
    counted = "select count(*)::int from item i join dir d using (dataset_no, dir_no) where i.dataset_no = $1 and d.path || i.name = $2"
    item = once("upload", f"/datasets/{ds.id}/items", lambda: a.upload(dataset, "/lost.txt", "content"), counted, a.no_of(ds), "lost.txt")
    a.check("with its bytes", dl.items.get(item_id=item.id).download(save_locally=False).read().decode(), "content")
    once("folder", f"/datasets/{ds.id}/items", lambda: dataset.items.make_dir(directory="/lost"), "select count(*)::int from dir where dataset_no = $1 and path = 'lost/'", a.no_of(ds))
    annotation = dl.Annotation.new(annotation_definition=dl.Box(left=1, top=2, right=3, bottom=4, label="lost"))
    once("annotation", "/annotations", lambda: item.annotations.upload(annotation), "select count(*)::int from annotation where dataset_no = $1 and label = 'lost'", a.no_of(ds))


@a.step
def commands():
    dataset = dl.datasets.get(dataset_id=ds.id)
    name = a.unique("lost clone")
    clone = once("clone", "/clone", lambda: dataset.clone(clone_name=name), "select count(*)::int from dataset where name = $1", name)
    a.check("and it is the one that was made", clone.id, a.value("select id from dataset where name = $1", name))
    a.put("retries/x.txt", "x")
    synced = dl.projects.get(project_id=a.project.id).datasets.create(dataset_name=a.unique("sync"), driver=a.driver("retries"))
    number = "select count(*)::int from sync_run where dataset_no = $1"
    before = a.value(number, a.no_of(synced))
    lost["next"] = "/sync"
    a.check("a sync whose answer was lost is the one that runs", synced.sync())
    a.check("and there was one", a.value(number, a.no_of(synced)) - before <= 2)


@a.step
def recipes():
    dataset = dl.datasets.get(dataset_id=ds.id)
    once("recipe", "/recipes", lambda: dataset.recipes.create(recipe_name="lost recipe"), "select count(*)::int from recipe where title = 'lost recipe'")
    lost["next"] = "/collections"
    dataset.collections.create(name="lost")
    a.check("collection: made once", [c["name"] for c in dataset.collections.list_all_collections()], ["lost"])


a.run()
