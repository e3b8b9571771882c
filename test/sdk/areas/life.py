"""The life of datasets and what may be done to clones: read-only, deletion and restoration, folders, data points, and the rules of cloning and merging."""
import datetime

from frame import Area, dl

a = Area("life")


def filled(stem="filled", driver=None):
    ds = a.dataset(stem)
    for path in ("/a.txt", "/f/b.txt", "/f/g/c.txt", "/other/d.txt"):
        a.upload(ds, path, f"in {path}", item_metadata={"user": {"path": path}})
    box = dl.Annotation.new(annotation_definition=dl.Box(left=1, top=2, right=3, bottom=4, label="cat"))
    ds.items.get(filepath="/a.txt").annotations.upload([box, box])
    return dl.datasets.get(dataset_id=ds.id)


def in_days(days):
    return (datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(days=days)).isoformat()


def sight(ds):
    """What the SDK shows of a dataset's items and annotations."""
    items = list(ds.items.list().all())
    return [
        sorted([item.id, item.filename, item.metadata["user"]["path"], item.annotations_count] for item in items),
        sorted(annotation.id for item in items for annotation in item.annotations.list()),
        ds.items.get(filepath="/f/b.txt").download(save_locally=False).read().decode(),
    ]


def points():
    return a.value("select used from data_points where org_id = (select org_id from project where id = $1)", a.project.id)


def counted():
    return a.value(
        """select (select count(*) from item i join dataset d using (dataset_no) join project p on p.id = d.project_id
                    where p.org_id = o.org_id and not d.is_system)
                + (select coalesce(sum(n.points), 0) from annotation n join item i using (dataset_no, item_no) join dataset d using (dataset_no)
                    join project p on p.id = d.project_id where p.org_id = o.org_id) as n
             from (select org_id from project where id = $1) o""",
        a.project.id,
    )


@a.step
def later():
    ds = filled("later")
    before, json = sight(ds), ds.to_json()
    answer = a.api("DELETE", f"/datasets/{ds.id}", params={"targetDate": in_days(3)})
    a.check("a deletion at a later time is taken", [answer.status_code, answer.json()["id"]], [200, ds.id])
    a.raises("the SDK does not find it", 404, lambda: dl.datasets.get(dataset_id=ds.id))
    a.check("lists do not show it", ds.name in {d.name for d in a.project.datasets.list()}, False)
    a.raises("nor its items", 404, lambda: dl.items.get(item_id=before[0][0][0]))
    # The SDK makes a 400 of whatever an upload fails with, and tells the server's words in its message.
    a.raises("nothing is uploaded into it", 400, lambda: a.upload(ds, "/late.txt"), "no such dataset")
    a.raises("nor deleted from it", 404, lambda: ds.items.delete(filters=dl.Filters(field="filename", values="/a.txt")))
    a.raises("it is not deleted twice by the SDK", 404, lambda: ds.delete(sure=True, really=True))
    a.check("its rows are there", a.value("select count(*)::int from item where dataset_no = (select dataset_no from dataset where id = $1)", ds.id), 4)
    listed = a.api("GET", f"/projects/{a.project.id}/deletedDatasets").json()
    a.check("it is listed with those that can be restored", [row["id"] for row in listed], [ds.id])
    a.check("restoring says yes", a.api("POST", f"/datasets/{ds.id}/restore").status_code, 200)
    again = dl.datasets.get(dataset_id=ds.id)
    a.check("the dataset is what it was", again.to_json(), json)
    a.check("and so are items, annotations and files", sight(again), before)


@a.step
def read_only():
    ds = filled("frozen")
    a.api("PATCH", f"/datasets/{ds.id}", json={"readonly": True})
    frozen = dl.datasets.get(dataset_id=ds.id)
    a.check("the SDK shows it read-only", frozen.readonly)
    filters = dl.Filters(resource=dl.FiltersResource.DATASET, field="readonly", values=True)
    a.check("and finds it so", ds.name in {d.name for d in a.project.datasets.list(filters=filters)})
    item = frozen.items.get(filepath="/a.txt")
    a.raises("no upload", 400, lambda: a.upload(frozen, "/new.txt"), "read-only")
    a.raises("no deletion", 409, item.delete)
    a.raises("no move", 409, lambda: item.move(new_path="/elsewhere/a.txt"))
    item.metadata["user"]["x"] = 1
    a.raises("no change", 409, item.update)
    # The SDK fails over every refusal of annotations before it tells the reason, so the server is asked.
    box = {"type": "box", "label": "dog", "coordinates": [{"x": 1, "y": 2}, {"x": 3, "y": 4}]}
    a.check("no annotation", a.api("POST", f"/items/{item.id}/annotations", json=[box]).json().get("code"), "dataset.readonly")
    a.raises("no deletion by query", 409, lambda: frozen.items.delete(filters=dl.Filters(field="filename", values="/a.txt")))
    a.raises("no folder", 409, lambda: frozen.items.make_dir(directory="/new"))
    a.check("nothing changed", a.paths(ds), ["/a.txt", "/f/b.txt", "/f/g/c.txt", "/other/d.txt"])
    copy = frozen.clone(clone_name=a.unique("of frozen"))
    a.check("it can be cloned", a.paths(copy), a.paths(ds))
    a.api("PATCH", f"/datasets/{ds.id}", json={"readonly": False})
    a.upload(ds, "/new.txt")
    a.check("and thawed", "/new.txt" in a.paths(ds))


@a.step
def kinds():
    ds = filled("kinds")
    copy = ds.clone(clone_name=a.unique("kinds copy"))
    merged = a.unique("kinds merged")
    a.project.datasets.merge(merge_name=merged, dataset_ids=[ds.id, copy.id], project_ids=a.project.id)

    def found(kind):
        filters = dl.Filters(resource=dl.FiltersResource.DATASET, field="readableType", values=kind)
        names = {d.name for d in a.project.datasets.list(filters=filters)}
        return sorted(names & {ds.name, copy.name, merged})

    a.check("masters, clones and merges are told apart", [found("master"), found("clone"), found("merge")], [[ds.name], [copy.name], [merged]])


@a.step
def folders():
    ds = filled("folders")
    pages = ds.items.list(filters=dl.Filters(custom_filter={"filter": {"$and": [{"type": "dir"}, {"filename": "/f"}]}}))
    folder = pages.items[0]
    a.check("deleting a folder says yes", ds.items.delete(item_id=folder.id))
    a.check("all that was in it is gone", a.paths(ds), ["/a.txt", "/other/d.txt"])
    # Not recursive: the SDK would mean what is in the folder.
    filters = dl.Filters(use_defaults=False)
    filters.recursive = False
    filters.add(field="type", values="dir")
    filters.add(field="filename", values="/other")
    a.check("so does deleting it by a query", ds.items.delete(filters=filters))
    a.check("and that is gone, too", a.paths(ds), ["/a.txt"])
    a.check("the tree has the root alone", sorted(ds.directory_tree.dir_names), ["/"])
    a.check("counters follow", dl.datasets.get(dataset_id=ds.id).items_count, 1)


@a.step
def data_points():
    """In an organization of its own: other areas run at the same time."""
    shared = a.project
    a.project = dl.projects.create(project_name=a.unique("counted"))
    try:
        org = a.api("POST", "/orgs", json={"name": a.unique("counted")}).json()["id"]
        a.check("a project moves to an organization", a.api("PATCH", f"/projects/{a.project.id}/org", data={"org_id": org}).status_code, 200)
        count_data_points(org)
    finally:
        a.project = shared


def count_data_points(org):
    before = points()
    ds = filled("points")
    a.check("a file and an annotation use one each", points() - before, 6)
    item = ds.items.get(filepath="/a.txt")
    item.annotations.list()[0].delete()
    a.check("one that is deleted gives it back", points() - before, 5)
    copy = ds.clone(clone_name=a.unique("points copy"))
    a.check("those of a clone count", points() - before, 10)
    ds.items.delete(filters=dl.Filters(field="filename", values="/a.txt"))
    a.check("an item gives back its annotations, too", points() - before, 8)
    a.api("PATCH", f"/orgs/{org}/dataPoints", json={"max": points() + 1})
    try:
        item = copy.items.get(filepath="/f/b.txt")
        box = dl.Annotation.new(annotation_definition=dl.Box(left=1, top=2, right=3, bottom=4, label="dog"))
        refused = a.api("POST", f"/items/{item.id}/annotations", json=[box.to_json(), box.to_json()])
        a.check("annotations that do not fit are refused with the quota's code", refused.json().get("code"), "quota.exceeded")
        a.check("and none is there", a.value("select count(*)::int from annotation where dataset_no = $1", a.no_of(copy)), 1)
        item.annotations.upload(box)
        a.check("those that fit are taken", points() - before, 9)
    finally:
        a.api("PATCH", f"/orgs/{org}/dataPoints", json={"max": None})
    for dataset in (copy, ds):
        dataset.delete(sure=True, really=True)
    a.check("datasets give back all they used", points(), before)
    a.check("the counter is what the rows say", points(), counted())


def objects():
    """The bucket's objects without the platform's own."""
    return [key for key in a.keys("life/") if "/.dataloop/" not in key]


@a.step
def one_storage():
    ds = filled("internal")
    a.put("life/one.txt", "one")
    a.put("life/two.txt", "two")
    a.put("life2/three.txt", "three")
    external = a.project.datasets.create(dataset_name=a.unique("external"), driver=a.driver("life"))
    other = a.project.datasets.create(dataset_name=a.unique("external 2"), driver=a.driver("life2"))
    external.sync()
    other.sync()
    one, three = external.items.get(filepath="/one.txt"), other.items.get(filepath="/three.txt")
    a.raises("from platform to bucket", 400, lambda: ds.items.get(filepath="/a.txt").clone(dst_dataset_id=external.id), "storage")
    a.raises("from bucket to platform", 400, lambda: one.clone(dst_dataset_id=ds.id), "storage")
    a.raises("from bucket to bucket", 400, lambda: three.clone(dst_dataset_id=external.id), "storage")
    merge = lambda: a.project.datasets.merge(merge_name=a.unique("no"), dataset_ids=[ds.id, external.id], project_ids=a.project.id)
    a.raises("a merge follows the same rule", 400, merge, "storage")
    a.raises("a file of a bucket is not renamed", 409, lambda: one.move(new_path="/elsewhere.txt"))
    one.filename = "/renamed.txt"
    a.raises("nor by an update", 409, one.update)
    a.raises("nor moved with others", 409, lambda: external.items.move_items(destination="/into", items=[external.items.get(filepath="/two.txt")]))
    a.check("the bucket is as it was", objects(), ["life/one.txt", "life/two.txt"])
    copy = external.clone(clone_name=a.unique("external copy"))
    a.put("life/new.txt", "new")
    external.sync()
    a.check("what is new at the master is not in its clone", a.paths(copy), ["/one.txt", "/two.txt"])
    copy.items.move_items(destination="/into", items=list(copy.items.list().all()))
    a.check("a clone has paths of its own", a.paths(copy), ["/into/one.txt", "/into/two.txt"])
    a.check("of which the bucket knows nothing", objects(), ["life/new.txt", "life/one.txt", "life/two.txt"])
    a.remove("life/one.txt")
    external.sync()
    lost = dl.Filters(custom_filter={"filter": {"$and": [{"state": "missing"}]}})
    a.check("what is gone at the master is missing in its clone", a.until(lambda: a.names(copy, lost)), ["/into/one.txt"])
    a.put("life/one.txt", "one")
    external.sync()
    a.check("and there again with the file", a.until(lambda: a.names(copy, lost) == []))
    external.delete(sure=True, really=True)
    a.check("a clone still streams when its master is gone", copy.items.get(filepath="/into/two.txt").download(save_locally=False).read().decode(), "two")
    told = a.api("GET", f"/datasets/{copy.id}/deletion").json()
    a.check("the driver's other datasets are counted", told["otherDatasetsCount"], 0)
    a.remove("life/two.txt")
    gone = a.api("GET", f"/items/{copy.items.get(filepath='/into/two.txt').id}/stream")
    a.check("a clone of a file that is gone has no bytes of another", gone.status_code, 404)


@a.step
def merging():
    one, two = filled("sum one"), a.dataset("sum two")
    a.upload(two, "/a.txt", "another a")
    two.metadata["system"]["recipes"] = one.metadata["system"].get("recipes", [])
    two.update(system_metadata=True)
    name = a.unique("sum")
    a.project.datasets.merge(merge_name=name, dataset_ids=[one.id, two.id], project_ids=a.project.id)
    merged = a.project.datasets.get(dataset_name=name)
    a.check("what is not related is added up", merged.items_count, 5)
    third = a.project.datasets.create(dataset_name=a.unique("recipe"), labels=[dl.Label(tag="x", color=(1, 2, 3))])
    merge = lambda: a.project.datasets.merge(merge_name=a.unique("no"), dataset_ids=[one.id, third.id], project_ids=a.project.id)
    a.raises("other recipes do not merge", 400, merge, "recipe")


@a.step
def many():
    ds, target = filled("once"), a.dataset("target")
    item = ds.items.get(filepath="/f/b.txt")
    first = item.clone(dst_dataset_id=target.id)
    a.check("a clone keeps its folders", first.filename, "/f/b.txt")
    a.raises("there is one of each item unless said", 424, lambda: item.clone(dst_dataset_id=target.id, remote_filepath="/second.txt"), "allowMany")
    more = item.clone(dst_dataset_id=target.id, remote_filepath="/second.txt", allow_many=True)
    a.check("and many when said", [more.filename, a.paths(target)], ["/second.txt", ["/f/b.txt", "/second.txt"]])
    stored = a.column("select distinct object_key from item where dataset_no = any($1) and name in ('b.txt', 'second.txt')", [a.no_of(ds), a.no_of(target)])
    a.check("all of the same object", len(stored), 1)
    item.delete()
    a.check("which stays while one refers to it", more.download(save_locally=False).read().decode(), "in /f/b.txt")


a.run()
