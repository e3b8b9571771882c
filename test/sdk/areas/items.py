"""Items: upload in every form, get, list, change, move, delete, download; each compared with the catalog's rows or the bucket."""
import hashlib
import io
import json
import os

from frame import Area, calls, dl

a = Area("items")
KEYS = set(
    "annotated annotations annotationsCount createdAt dataset datasetId dir filename hidden id metadata name stream thumbnail type updatedAt "
    "updatedBy url".split()
)
OPTIONAL = {"creator", "description", "spec", "srcItem"}
files = os.path.join(a.state, "files")
os.makedirs(files, exist_ok=True)


def local(name, data):
    """Writes a local file; answers its path."""
    path = os.path.join(files, name)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as file:
        file.write(data)
    return path


def row(dataset, path):
    """The catalog's row of an item, or None."""
    directory, _, name = path[1:].rpartition("/")
    found = a.rows(
        "select i.item_no::text, i.size_bytes::int as size, t.name as type, i.metadata, i.description, i.flags, i.state from item i "
        "join dir d using (dataset_no, dir_no) join media_type t using (type_no) where i.dataset_no = $1 and d.path = $2 and i.name = $3",
        a.no_of(dataset),
        directory + "/" if directory else "",
        name,
    )
    return found[0] if found else None


def content(item):
    return item.download(save_locally=False).read()


@a.step
def upload_file():
    ds = a.dataset("upload")
    data = os.urandom(50_000)
    item = ds.items.upload(local_path=local("one.bin", data), remote_path="/deep/er")
    a.check("it is at its path", item.filename, "/deep/er/one.bin")
    a.check("the catalog has the size", item.metadata["system"]["size"], row(ds, "/deep/er/one.bin")["size"])
    a.check("which is the file's", item.metadata["system"]["size"], len(data))
    a.check("and the type", item.metadata["system"]["mimetype"], row(ds, "/deep/er/one.bin")["type"])
    a.check("the original name is kept", item.metadata["system"]["originalname"], "one.bin")
    a.check("the bytes come back", hashlib.sha256(content(item)).hexdigest(), hashlib.sha256(data).hexdigest())
    a.check("the creator is who uploaded", item.creator, a.task["email"])
    a.check("parts of the path", [item.name, item.dir, item.type, item.hidden], ["one.bin", "/deep/er", "file", False])
    body = a.api("GET", f"/items/{item.id}").json()
    a.check("the answer has exactly the keys", sorted(set(body) - OPTIONAL), sorted(KEYS))
    a.check("to_json is the answer", dl.items.get(item_id=item.id).to_json(), body)
    a.check("the stream's address has the form the SDK splits", body["stream"].split("/v1/")[-1], f"items/{item.id}/stream")
    a.check("the dataset counts it", dl.datasets.get(dataset_id=ds.id).items_count, a.value("select deep_items::int from dir where dataset_no = $1 and dir_no = 1", a.no_of(ds)))
    a.check("the dataset's list has it", a.names(ds), a.paths(ds))


@a.step
def upload_empty():
    ds = a.dataset("empty")
    item = ds.items.upload(local_path=local("empty.txt", b""))
    a.check("an empty file has size 0", item.metadata["system"]["size"], row(ds, "/empty.txt")["size"])
    a.check("it is 0", item.metadata["system"]["size"], 0)
    a.check("it downloads as nothing", len(content(item)), 0)
    saved = item.download(local_path=os.path.join(a.state, "empty-out"))
    a.check("and as an empty file", os.path.getsize(saved), 0)
    a.check("no delete was sent", [c for c in calls if c[0] == "DELETE"], [])


@a.step
def upload_buffer():
    ds = a.dataset("buffer")
    item = a.upload(ds, "/b/mem.json", json.dumps({"x": 1}))
    a.check("a buffer becomes an item", [item.filename, content(item).decode()], ["/b/mem.json", '{"x": 1}'])
    a.check("with the type of its name", item.metadata["system"]["mimetype"], "application/json")
    odd = a.upload(ds, "/ünïcode 名/a #1?&=+%20.txt", "odd")
    a.check("odd characters stay", odd.filename, "/ünïcode 名/a #1?&=+%20.txt")
    a.check("in the catalog too", a.paths(ds), sorted(["/b/mem.json", "/ünïcode 名/a #1?&=+%20.txt"]))
    a.check("get by path finds it", ds.items.get(filepath="/ünïcode 名/a #1?&=+%20.txt").id, odd.id)
    a.check("and it downloads", content(odd).decode(), "odd")


@a.step
def upload_folder():
    ds = a.dataset("folder")
    for no in range(12):
        local(f"tree/sub{no % 3}/f{no}.txt", b"%d" % no)
    pages = ds.items.upload(local_path=os.path.join(files, "tree"))
    want = sorted(f"/tree/sub{no % 3}/f{no}.txt" for no in range(12))
    a.check("a folder keeps its name", a.paths(ds), want)
    a.check("the answer lists all", sorted(item.filename for item in pages), want)
    star = a.dataset("star")
    star.items.upload(local_path=os.path.join(files, "tree", "*"), remote_path="/in")
    a.check("with a star its content only", a.paths(star), sorted(f"/in/sub{no % 3}/f{no}.txt" for no in range(12)))
    a.check("the contents are right", content(star.items.get(filepath="/in/sub1/f4.txt")).decode(), "4")
    listed = ds.items.upload(local_path=[local("l1.txt", b"1"), local("l2.txt", b"2")], remote_path="/list")
    a.check("a list of files", sorted(item.filename for item in listed), ["/list/l1.txt", "/list/l2.txt"])


@a.step
def skip_and_overwrite():
    ds = a.dataset("again")
    first = a.upload(ds, "/same.txt", "first content")
    before = row(ds, "/same.txt")
    calls.clear()
    second = a.upload(ds, "/same.txt", "2nd")
    a.check("skip keeps the item", second.id, first.id)
    a.check("its row is untouched", row(ds, "/same.txt"), before)
    a.check("its content too", content(dl.items.get(item_id=first.id)).decode(), "first content")
    a.check("nothing was deleted on the way", [c for c in calls if c[0] == "DELETE"], [])
    a.check("nor sent twice", len([c for c in calls if c[0] == "POST" and "/items" in c[1]]), 1)
    third = a.upload(ds, "/same.txt", "third, longer content", overwrite=True)
    a.check("overwrite keeps the id", third.id, first.id)
    a.check("the size follows", third.metadata["system"]["size"], row(ds, "/same.txt")["size"])
    a.check("the content is new", content(dl.items.get(item_id=first.id)).decode(), "third, longer content")
    a.check("there is one item", a.value("select count(*)::int from item where dataset_no = $1", a.no_of(ds)), 1)
    raw = a.api("POST", f"/datasets/{ds.id}/items?mode=skip", files={"type": (None, "file"), "path": (None, "/same.txt"), "file": ("same.txt", b"x", "text/plain")})
    a.check("x-item-op of a skip is not created", [raw.status_code < 300, raw.headers["x-item-op"] in ("created", "overwrite")], [True, False])
    raw = a.api("POST", f"/datasets/{ds.id}/items?mode=overwrite", files={"type": (None, "file"), "path": (None, "/same.txt"), "file": ("same.txt", b"y", "text/plain")})
    a.check("of an overwrite it is", raw.headers["x-item-op"], "overwrite")
    raw = a.api("POST", f"/datasets/{ds.id}/items?mode=skip", files={"type": (None, "file"), "path": (None, "/new.txt"), "file": ("new.txt", b"y", "text/plain")})
    a.check("and of a new one created", raw.headers["x-item-op"], "created")


@a.step
def upload_with_metadata():
    ds = a.dataset("metadata")
    item = a.upload(ds, "/m.txt", "m", item_metadata={"user": {"k": {"n": 1}}, "top": [1, "x"]}, item_description="what it is")
    a.check("the metadata is stored", [row(ds, "/m.txt")["metadata"]["user"], item.metadata["user"]], [{"k": {"n": 1}}, {"k": {"n": 1}}])
    a.check("also beside user", item.metadata["top"], [1, "x"])
    a.check("the description", [item.description, row(ds, "/m.txt")["description"]], ["what it is", "what it is"])
    again = a.upload(ds, "/m.txt", "m", item_description="other")
    a.check("a skipped upload changes no description", row(ds, "/m.txt")["description"], "what it is")
    a.upload(ds, "/m.txt", "m2", item_description="other", overwrite=True)
    a.check("an overwriting one does", row(ds, "/m.txt")["description"], "other")


@a.step
def links():
    ds = a.dataset("links")
    target = a.upload(ds, "/target.txt", "behind the link")
    url = dl.UrlLink(ref=a.bucket["endpoint"] + "/x.jpg", name="far", mimetype="image/jpeg")
    item = ds.items.upload(local_path=url)
    stored = row(ds, item.filename)["metadata"]["system"]["shebang"]
    a.check("a link by address", item.metadata["system"]["shebang"]["linkInfo"], stored["linkInfo"])
    a.check("is what was given", [stored["dltype"], stored["linkInfo"]["type"], stored["linkInfo"]["ref"]], ["link", "url", a.bucket["endpoint"] + "/x.jpg"])
    by_id = ds.items.upload(local_path=dl.ItemLink(ref=target.id, name="near", dataset_id=ds.id), remote_path="/links")
    a.check("a link to an item", by_id.metadata["system"]["shebang"]["linkInfo"]["ref"], target.id)
    a.check("gives the item's content", a.api("GET", f"/items/{by_id.id}/stream").content.decode(), "behind the link")


@a.step
def external():
    a.put("items/up/one.txt", "one of the bucket")
    a.put("items/two.txt", "two of the bucket")
    ds = a.project.datasets.create(dataset_name=a.unique("external"), driver=a.driver("items"))
    bucket = a.bucket["name"]
    one = ds.items.upload(local_path=f"external://{bucket}/items/up/one.txt", remote_path=None)
    a.check("an object of the bucket becomes an item", [one.metadata["system"]["size"], one.creator], [17, a.task["email"]])
    a.check("whose bytes are the object's", content(one).decode(), a.read("items/up/one.txt").decode())
    two = ds.items.upload(local_path=f"external://{bucket}/items/two.txt", remote_path="/")
    a.check("at the root with the default path", two.filename, "/two.txt")
    again = ds.items.upload(local_path=f"external://{bucket}/items/two.txt", remote_path="/")
    a.check("again is the same item", again.id, two.id)
    bare = a.api("POST", f"/datasets/{ds.id}/imports", json=[{"filename": "/up/one.txt", "storageId": "items/up/one.txt"}])
    a.check("a bare key is understood", [bare.status_code, bare.json()[0]["metadata"]["system"]["size"]], [200, 17])
    colon = a.api("POST", f"/datasets/{ds.id}/imports", json=[{"filename": "/up/one.txt", "storageId": "items:up/one.txt"}])
    a.check("and a key whose first slash became a colon", [colon.status_code, colon.json()[0]["metadata"]["system"]["size"]], [200, 17])
    none = a.api("POST", f"/datasets/{ds.id}/imports", json=[{"filename": "/no.txt", "storageId": "items/no.txt"}])
    a.check("what is not in the bucket is refused as JSON", [none.status_code in (400, 404), bool(none.json()["message"])], [True, True])


@a.step
def get():
    ds = a.dataset("get")
    item = a.upload(ds, "/g/x.txt", "x")
    a.check("by id", ds.items.get(item_id=item.id).filename, "/g/x.txt")
    a.check("by path", ds.items.get(filepath="/g/x.txt").id, item.id)
    a.check("a folder by path", ds.items.get(filepath="/g", is_dir=True).type, "dir")
    a.raises("an unknown id", 404, lambda: dl.items.get(item_id="0" * 24))
    a.raises("an unknown path", 404, lambda: ds.items.get(filepath="/g/none.txt"))
    a.check("its dataset", dl.items.get(item_id=item.id).dataset.id, ds.id)
    hidden = a.upload(ds, "/.dot/h.txt", "h")
    a.check("a hidden item says so", hidden.hidden, True)
    a.check("lists leave it out", a.names(ds), ["/g/x.txt"])
    a.check("get by path does not", ds.items.get(filepath="/.dot/h.txt").id, hidden.id)
    a.check("as does the raw list", a.api("GET", f"/datasets/{ds.id}/items").status_code, 200)


@a.step
def make_dir():
    ds = a.dataset("dirs")
    made = ds.items.make_dir(directory="/new/folder")
    a.check("a folder is made", [made.type, made.filename], ["dir", "/new/folder"])
    again = ds.items.make_dir(directory="/new/folder")
    a.check("making it again is the same", again.id, made.id)
    a.check("it is in the catalog", a.column("select path from dir where dataset_no = $1 and path like 'new/%' order by 1", a.no_of(ds)), ["new/", "new/folder/"])


@a.step
def update():
    ds = a.dataset("update")
    item = a.upload(ds, "/u.txt", "u", item_metadata={"user": {"keep": 1, "drop": 2}})
    item.metadata["user"]["new"] = {"deep": [1, {"x": None}]}
    item = item.update()
    a.check("metadata is merged", row(ds, "/u.txt")["metadata"]["user"], {"keep": 1, "drop": 2, "new": {"deep": [1, {"x": None}]}})
    item.metadata["user"].pop("drop")
    item = item.update()
    a.check("what was taken out is gone", sorted(row(ds, "/u.txt")["metadata"]["user"]), ["keep", "new"])
    item.metadata["system"]["mine"] = "yes"
    kept = item.update()
    a.check("system metadata stays without being asked for", "mine" in dl.items.get(item_id=item.id).metadata["system"], False)
    item = dl.items.get(item_id=item.id)
    item.metadata["system"]["mine"] = "yes"
    item = item.update(system_metadata=True)
    a.check("and changes when it is", dl.items.get(item_id=item.id).metadata["system"]["mine"], "yes")
    item.set_description("a text ü")
    a.check("a description", [dl.items.get(item_id=item.id).description, row(ds, "/u.txt")["description"]], ["a text ü", "a text ü"])
    item.set_description("")
    a.check("an empty one clears it", row(ds, "/u.txt")["description"], None)
    a.check("who changed it", dl.items.get(item_id=item.id).updated_by, a.task["email"])
    emoji = a.api("PATCH", f"/items/{item.id}", json={"description": "hi 😀"})
    a.check("beyond the basic plane as code points", emoji.json()["description"], "hi \\u1f600")
    a.check("a patch of nothing known is no error", a.api("PATCH", f"/items/{item.id}", json={"unknown": 1}).status_code, 200)


@a.step
def move():
    ds = a.dataset("move")
    item = a.upload(ds, "/from/a.txt", "a")
    ds.items.make_dir(directory="/to")
    item.move(new_path="/to")
    a.check("into a folder that is there", a.paths(ds), ["/to/a.txt"])
    item = dl.items.get(item_id=item.id)
    item.move(new_path="/renamed.txt")
    a.check("to a new name", a.paths(ds), ["/renamed.txt"])
    item = dl.items.get(item_id=item.id)
    item.filename = "/deep/er/b.txt"
    item = item.update()
    a.check("by its file name", [a.paths(ds), item.filename], [["/deep/er/b.txt"], "/deep/er/b.txt"])
    a.check("the content moves along", content(dl.items.get(item_id=item.id)).decode(), "a")
    a.check("the new folders are items", ds.items.get(filepath="/deep/er", is_dir=True).filename, "/deep/er")
    others = [a.upload(ds, f"/m{no}.txt", str(no)) for no in range(3)]
    ds.items.move_items(destination="/all", items=others)
    a.check("many into a folder", a.paths(ds), ["/all/m0.txt", "/all/m1.txt", "/all/m2.txt", "/deep/er/b.txt"])
    taken = a.api("PATCH", f"/items/{item.id}", json={"filename": "/all/m0.txt"})
    a.check("onto a name that is taken it is refused", [taken.status_code in (400, 409), len(a.paths(ds))], [True, 4])
    a.check("counters follow", dl.datasets.get(dataset_id=ds.id).items_count, a.value("select count(*)::int from item where dataset_no = $1 and state = 0", a.no_of(ds)))


@a.step
def delete():
    ds = a.dataset("delete")
    items = [a.upload(ds, f"/d{no}/x.txt", str(no)) for no in range(6)]
    a.check("by id", ds.items.delete(item_id=items[0].id))
    a.raises("it is gone", 404, lambda: dl.items.get(item_id=items[0].id))
    a.check("by name", ds.items.delete(filename="/d1/x.txt"))
    a.check("by entity", items[2].delete())
    filters = dl.Filters(field="dir", values="/d3")
    a.check("by filter", ds.items.delete(filters=filters))
    a.check("the others are left", a.paths(ds, "i.state = 0"), ["/d4/x.txt", "/d5/x.txt"])
    a.check("the list says so", a.names(ds), ["/d4/x.txt", "/d5/x.txt"])
    a.check("the counter too", dl.datasets.get(dataset_id=ds.id).items_count, 2)
    a.check("a malformed id is 400", a.api("DELETE", "/items/nonsense").status_code, 400)
    a.check("an unknown one 404", a.api("DELETE", f"/items/{'0' * 24}").status_code, 404)
    a.check("the name can be used again", a.upload(ds, "/d1/x.txt", "new").id != items[1].id)


@a.step
def download():
    ds = a.dataset("download")
    data = os.urandom(300_000)
    big = a.upload(ds, "/d/big.bin", data)
    for no in range(5):
        a.upload(ds, f"/d/sub/s{no}.txt", f"s{no}")
    part = a.api("GET", f"/items/{big.id}/stream", headers={"range": "bytes=299990-"})
    a.check("a range gives the rest", [part.status_code, part.content == data[299990:]], [206, True])
    middle = a.api("GET", f"/items/{big.id}/stream", headers={"range": "bytes=10-19"})
    a.check("or a part", middle.content == data[10:20])
    out = os.path.join(a.state, "out")
    ds.items.download(local_path=out)
    found = sorted(os.path.relpath(os.path.join(root, name), out) for root, _, names in os.walk(out) for name in names)
    a.check("a dataset downloads whole", [f"/{name.removeprefix('items/')}" for name in found], a.paths(ds))
    with open(os.path.join(out, "items", "d", "big.bin"), "rb") as file:
        a.check("byte by byte", file.read() == data)
    some = ds.items.download(filters=dl.Filters(field="dir", values="/d/sub"), local_path=os.path.join(a.state, "out2"))
    a.check("by filter", len(list(some)), 5)
    array = a.api("HEAD", f"/items/{big.id}/stream")
    a.check("HEAD answers", array.status_code < 400)


@a.step
def ids_are_in_order():
    ds = a.dataset("order")
    made = [a.upload(ds, f"/o{no}.txt", str(no)).id for no in range(20)]
    a.check("ids grow with creation", made, sorted(made))
    filters = dl.Filters()
    filters.sort_by(field="createdAt")
    a.check("sorting by creation is sorting by id", [item.id for item in ds.items.list(filters=filters).all()], made)
    filters = dl.Filters()
    filters.sort_by(field="id", value=dl.FiltersOrderByDirection.DESCENDING)
    a.check("downwards", [item.id for item in ds.items.list(filters=filters).all()], made[::-1])


@a.step
def revisions():
    ds = a.dataset("revision")
    item = a.upload(ds, "/r.json", "{}")
    answer = a.api("POST", f"/items/{item.id}/revisions", files={"file": ("r.json", b'{"new": 1}', "application/json")})
    a.check("the binary is replaced", [answer.status_code, content(dl.items.get(item_id=item.id)).decode()], [200, '{"new": 1}'])
    a.check("its size too", row(ds, "/r.json")["size"], 10)


@a.step
def retried_creates():
    ds = a.dataset("retry")
    form = {"type": (None, "dir"), "path": (None, "/once")}
    one, two = [a.api("POST", f"/datasets/{ds.id}/items", data={"type": "dir", "path": "/once"}) for _ in range(2)]
    a.check("a folder made twice is one", one.json()["id"], two.json()["id"])
    del form


a.run()
