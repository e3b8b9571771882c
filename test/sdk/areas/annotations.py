"""Annotations of every type: upload, read back unchanged, list, filter, change, delete; counters stay exact."""
import json
import os

import numpy
from frame import Area, dl

a = Area("annotations")
ds = a.dataset("ann", labels=[dl.Label(tag="cat", color=(255, 0, 0)), dl.Label(tag="dog", color=(0, 255, 0))])
KEYS = set("attributes createdAt creator dataset datasetId hash id item itemId label metadata source type updatedAt updatedBy url".split())
OPTIONAL = {"coordinates", "description", "labelSuggestions"}
number = 0


def new_item():
    global number
    number += 1
    return a.upload(ds, f"/i{number}.jpg", b"not really a picture %d" % number)


def stored(item):
    """Rows of an item's annotations in the order of their making."""
    return a.rows(
        "select n.type, n.label, n.coordinates, n.attributes, n.metadata, n.description from annotation n join dataset d using (dataset_no) "
        "where d.id = $1 and n.item_no = $2::bit(64)::bigint order by annotation_no",
        ds.id,
        f"{int(item.id[8:], 16):064b}",
    )


def counters():
    """What the rows say, and what the dataset and the items were told."""
    rows = a.rows(
        "select (select count(*)::int from annotation where dataset_no = d.dataset_no) as annotations, "
        "(select count(distinct item_no)::int from annotation where dataset_no = d.dataset_no) as annotated from dataset d where id = $1",
        ds.id,
    )[0]
    body = a.api("GET", f"/datasets/{ds.id}").json()
    return [body["annotationsCount"], body["annotated"]], [rows["annotations"], rows["annotated"]]


DEFINITIONS = {
    "box": lambda: dl.Box(left=1.25, top=2.5, right=30.123456789, bottom=40, label="cat"),
    "rotated box": lambda: dl.Box(left=1, top=2, right=30, bottom=40, label="cat", angle=33.5),
    "point": lambda: dl.Point(x=1.1, y=2.2, label="cat"),
    "polygon": lambda: dl.Polygon(geo=[[1, 2], [3.3, 4], [5, 6.7]], label="dog"),
    "polyline": lambda: dl.Polyline(geo=[[1, 2], [3, 4], [5, 6]], label="dog"),
    "ellipse": lambda: dl.Ellipse(x=10, y=20, rx=3.5, ry=4, angle=15, label="cat"),
    "class": lambda: dl.Classification(label="cat"),
    "cube": lambda: dl.Cube(label="cat", front_tl=[1, 2], front_tr=[3, 4], front_br=[5, 6], front_bl=[7, 8], back_tl=[9, 1], back_tr=[2, 3], back_br=[4, 5], back_bl=[6, 7]),
    "cube 3d": lambda: dl.Cube3d(label="cat", position=[1, 2, 3], scale=[4, 5, 6], rotation=[0.1, 0.2, 0.3]),
    "subtitle": lambda: dl.Subtitle(text="said ü", label="dog"),
    "text mark": lambda: dl.Text(text_type="block", start=3, end=9, label="cat"),
    "free text": lambda: dl.FreeText(text="some words", label="cat"),
    "segmentation": lambda: dl.Segmentation(geo=numpy.eye(16, dtype="uint8"), label="cat"),
    "note": lambda: dl.Note(left=1, top=2, right=3, bottom=4, label="note", messages=[]),
    "pose": lambda: dl.Pose(label="cat", template_id="t1"),
}


@a.step
def every_type():
    for name, make in DEFINITIONS.items():
        item = new_item()
        sent = dl.Annotation.new(annotation_definition=make(), item=item)
        made = item.annotations.upload([sent])
        rows = stored(item)
        a.check(f"{name}: one row", len(rows), 1)
        a.check(f"{name}: its coordinates are stored as they were sent", rows[0]["coordinates"], sent.to_json().get("coordinates") or None)
        a.check(f"{name}: type and label", [rows[0]["type"], rows[0]["label"]], [made[0].type, made[0].label])
        again = item.annotations.list()
        a.check(f"{name}: it is listed", [n.id for n in again], [made[0].id] if name != "note" else [n.id for n in again])
        a.check(f"{name}: unchanged", dl.annotations.get(annotation_id=made[0].id).to_json()["coordinates"] if name != "class" else None, made[0].to_json()["coordinates"] if name != "class" else None)


@a.step
def shape():
    item = new_item()
    made = item.annotations.upload(dl.Annotation.new(annotation_definition=dl.Box(left=1, top=2, right=3, bottom=4, label="cat", attributes={"a": "b"}), metadata={"user": {"k": 1}}))[0]
    body = a.api("GET", f"/datasets/{ds.id}/items/{item.id}/annotations/{made.id}").json()
    a.check("the answer has exactly the keys", sorted(set(body) - OPTIONAL), sorted(KEYS))
    a.check("the other address gives the same", a.api("GET", f"/annotations/{made.id}").json(), body)
    a.check("who made it", [body["creator"], body["updatedBy"]], [a.task["email"], a.task["email"]])
    a.check("where it is", [body["itemId"], body["datasetId"]], [item.id, ds.id])
    a.check("metadata", body["metadata"]["user"], {"k": 1})
    a.check("there is a hash", bool(body["hash"]))
    a.check("a class has no coordinates", "coordinates" in a.api("GET", f"/annotations/{new_item().annotations.upload(dl.Annotation.new(annotation_definition=dl.Classification(label='cat')))[0].id}").json(), False)
    a.check("a malformed id is 400", a.api("GET", "/annotations/nonsense").status_code, 400)
    a.check("an unknown one 404", a.api("GET", f"/annotations/{'0' * 24}").status_code, 404)


@a.step
def batches():
    item = new_item()
    builder = item.annotations.builder()
    for no in range(250):
        builder.add(dl.Point(x=no, y=no / 3, label="cat" if no % 2 else "dog"))
    made = item.annotations.upload(builder)
    a.check("250 in batches of 100", [len(made), len(stored(item))], [250, 250])
    a.check("each once", sorted(n.x for n in made), list(range(250)))
    a.check("and stored so", sorted(row["coordinates"]["x"] for row in stored(item)), list(range(250)))
    one = [{"type": "point", "label": "cat", "coordinates": {"x": no, "y": 0, "z": 0}, "metadata": {}} for no in range(40)]
    ordered = a.api("POST", f"/items/{new_item().id}/annotations", json=one).json()
    a.check("one batch is answered in its order", [n["coordinates"]["x"] for n in ordered], list(range(40)))
    a.check("with ids in it too", [n["id"] for n in ordered], sorted(n["id"] for n in ordered))
    a.check("the item is annotated", [dl.items.get(item_id=item.id).annotated, dl.items.get(item_id=item.id).annotations_count], [True, 250])
    a.check("the dataset counts", *counters())
    filters = dl.Filters(resource=dl.FiltersResource.ANNOTATION, field="label", values="dog")
    filters.add(field="itemId", values=item.id)
    pages = ds.annotations.list(filters=filters, page_size=20)
    a.check("a filter finds by label over pages", len(list(pages.all())), 125)


@a.step
def listing():
    item = new_item()
    item.annotations.upload([dl.Annotation.new(annotation_definition=dl.Box(left=1, top=2, right=3, bottom=4, label="cat", attributes={"colour": "red"})), dl.Annotation.new(annotation_definition=dl.Point(x=1, y=2, label="dog"))])

    def found(field, values, **more):
        filters = dl.Filters(resource=dl.FiltersResource.ANNOTATION, field=field, values=values, **more)
        filters.add(field="itemId", values=item.id)
        return sorted(n.label for n in ds.annotations.list(filters=filters).all())

    a.check("by type", found("type", "box"), ["cat"])
    a.check("by label", found("label", "dog"), ["dog"])
    a.check("by labels", found("label", ["dog", "cat"], operator="in"), ["cat", "dog"])
    a.check("by creator", found("creator", a.task["email"]), ["cat", "dog"])
    a.check("by attribute", found("metadata.system.attributes.colour", "red") or found("attributes.colour", "red"), ["cat"])
    a.check("of the item", sorted(n.label for n in item.annotations.list()), ["cat", "dog"])


@a.step
def update():
    item = new_item()
    made = item.annotations.upload(dl.Annotation.new(annotation_definition=dl.Box(left=1, top=2, right=3, bottom=4, label="cat")))[0]
    made.label = "dog"
    made.metadata["user"] = {"x": [1]}
    made = made.update()
    a.check("the label changes", [stored(item)[0]["label"], made.label], ["dog", "dog"])
    a.check("metadata too", stored(item)[0]["metadata"]["user"], {"x": [1]})
    made.top = 7.5
    made.update()
    a.check("and the place", stored(item)[0]["coordinates"][0]["y"], 7.5)
    made.attributes = {"big": "yes"}
    made.update(system_metadata=True)
    a.check("and attributes", dl.annotations.get(annotation_id=made.id).attributes, {"big": "yes"})
    made.description = "what it is"
    made.update()
    a.check("a description", stored(item)[0]["description"], "what it is")
    a.check("who changed it", dl.annotations.get(annotation_id=made.id).updated_by, a.task["email"])
    made.update_status(dl.AnnotationStatus.ISSUE)
    a.check("a status", dl.annotations.get(annotation_id=made.id).status, "issue")


@a.step
def delete():
    item = new_item()
    made = item.annotations.upload([dl.Annotation.new(annotation_definition=dl.Point(x=no, y=1, label="cat" if no < 3 else "dog")) for no in range(6)])
    a.check("one by one", made[0].delete())
    a.check("it is gone", len(stored(item)), 5)
    filters = dl.Filters(resource=dl.FiltersResource.ANNOTATION, field="label", values="dog")
    filters.add(field="itemId", values=item.id)
    ds.annotations.delete(filters=filters)
    a.check("by filter", [row["label"] for row in stored(item)], ["cat", "cat"])
    a.check("the item's count follows", dl.items.get(item_id=item.id).annotations_count, 2)
    for left in item.annotations.list():
        left.delete()
    a.check("without any it is not annotated", dl.items.get(item_id=item.id).annotated, False)
    a.check("the dataset counts", *counters())
    other = new_item()
    other.annotations.upload(dl.Annotation.new(annotation_definition=dl.Classification(label="cat")))
    other.delete()
    a.check("an item takes its own along", *counters())


@a.step
def video():
    item = a.upload(ds, "/v.mp4", b"not really a film", item_metadata={"fps": 25})
    sent = dl.Annotation.new(annotation_definition=dl.Box(left=1, top=2, right=3, bottom=4, label="cat"), item=item, frame_num=0, start_time=0, end_time=2)
    sent.add_frame(annotation_definition=dl.Box(left=5, top=6, right=7, bottom=8, label="cat"), frame_num=20)
    item.annotations.upload([sent])
    system = stored(item)[0]["metadata"]["system"]
    a.check("key frames are stored", [s["frame"] for s in system.get("snapshots_", [])], [20])
    a.check("and read back", dl.items.get(item_id=item.id).annotations.list()[0].end_frame, system["endFrame"])


@a.step
def upload_with_item():
    path = os.path.join(a.state, "withann")
    os.makedirs(os.path.join(path, "items"), exist_ok=True)
    os.makedirs(os.path.join(path, "json"), exist_ok=True)
    with open(os.path.join(path, "items", "w.jpg"), "wb") as file:
        file.write(b"picture")
    document = {"annotations": [dl.Annotation.new(annotation_definition=dl.Box(left=1, top=2, right=3, bottom=4, label="cat")).to_json()]}
    with open(os.path.join(path, "json", "w.json"), "w") as file:
        json.dump(document, file)
    item = ds.items.upload(local_path=os.path.join(path, "items", "w.jpg"), local_annotations_path=os.path.join(path, "json", "w.json"), raise_on_error=True)
    a.check("annotations that accompany an upload are there", [row["label"] for row in stored(item)], ["cat"])
    ds.items.upload(local_path=os.path.join(path, "items", "w.jpg"), local_annotations_path=os.path.join(path, "json", "w.json"), raise_on_error=True)
    a.check("a skipped upload brings none", len(stored(item)), 1)


@a.step
def download():
    item = new_item()
    item.annotations.upload(dl.Annotation.new(annotation_definition=dl.Box(left=1, top=2, right=3, bottom=4, label="cat")))
    file = item.annotations.download(filepath=os.path.join(a.state, "one.json"), annotation_format=dl.ViewAnnotationOptions.JSON, height=10, width=10)
    with open(file if isinstance(file, str) else os.path.join(a.state, "one.json")) as opened:
        a.check("as JSON", [n["label"] for n in json.load(opened)["annotations"]], ["cat"])


@a.step
def refused():
    item = new_item()
    for name, body in [("without a type", [{"label": "x"}]), ("of an unknown type", [{"type": "nonsense", "label": "x"}]), ("that is no object", [5])]:
        answer = a.api("POST", f"/items/{item.id}/annotations", json=body)
        a.check(f"an annotation {name} is 400", [answer.status_code, bool(answer.json().get("message"))], [400, True])
    a.check("nothing was stored", stored(item), [])


a.run()
