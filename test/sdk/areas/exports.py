"""Exports of every kind: what is in the files is what the database holds."""
import json
import os

from frame import Area, dl

a = Area("exports")
ds = a.dataset("export")
for number in range(8):
    made = a.upload(ds, f"/e{number % 2}/f{number}.jpg", b"%d" % number, item_metadata={"user": {"n": number}})
    if number < 3:
        made.annotations.upload(dl.Annotation.new(annotation_definition=dl.Box(left=number, top=1, right=9, bottom=9, label="cat")))


#: SQL of what is not hidden; the SDK writes a hidden file of its own into the dataset.
VISIBLE = "i.flags & 1 = 0"


def out(name):
    path = os.path.join(a.state, name)
    os.makedirs(path, exist_ok=True)
    return path


def documents(folder):
    """Item documents in all the JSON files below a folder."""
    found = []
    for root, _, names in os.walk(folder):
        for name in names:
            if name.endswith(".json"):
                with open(os.path.join(root, name), encoding="utf-8") as file:
                    content = json.load(file)
                found += content if isinstance(content, list) else [content]
    return found


@a.step
def as_json():
    folder = out("json")
    ds.export(local_path=folder, include_annotations=True)
    found = documents(folder)
    a.check("every item is in it", sorted(d["filename"] for d in found), a.paths(ds))
    a.check("with its metadata", sorted(d["metadata"]["user"]["n"] for d in found), list(range(8)))
    a.check("and its annotations", sorted(n["label"] for d in found for n in d.get("annotations") or []), a.column("select label from annotation where dataset_no = $1", a.no_of(ds)))
    ids = sorted(d["id"] for d in found)
    a.check("under its id", ids, sorted(item.id for item in ds.items.list().all()))


@a.step
def filtered():
    folder = out("filtered")
    ds.export(local_path=folder, filters=dl.Filters(field="dir", values="/e0"))
    found = documents(folder)
    a.check("only what the filter finds", sorted(d["filename"] for d in found), a.paths(ds, "d.path = 'e0/'"))
    a.check("without annotations", any(d.get("annotations") for d in found if isinstance(d.get("annotations"), list)), False)
    labelled = out("labelled")
    ds.export(local_path=labelled, include_annotations=True, annotation_filters=dl.Filters(resource=dl.FiltersResource.ANNOTATION, field="label", values="none"))
    a.check("annotations by their own filter", sum(len(d.get("annotations") or []) for d in documents(labelled)), 0)


@a.step
def as_zip():
    folder = out("zip")
    ds.export(local_path=folder, include_annotations=True, export_type=dl.ExportType.ZIP)
    found = documents(folder)
    a.check("a file an item", sorted(d["filename"] for d in found if "filename" in d), a.paths(ds))


@a.step
def annotations():
    folder = out("annotations")
    ds.download_annotations(local_path=folder, annotation_options=[dl.ViewAnnotationOptions.JSON])
    found = documents(os.path.join(folder, "json"))
    a.check("download_annotations gives a file an item", len(found), len(a.paths(ds)))
    a.check("with the annotations", sorted(n["label"] for d in found for n in d["annotations"]), ["cat", "cat", "cat"])


@a.step
def the_file_is_an_item():
    before = a.value("select count(*)::int from item i join dataset d using (dataset_no) where d.project_id = $1 and d.is_system", a.project.id)
    ds.export(local_path=out("item"))
    after = a.value("select count(*)::int from item i join dataset d using (dataset_no) where d.project_id = $1 and d.is_system", a.project.id)
    a.check("the file is an item of the hidden dataset", after - before, 1)
    a.check("not of the exported one", len(a.paths(ds)), 8)


@a.step
def locked():
    ds.export(local_path=out("locked"), dataset_lock=True, lock_timeout_sec=60)
    a.check("a locked export unlocks at its end", a.until(lambda: a.value("select locked_until is null or locked_until < now() from dataset where id = $1", ds.id)))
    a.check("and items can be written again", bool(a.upload(ds, "/after.txt", "x").id))
    ds.items.get(filepath="/after.txt").delete()


@a.step
def empty():
    nothing = a.dataset("empty")
    folder = out("empty")
    nothing.export(local_path=folder)
    a.check("an empty dataset exports nothing", documents(folder), [])


@a.step
def history():
    body = {"sortBy": "createdAt", "sortOrder": "descending", "projects": [a.project.id], "datasetId": ds.id}
    answer = a.api("POST", "/datasets/exports", json=body)
    a.check("the history names the exports", {record["status"] for record in answer.json()["records"]}, {"success"})


@a.step
def version_3():
    folder = out("v3")
    manifest = ds.export(local_path=folder, export_version=dl.DatasetExportVersion.V3, export_mode=dl.ExportMode.FULL)
    a.check("the manifest counts the records", manifest.total_records, len(a.paths(ds, VISIBLE)))
    names = []
    for path in manifest.downloaded_files:
        with open(path, encoding="utf-8") as file:
            names += [json.loads(line) for line in file if line.strip()]
    a.check("the files hold as many", len(names), len(a.paths(ds, VISIBLE)))
    a.check("of these items", sorted(str(n.get("filename") or n.get("item", {}).get("filename")) for n in names), a.paths(ds, VISIBLE))


a.run()
