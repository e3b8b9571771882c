"""Every failure is JSON with a message a person can read, with the status the SDK makes the right exception of."""
from frame import Area, calls, dl

a = Area("errors")
ZERO = "0" * 24


@a.step
def as_json():
    ds = a.dataset("errors")
    item = a.upload(ds, "/x.txt", "x")
    for method, path, body in [
        ("GET", "/projects/nonsense", None),
        ("GET", f"/projects/{ZERO}", None),
        ("GET", "/projects/no such project/name", None),
        ("GET", f"/orgs/{ZERO}", None),
        ("GET", f"/orgs/{ZERO}/integrations", None),
        ("GET", f"/drivers/{ZERO}", None),
        ("GET", f"/datasets/{ZERO}", None),
        ("GET", "/datasets/nonsense", None),
        ("POST", f"/datasets/{ZERO}/query", {"filter": {}}),
        ("POST", f"/datasets/{ZERO}/sync", None),
        ("POST", f"/datasets/{ZERO}/clone", {"name": "x"}),
        ("POST", "/datasets/merge", {"name": "x", "datasetsIds": [ZERO], "projectIds": a.project.id}),
        ("POST", f"/datasets/{ZERO}/export", {}),
        ("GET", f"/items/{ZERO}", None),
        ("GET", "/items/nonsense", None),
        ("GET", f"/items/{ZERO}/stream", None),
        ("GET", f"/items/{ZERO}/thumbnail", None),
        ("PATCH", f"/items/{ZERO}", {"filename": "/x"}),
        ("PATCH", f"/items/{item.id}", {"filename": 5}),
        ("DELETE", f"/items/{ZERO}", None),
        ("GET", f"/recipes/{ZERO}", None),
        ("GET", f"/ontologies/{ZERO}", None),
        ("GET", f"/annotations/{ZERO}", None),
        ("POST", f"/items/{ZERO}/annotations", []),
        ("GET", f"/settings/{ZERO}", None),
        ("GET", f"/features/sets/{ZERO}", None),
        ("GET", f"/features/vectors/{ZERO}", None),
        ("GET", f"/commands/{ZERO}", None),
        ("GET", "/there/is/no/such/address", None),
        ("PUT", "/projects", {}),
        ("POST", "/datasets", {"name": 5}),
        ("POST", "/datasets", {"name": "x", "projects": []}),
    ]:
        answer = a.api(method, path, json=body) if body is not None else a.api(method, path)
        is_json = "application/json" in answer.headers.get("content-type", "")
        a.check(f"{method} {path.replace(ZERO, '0…').replace(item.id, 'ID')}", [400 <= answer.status_code < 500, is_json and bool(answer.json().get("message"))], [True, True])


@a.step
def malformed_bodies():
    for name, sent in [("broken JSON", {"data": "{", "headers": {"content-type": "application/json"}}), ("a list for an object", {"json": []}), ("nothing", {}), ("another type", {"data": "x", "headers": {"content-type": "text/plain"}})]:
        answer = a.api("POST", "/datasets", **sent)
        a.check(name, [400 <= answer.status_code < 500, bool(answer.json().get("message"))], [True, True])


@a.step
def exceptions():
    a.raises("not found", 404, lambda: dl.items.get(item_id=ZERO))
    a.raises("bad request", 400, lambda: dl.projects.create(project_name="bad/name"))
    calls.clear()
    a.raises("a failure is", 400, lambda: dl.projects.create(project_name="bad/name"))
    a.check("asked once, not repeated", len(calls), 1)


@a.step
def suppression():
    dl.client_api.error_suppression.add_filter(status_codes=[404])
    got = dl.items.get(item_id=ZERO)
    dl.client_api.error_suppression.clear_filters()
    a.check("an error that the user suppresses gives nothing", got, None)


@a.step
def foreign():
    """Somebody else's things do not exist."""
    ds = a.dataset("foreign")
    item = a.upload(ds, "/x.txt", "x")
    project = dl.projects.create(project_name=a.unique("bots"))
    bot = project.bots.create(name="stranger", return_credentials=True)
    answer = a.plain.send("POST", f"{a.server}/token?default", json={"username": bot.id, "password": bot.password, "type": "user_credentials"})
    headers = {"authorization": "Bearer " + answer.json()["id_token"]}
    for method, path in [("GET", f"/projects/{a.project.id}"), ("GET", f"/datasets/{ds.id}"), ("GET", f"/items/{item.id}"), ("GET", f"/items/{item.id}/stream"), ("DELETE", f"/items/{item.id}"), ("DELETE", f"/datasets/{ds.id}"), ("PATCH", f"/items/{item.id}"), ("POST", f"/datasets/{ds.id}/query")]:
        answer = a.plain.send(method, f"{a.server}/api/v1{path}", headers=headers, json={} if method in ("PATCH", "POST") else None)
        a.check(f"{method} {path.split('/')[1]} of others is 404", [answer.status_code, bool(answer.json()["message"])], [404, True])
    a.check("and all is there", a.paths(ds), ["/x.txt"])


a.run()
