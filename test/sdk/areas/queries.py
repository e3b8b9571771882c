"""The query language, as the SDK writes it: every operator, globs, nesting, joins, sort, pages, counts, update and delete by query."""
from frame import Area, calls, dl

a = Area("queries")
ops = dl.FiltersOperations
ds = a.dataset("q")
PATHS = [
    "/root.jpg",
    "/root.txt",
    "/file1a.txt",
    "/file1b.txt",
    "/dir1/one.jpg",
    "/dir1/two.png",
    "/dir1/dir2/one.jpg",
    "/dir1/dir2/three.mp4",
    "/dir1/dir2/dir3/one.jpg",
    "/dir10/one.jpg",
    "/other/hotdogs.txt",
    "/other/x_y.txt",
    "/other/x%y.txt",
]
items = {}
for number, path in enumerate(PATHS):
    meta = {"n": number, "even": number % 2 == 0, "tags": ["all", f"t{number % 3}"], "nested": {"deep": {"x": f"v{number}"}}, "spe-cial": {"ke_ys": number}}
    if number % 4 == 0:
        meta["fourth"] = "yes"
    if number == 3:
        meta["nothing"] = None
        meta["emoji"] = "🦆"
        meta["refs"] = [{"id": "r1", "type": "task", "metadata": {"status": "done"}}, {"id": "r2", "type": "assignment", "metadata": {}}]
        meta["empty"] = []
    items[path] = a.upload(ds, path, b"x" * (number * 10), item_metadata={"user": meta})


def find(*conditions, method=None, **more):
    """Full paths that a filter of these (field, value[, operator]) finds."""
    filters = dl.Filters(**more)
    for field, value, *operator in conditions:
        filters.add(field=field, values=value, operator=operator[0] if operator else None, method=method)
    return a.names(ds, filters)


def custom(query):
    return a.names(ds, dl.Filters(custom_filter=query))


def where(sql):
    """Full paths of the items whose user metadata `u` (or row `i`) satisfies this SQL."""
    return a.paths(ds, sql.replace("u->", "i.metadata->'user'->"))


def some(*wanted):
    return sorted(wanted)


@a.step
def operators():
    a.check("equal", find(("metadata.user.n", 3)), where("(u->>'n')::int = 3"))
    a.check("not equal", find(("metadata.user.n", 3, ops.NOT_EQUAL)), where("(u->>'n')::int <> 3"))
    a.check("greater", find(("metadata.user.n", 7, ops.GREATER_THAN)), where("(u->>'n')::int > 7"))
    a.check("less", find(("metadata.user.n", 7, ops.LESS_THAN)), where("(u->>'n')::int < 7"))
    between = {"filter": {"$and": [{"metadata.user.n": {"$gte": 3}}, {"metadata.user.n": {"$lte": 5}}]}}
    a.check("between", custom(between), where("(u->>'n')::int between 3 and 5"))
    a.check("in", find(("metadata.user.n", [1, 2, 99], ops.IN)), where("(u->>'n')::int in (1, 2)"))
    a.check("not in", custom({"filter": {"$and": [{"metadata.user.n": {"$nin": [1, 2]}}, {"hidden": False}, {"type": "file"}]}}), where("(u->>'n')::int not in (1, 2)"))
    a.check("exists", find(("metadata.user.fourth", True, ops.EXISTS)), where("u->>'fourth' is not null"))
    a.check("does not exist", find(("metadata.user.fourth", False, ops.EXISTS)), where("u->>'fourth' is null"))
    a.check("booleans", find(("metadata.user.even", True)), where("(u->>'even')::bool"))
    a.check("nothing given finds all", find(), sorted(PATHS))


@a.step
def values():
    a.check("a number as text", find(("metadata.system.size", "50", ops.GREATER_THAN)), where("i.size_bytes > 50"))
    a.check("a number", find(("metadata.system.size", 50, ops.LESS_THAN)), where("i.size_bytes < 50"))
    a.check("null is missing or null", find(("metadata.user.nothing", None)), sorted(PATHS))
    a.check("null of a key that some have", find(("metadata.user.fourth", None)), where("u->>'fourth' is null"))
    a.check("an emoji", find(("metadata.user.emoji", "🦆")), ["/file1b.txt"])
    a.check("keys with - and _", find(("metadata.user.spe-cial.ke_ys", 4)), ["/dir1/one.jpg"])
    a.check("deep keys", find(("metadata.user.nested.deep.x", "v5")), ["/dir1/two.png"])
    a.check("globs in values", find(("metadata.user.nested.deep.x", "v1*")), where("u->'nested'->'deep'->>'x' like 'v1%'"))
    a.check("one of an array", find(("metadata.user.tags", "t1")), where("u->'tags' ? 't1'"))
    a.check("the whole array", find(("metadata.user.tags", ["all", "t1"])), where("u->'tags' = '[\"all\", \"t1\"]'"))
    a.check("not in an array", find(("metadata.user.tags", "t1", ops.NOT_EQUAL)), where("not (u->'tags' ? 't1')"))
    a.check("the empty array", find(("metadata.user.empty", [])), ["/file1b.txt"])
    a.check("into an array of objects", find(("metadata.user.refs.type", "task")), ["/file1b.txt"])
    a.check("keys that no index knows", find(("metadata.user.unheard.of", 1)), [])
    a.check("text with quotes does no harm", find(("metadata.user.emoji", "'; drop table item; --")), [])


@a.step
def match():
    one = {"$and": [{"metadata.user.refs": {"$match": {"id": {"$in": ["r1", "r9"]}, "metadata": {"status": {"$exists": True}}}}}]}
    a.check("one element satisfies all", custom({"filter": one}), ["/file1b.txt"])
    none = {"$and": [{"metadata.user.refs": {"$match": {"id": "r2", "metadata": {"status": {"$exists": True}}}}}]}
    a.check("not two elements together", custom({"filter": none}), [])
    a.check("on text it is a glob", custom({"filter": {"$and": [{"name": {"$match": "*dog*"}}]}}), ["/other/hotdogs.txt"])


@a.step
def globs():
    a.check("a folder with ** takes all below", find(("filename", "/dir1/**")), some("/dir1/one.jpg", "/dir1/two.png", "/dir1/dir2/one.jpg", "/dir1/dir2/three.mp4", "/dir1/dir2/dir3/one.jpg"))
    a.check("a folder alone is the same", find(("filename", "/dir1")), find(("filename", "/dir1/**")))
    a.check("with a slash at its end too", find(("filename", "/dir1/")), find(("filename", "/dir1/**")))
    a.check("* is one level", find(("filename", "/dir1/dir2/*")), some("/dir1/dir2/one.jpg", "/dir1/dir2/three.mp4"))
    a.check("/** is everything", find(("filename", "/**")), sorted(PATHS))
    a.check("**/one.jpg at any depth", find(("filename", "**/one.jpg")), [p for p in sorted(PATHS) if p.endswith("/one.jpg")])
    a.check("also at the root", find(("filename", "**/root.jpg")), ["/root.jpg"])
    a.check("/file1*", find(("filename", "/file1*")), ["/file1a.txt", "/file1b.txt"])
    a.check("a name with stars", find(("name", "*dog*")), ["/other/hotdogs.txt"])
    a.check("a name", find(("name", "one.jpg")), [p for p in sorted(PATHS) if p.endswith("/one.jpg")])
    a.check("a folder exactly", find(("dir", "/dir1")), some("/dir1/one.jpg", "/dir1/two.png"))
    a.check("the root folder", find(("dir", "/")), [p for p in sorted(PATHS) if p.count("/") == 1])
    a.check("a star in dir crosses slashes", find(("dir", "/dir1/*")), [p for p in sorted(PATHS) if p.startswith("/dir1/dir2/")])
    a.check("types by glob", find(("metadata.system.mimetype", "*png")), ["/dir1/two.png"])
    a.check("types across the slash", find(("metadata.system.mimetype", "video*")), ["/dir1/dir2/three.mp4"])
    a.check("_ and % are themselves", [find(("name", "x_y*")), find(("name", "x%y*"))], [["/other/x_y.txt"], ["/other/x%y.txt"]])
    a.check("exactly a path", find(("filename", "/dir1/one.jpg")), ["/dir1/one.jpg"])


@a.step
def nesting():
    a.check("or", find(("name", "root.jpg"), ("name", "root.txt"), method=dl.FiltersMethod.OR), ["/root.jpg", "/root.txt"])
    query = {"filter": {"$and": [{"$or": [{"metadata.user.n": 1}, {"$and": [{"metadata.user.n": {"$gt": 4}}, {"metadata.user.n": {"$lt": 7}}]}]}, {"hidden": False}, {"type": "file"}]}}
    a.check("or within and within or", custom(query), where("(u->>'n')::int in (1, 5, 6)"))
    both = {"filter": {"$and": [{"metadata.user.even": True}], "$or": [{"dir": "/dir1"}, {"dir": "/"}]}}
    a.check("and beside or are both meant", custom(both), [p for n, p in sorted(enumerate(PATHS), key=lambda e: e[1]) if n % 2 == 0 and (p.count("/") == 1 or p.startswith("/dir1/") and p.count("/") == 2)])
    a.check("a bare filter is wrapped", custom({"$and": [{"name": "root.jpg"}]}), ["/root.jpg"])
    crossed = {"filter": {"$and": [{"type": "file"}]}, "intersect": {"query": {"filter": {"$and": [{"metadata.user.even": True}]}}}, "except": {"query": {"filter": {"$and": [{"dir": "/"}]}}}}
    a.check("intersect and except", custom(crossed), [p for n, p in sorted(enumerate(PATHS), key=lambda e: e[1]) if n % 2 == 0 and p.count("/") > 1])


@a.step
def fields():
    one = items["/dir1/one.jpg"]
    a.check("id", find(("id", one.id)), ["/dir1/one.jpg"])
    a.check("ids", find(("id", [one.id, items["/root.jpg"].id], ops.IN)), ["/dir1/one.jpg", "/root.jpg"])
    a.check("creator", find(("creator", a.task["email"])), sorted(PATHS))
    a.check("another creator", find(("creator", "nobody@example.com")), [])
    a.check("created after", find(("createdAt", "2020-01-01T00:00:00Z", ops.GREATER_THAN)), sorted(PATHS))
    a.check("created before", find(("createdAt", "2020-01-01T00:00:00.000Z", ops.LESS_THAN)), [])
    a.check("annotated", find(("annotated", True)), [])
    a.check("folders", sorted(item.filename for item in ds.items.list(filters=dl.Filters(field="type", values="dir")).all()), sorted("/" + path.rstrip("/") for path in a.column("select path from dir where dataset_no = $1 and path <> ''", a.no_of(ds))))
    hidden = a.upload(ds, "/.secret/h.txt", "h")
    a.check("hidden ones when asked", find(("hidden", True)), ["/.secret/h.txt"])
    hidden.delete()


@a.step
def sort_and_pages():
    filters = dl.Filters(page_size=4)
    filters.sort_by(field="filename")
    pages = ds.items.list(filters=filters, page_size=4)
    a.check("sorted by path over pages", [item.filename for item in pages.all()], sorted(PATHS))
    filters = dl.Filters()
    filters.sort_by(field="metadata.system.size", value=dl.FiltersOrderByDirection.DESCENDING)
    a.check("downwards by size", [item.filename for item in ds.items.list(filters=filters).all()], PATHS[::-1])
    page = ds.items.list(page_size=5, page_offset=1)
    a.check("the second page", [[item.filename for item in page.items], page.items_count, page.total_pages_count], [PATHS[5:10], len(PATHS), 3])
    two = dl.Filters()
    two.sort_by(field="dir")
    two.sort_by(field="name", value=dl.FiltersOrderByDirection.DESCENDING)
    first = [item.filename for item in ds.items.list(filters=two).all()]
    a.check("two fields", first, sorted(sorted(PATHS, key=lambda p: p.rpartition("/")[2], reverse=True), key=lambda p: p.rpartition("/")[0] or "/"))
    count = a.api("POST", f"/datasets/{ds.id}/query", json={"filter": {"$and": [{"type": "file"}, {"hidden": False}]}, "page": 0, "pageSize": 0, "resource": "items"}).json()
    a.check("only the count", [count["items"], count["totalItemsCount"]], [[], len(PATHS)])


@a.step
def joins():
    box, point = items["/root.jpg"], items["/dir1/one.jpg"]
    box.annotations.upload(dl.Annotation.new(annotation_definition=dl.Box(left=1, top=2, right=3, bottom=4, label="car")))
    both = point.annotations.builder()
    both.add(dl.Point(x=1, y=2, label="nose"))
    both.add(dl.Box(left=1, top=2, right=3, bottom=4, label="nose"))
    point.annotations.upload(both)

    def joined(*conditions):
        filters = dl.Filters()
        for field, value, *operator in conditions:
            filters.add_join(field=field, values=value, operator=operator[0] if operator else None)
        return a.names(ds, filters)

    in_rows = "select '/' || d.path || i.name from item i join dir d using (dataset_no, dir_no) where i.dataset_no = $1 and exists (select from annotation n where n.dataset_no = i.dataset_no and n.item_no = i.item_no and %s) order by 1"
    a.check("items with a label", joined(("label", "car")), a.column(in_rows % "label = 'car'", a.no_of(ds)))
    a.check("with a type", joined(("type", "point")), a.column(in_rows % "type = 'point'", a.no_of(ds)))
    a.check("one annotation satisfies all", joined(("type", "point"), ("label", "car")), [])
    a.check("not a box: items with something else only", joined(("type", "box", ops.NOT_EQUAL)), ["/dir1/one.jpg"])
    a.check("annotated ones", find(("annotated", True)), ["/dir1/one.jpg", "/root.jpg"])
    a.check("and not", len(find(("annotated", False))), len(PATHS) - 2)
    filters = dl.Filters(resource=dl.FiltersResource.ANNOTATION)
    filters.add_join(field="name", values="root.jpg")
    a.check("annotations by their items", [n.label for n in ds.annotations.list(filters=filters).all()], ["car"])


@a.step
def update_by_query():
    changed = ds.items.update(filters=dl.Filters(field="dir", values="/dir1"), update_values={"marked": {"by": "query"}})
    a.check("the update answers", changed is not None)
    a.check("user metadata is merged into what matches", where("u->'marked'->>'by' = 'query'"), ["/dir1/one.jpg", "/dir1/two.png"])
    a.check("what was there stays", a.value("select count(*)::int from item i where dataset_no = $1 and metadata->'user'->>'n' is not null", a.no_of(ds)), len(PATHS))
    ds.items.update(filters=dl.Filters(field="name", values="root.txt"), system_update_values={"sys": 1}, system_metadata=True)
    a.check("system metadata when asked for", dl.items.get(item_id=items["/root.txt"].id).metadata["system"].get("sys"), 1)


@a.step
def missing_from_malformed():
    for name, query in [("an unknown operator", {"$and": [{"name": {"$regex": "x"}}]}), ("an unknown field", {"$and": [{"sql": "x"}]}), ("a filter that is no object", 5), ("and that is no list", {"$and": {"name": "x"}})]:
        answer = a.api("POST", f"/datasets/{ds.id}/query", json={"filter": query, "page": 0, "pageSize": 10, "resource": "items"})
        a.check(f"{name} is 400 with a message", [answer.status_code, bool(answer.json().get("message"))], [400, True])
    deep = '{"filter":' + '{"$and":[' * 5000 + '{"name":"x"}' + "]}" * 5000 + "}"
    answer = a.api("POST", f"/datasets/{ds.id}/query", data=deep, headers={"content-type": "application/json"})
    a.check("nesting without end too", answer.status_code, 400)


@a.step
def thousands():
    big = a.dataset("thousands")
    number = a.no_of(big)
    for no in range(3):
        a.upload(big, f"/seed{no}.txt", str(no))
    folder = a.value("select min(dir_no) from dir where dataset_no = $1", number)
    a.rows(
        "with made as (insert into item (item_no, size_bytes, ticket, dataset_no, dir_no, type_no, name, etag) "
        "select (select max(item_no) from item where dataset_no = $1) + n, 1, 1, $1, $2, (select min(type_no) from media_type), 'n' || n || '.txt', '\\x00' "
        "from generate_series(1, 4200) n returning 1) select count(*)::int from made",
        number,
        folder,
    )
    a.rows(
        "update dir set items = items + 4200, deep_items = deep_items + 4200, bytes = bytes + 4200, deep_bytes = deep_bytes + 4200 "
        "where dataset_no = $1 and dir_no = $2",
        number,
        folder,
    )
    a.rows("update dataset_numbers set last_item_no = (select max(item_no) from item where dataset_no = $1) where dataset_no = $1", number)
    calls.clear()
    seen = [item.id for item in big.items.list(page_size=500).all()]
    a.check("iteration gives each item once", [len(seen), len(set(seen))], [4203, 4203])
    a.check("by pages of 500", len([c for c in calls if c[1].endswith("/query")]) <= 12)
    filters = dl.Filters()
    filters.sort_by(field="createdAt", value=dl.FiltersOrderByDirection.DESCENDING)
    seen = [item.id for item in big.items.list(filters=filters, page_size=500).all()]
    a.check("backwards by creation too", [len(seen), len(set(seen)), seen == sorted(seen, reverse=True)], [4203, 4203, True])
    a.check("counted", big.items.list(page_size=1).items_count, a.value("select count(*)::int from item where dataset_no = $1", number))


@a.step
def delete_by_query():
    ds.items.delete(filters=dl.Filters(field="metadata.user.even", values=True))
    a.check("what matches is gone", a.paths(ds, "i.state = 0"), sorted(p for n, p in enumerate(PATHS) if n % 2))
    a.check("the list agrees", find(), a.paths(ds, "i.state = 0"))


@a.step
def saved_filters():
    # Without a join the SDK cannot save one.
    filters = dl.Filters(field="name", values="*.jpg")
    filters.add_join(field="label", values="nose")
    filters.save(project=a.project, filter_name="mine")
    a.check("a saved filter is listed", "mine" in str(dl.Filters.list(project=a.project)))
    loaded = dl.Filters.load(project=a.project, filter_name="mine")
    a.check("and loaded", a.names(ds, loaded), a.names(ds, filters))


a.run()
