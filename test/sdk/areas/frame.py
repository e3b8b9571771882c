"""What every area script of the suite stands on: the SDK logged in, a project of its own, and checks that are told one JSON line each.

A script is run by areas.test.ts as `python NAME.py TASK`; TASK is a JSON file (see area-run.ts). It declares steps:

    a = Area("datasets")

    @a.step
    def create():
        made = a.project.datasets.create(dataset_name="d1")
        a.check("the row has the name", made.name, a.value("select name from dataset where id = $1", made.id))

    a.run()

A step that throws is told as a failed check with the end of its traceback, and the next step runs all the same. What a check wants is asked of the
database (`rows`, `value`) or of the bucket (`keys`, `read`) through the witness, a small server of the test's own, wherever there is something to ask.
"""
import base64
import io
import json
import os
import sys
import time
import traceback

import aiohttp
import requests

import dtlpy as dl

#: Every request that this process sent, as (method, path); the SDK itself is not touched, only the two libraries below it are listened to.
calls = []


def _listen():
    send, request = requests.Session.send, aiohttp.ClientSession._request

    def sent(self, request, **options):
        calls.append((request.method, request.path_url))
        return send(self, request, **options)

    async def requested(self, method, url, **options):
        calls.append((method.upper(), str(url)))
        return await request(self, method, url, **options)

    requests.Session.send, aiohttp.ClientSession._request = sent, requested


_listen()


class Plain:
    """A session of `requests` that the listener above does not hear: what the test asks on its own is no call of the SDK's."""

    def __init__(self):
        self.session = requests.Session()

    def send(self, *args, **options):
        before = len(calls)
        try:
            return self.session.request(*args, **options)
        finally:
            del calls[before:]


class Area:
    """One area of the suite: its checks, its project, and its ways to the server, the database and the bucket."""

    def __init__(self, name, project=True):
        with open(sys.argv[1], encoding="utf-8") as file:
            self.task = json.load(file)
        self.name = name
        self.server = self.task["server"]
        self.bucket = self.task["bucket"]
        self.state = os.environ["DATALOOP_PATH"]
        self.steps = []
        self.current = "start"
        self.plain = Plain()
        self.told = 0
        dl.add_environment(
            environment=self.server + "/api/v1",
            alias="sluice",
            gate_url=self.server,
            url=self.server + "/",
            verify_ssl=False,
        )
        dl.setenv("sluice")
        self.login()
        dl.client_api.verbose.disable_progress_bar = True
        self.project = dl.projects.create(project_name=self.unique("sdk")) if project else None

    def login(self):
        """Logs in as the owner; False when the server refuses."""
        return dl.login_m2m(email=self.task["email"], password=self.task["password"])

    def unique(self, stem):
        """A name nobody else of the suite has."""
        return f"{stem} {self.name} {base64.b32encode(os.urandom(4)).decode()[:6].lower()}"

    # Steps and checks

    def step(self, function):
        """Declares a step; steps run in the order in which they are declared."""
        self.steps.append(function)
        return function

    def run(self):
        """Runs the steps and says at the end that the script came to it."""
        for function in self.steps:
            self.current = function.__name__.replace("_", " ")
            started = time.monotonic()
            try:
                function()
            except BaseException as error:  # noqa: BLE001 - whatever it is, it is told, and the next step runs
                self.tell("runs to its end", False, short(error), "no exception")
            self.write({"area": self.name, "step": self.current, "seconds": round(time.monotonic() - started, 2)})
        self.write({"area": self.name, "end": True, "checks": self.told})

    def tell(self, name, ok, got, want):
        """Writes a check's line."""
        self.told += 1
        line = {"area": self.name, "name": f"{self.current}: {name}", "ok": bool(ok), "got": plain(got), "want": plain(want)}
        self.write(line)

    def write(self, line):
        """Writes one line for the test to read; the mark keeps what the SDK prints apart."""
        sys.stdout.write("\n@@ " + json.dumps(line, ensure_ascii=True) + "\n")
        sys.stdout.flush()

    def check(self, name, got, want=True):
        """`got` is what the SDK gave, `want` what database or bucket hold; both compared as JSON."""
        got, want = plain(got), plain(want)
        self.tell(name, got == want, got, want)

    def raises(self, name, status, function, text=None):
        """The call fails with this HTTP status, and its message is one a person can read (and has `text` in it)."""
        try:
            answer = function()
        except Exception as error:  # noqa: BLE001 - the SDK's exceptions have no common base that it exports
            if not hasattr(error, "status_code"):
                raise
            got = {"status": str(error.status_code), "message": str(error.message)}
            ok = got["status"] == str(status) and len(got["message"]) > 0 and not got["message"].startswith("<")
            self.tell(name, ok and (text is None or text in got["message"]), got, {"status": str(status), "text": text})
            return
        self.tell(name, False, f"no exception, {answer!r}"[:300], {"status": str(status), "text": text})

    # The witness

    def ask(self, what, **body):
        """Asks the witness of areas.test.ts."""
        answer = self.plain.send("POST", f"{self.task['witness']}/{what}", json=body, timeout=60)
        if answer.status_code != 200:
            raise RuntimeError(f"witness {what}: {answer.text}")
        return answer.json()

    def rows(self, sql, *params):
        """Rows of the database as dicts."""
        return self.ask("rows", sql=sql, params=list(params))

    def value(self, sql, *params):
        """The one value of the one row; None when there is no row."""
        rows = self.rows(sql, *params)
        return next(iter(rows[0].values())) if rows else None

    def column(self, sql, *params):
        """The first value of each row."""
        return [next(iter(row.values())) for row in self.rows(sql, *params)]

    def keys(self, prefix=""):
        """Keys of the bucket that begin so, in byte order, as the bucket itself lists them."""
        return self.ask("keys", prefix=prefix)

    def put(self, key, data, content_type="application/octet-stream"):
        """Puts an object into the bucket behind the server's back."""
        data = data.encode() if isinstance(data, str) else data
        self.ask("put", key=key, data=base64.b64encode(data).decode(), contentType=content_type)

    def read(self, key):
        """Bytes of an object of the bucket; None where there is none."""
        answer = self.ask("read", key=key)
        return None if answer["data"] is None else base64.b64decode(answer["data"])

    def remove(self, key):
        """Removes an object from the bucket behind the server's back."""
        self.ask("remove", key=key)

    # Short ways

    def api(self, method, path, **options):
        """A request of the test's own with the SDK's token; answers the response."""
        headers = {"authorization": "Bearer " + dl.client_api.token, **options.pop("headers", {})}
        return self.plain.send(method, f"{self.server}/api/v1{path}", headers=headers, timeout=60, **options)

    def dataset(self, stem="ds", **options):
        """A dataset of the area's project on the platform's own storage."""
        return self.project.datasets.create(dataset_name=self.unique(stem), **options)

    def driver(self, folder, allow_delete=False):
        """A driver on the suite's bucket, on this folder."""
        integration = self.project.integrations.create(
            integrations_type=dl.IntegrationType.S3,
            name=self.unique("keys"),
            options={"key": self.bucket["accessKeyId"], "secret": self.bucket["secretKey"]},
        )
        return self.project.drivers.create(
            name=self.unique("bucket"),
            driver_type=dl.ExternalStorage.S3,
            integration_id=integration.id,
            integration_type=dl.IntegrationType.S3,
            bucket_name=self.bucket["name"],
            region=self.bucket["region"],
            endpoint=self.bucket["endpoint"],
            path=folder,
            allow_external_delete=allow_delete,
        )

    def upload(self, dataset, path, data=b"x", **options):
        """Uploads bytes to a full path; answers the item."""
        directory, _, name = path.rpartition("/")
        buffer = io.BytesIO(data.encode() if isinstance(data, str) else data)
        buffer.name = name
        return dataset.items.upload(local_path=buffer, remote_path=directory or "/", remote_name=name, raise_on_error=True, **options)

    def names(self, dataset, filters=None, **options):
        """Full paths of all the items of a list, sorted, by the SDK's own iteration."""
        pages = dataset.items.list(filters=filters, **options)
        return sorted(item.filename for item in pages.all())

    def no_of(self, dataset):
        """A dataset's number in the catalog."""
        return self.value("select dataset_no from dataset where id = $1", dataset.id)

    def paths(self, dataset, where="true"):
        """Full paths of the dataset's items as the catalog has them, sorted. `where` may use item `i` and folder `d`."""
        return sorted(
            self.column(
                "select '/' || d.path || i.name from item i join dir d using (dataset_no, dir_no) where i.dataset_no = $1 "
                f"and ({where})",
                self.no_of(dataset),
            )
        )

    def until(self, condition, seconds=15):
        """Waits until the condition gives something true, and answers it; what it gave last when it does not in time."""
        end = time.monotonic() + seconds
        while True:
            got = condition()
            if got or time.monotonic() > end:
                return got
            time.sleep(0.1)


def plain(value):
    """The value as JSON would have it, so that tuples, sets and numbers compare as they travel."""
    return json.loads(json.dumps(value, default=lambda other: sorted(other) if isinstance(other, set) else str(other)))


def short(error):
    """The last lines of a traceback: what failed, and where in the area script and the SDK."""
    frames = traceback.extract_tb(error.__traceback__)
    places = [f"{os.path.basename(frame.filename)}:{frame.lineno} {frame.name}" for frame in frames[-4:]]
    # The SDK puts the whole traceback of a failed upload into its message; the sentence that counts comes first.
    text = str(error).split("Traceback")[0].strip()[:400]
    return f"{type(error).__name__}: {text} @ {' < '.join(reversed(places))}"
