"""Annotations as files: every format the SDK writes of one, of an item and of a dataset, collections and what they do, and items that differ in their extension only."""
import importlib.util
import io
import json
import os

import numpy
from frame import Area, dl
from PIL import Image

a = Area("annotation-files")
#: What is drawn, the SDK draws with OpenCV, which it leaves to its users to install.
DRAWS = importlib.util.find_spec("cv2") is not None
O = dl.ViewAnnotationOptions
ds = a.dataset("files", labels=[dl.Label(tag="cat", color=(255, 0, 0)), dl.Label(tag="dog", color=(0, 255, 0))])


def picture(width=60, height=40):
    out = io.BytesIO()
    Image.new("RGB", (width, height), (10, 10, 200)).save(out, "PNG")
    return out.getvalue()


def stored(item):
    """Labels of an item's annotations in the table."""
    return a.column(
        "select n.label from annotation n join dataset d using (dataset_no) where d.id = $1 and n.item_no = $2::bit(64)::bigint order by annotation_no",
        item.dataset_id if hasattr(item, "dataset_id") else ds.id,
        f"{int(item.id[8:], 16):064b}",
    )


def out(name):
    path = os.path.join(a.state, name)
    os.makedirs(path, exist_ok=True)
    return path


def files(folder):
    found = []
    for root, _, names in os.walk(folder):
        found += [os.path.relpath(os.path.join(root, name), folder) for name in names]
    return sorted(found)


def boxed(path, labels, where=None):
    item = a.upload(where or ds, path, picture())
    item.annotations.upload([dl.Annotation.new(annotation_definition=dl.Box(left=5 + 9 * no, top=5, right=12 + 9 * no, bottom=30, label=label)) for no, label in enumerate(labels)])
    return dl.items.get(item_id=item.id)


def pixel(path, x, y):
    return list(Image.open(path).convert("RGBA").getpixel((x, y)))


@a.step
def of_an_item():
    item = boxed("/one/a.png", ["cat", "dog"])
    folder = out("item")
    wanted = {O.JSON: ".json", O.VTT: ".vtt"}
    if DRAWS:
        wanted |= {O.MASK: ".png", O.INSTANCE: ".png", O.ANNOTATION_ON_IMAGE: ".png", O.OBJECT_ID: ".png"}
    for option, extension in wanted.items():
        path = item.annotations.download(filepath=os.path.join(folder, f"{option.value}{extension}"), annotation_format=option, img_filepath=item.download(local_path=out("original"), overwrite=True), height=40, width=60)
        a.check(f"{option.value} is written", os.path.isfile(path) and os.path.getsize(path) > 0)
    if DRAWS:
        a.check("a mask has the labels' colours", [pixel(os.path.join(folder, "mask.png"), x, 15)[:3] for x in (8, 17)], [[255, 0, 0], [0, 255, 0]])
    with open(os.path.join(folder, "json.json")) as file:
        a.check("JSON has all of them", [n["label"] for n in json.load(file)["annotations"]], stored(item))
    with open(os.path.join(folder, "vtt.vtt")) as file:
        a.check("VTT is one", file.read().startswith("WEBVTT"))
    one = item.annotations.list()[0]
    path = one.download(filepath=os.path.join(folder, "one.json"), annotation_format=O.JSON, height=40, width=60)
    a.check("one alone", os.path.isfile(path if isinstance(path, str) else os.path.join(folder, "one.json")))
    if DRAWS:
        shown = item.annotations.show(image=numpy.zeros((40, 60, 3), dtype="uint8"), color=(0, 0, 255))
        a.check("they are drawn", int(numpy.asarray(shown).sum()) > 0)


@a.step
def with_the_item():
    item = boxed("/one/b.png", ["cat"])
    folder = out("with")
    a.check("the file alone", os.path.getsize(item.download(local_path=os.path.join(folder, "alone"))), len(picture()))
    item.download(local_path=os.path.join(folder, "both"), annotation_options=[O.JSON] + ([O.MASK] if DRAWS else []))
    found = [name for name in files(folder) if name.endswith(".json")]
    with open(os.path.join(folder, found[0])) as file:
        a.check("with its annotations", [n["label"] for n in json.load(file)["annotations"]], ["cat"])
    held = item.download(save_locally=False)
    a.check("into memory", held.read(), picture())
    array = item.download(save_locally=False, to_array=True)
    a.check("as an array", list(array.shape), [40, 60, 3])
    a.check("what is there is kept", os.path.isfile(item.download(local_path=os.path.join(folder, "alone"), overwrite=False)))


@a.step
def of_a_dataset():
    many = a.dataset("many", labels=[dl.Label(tag="cat", color=(255, 0, 0))])
    for path in ("/d/a.png", "/d/e/b.png", "/c.png"):
        boxed(path, ["cat", "cat"], many)
    a.upload(many, "/none.png", picture())
    folder = out("dataset")
    many.download_annotations(local_path=folder, annotation_options=[O.JSON, O.VTT] + ([O.MASK] if DRAWS else []), overwrite=True)
    found = files(folder)
    a.check("a JSON each", sorted(name for name in found if name.endswith(".json")), ["json/c.json", "json/d/a.json", "json/d/e/b.json", "json/none.json"])
    if DRAWS:
        a.check("and a mask each", {name for name in found if name.startswith("mask")} >= {"mask/c.png", "mask/d/a.png", "mask/d/e/b.png"})
    second = out("dataset-v2")
    many.download_annotations(local_path=second, annotation_options=[O.JSON], export_version=dl.ExportVersion.V2)
    a.check("of the second version with their extensions", {"json/c.png.json", "json/d/a.png.json"} <= set(files(second)))
    filters = dl.Filters(resource=dl.FiltersResource.ANNOTATION, field="label", values="nothing")
    none = out("dataset-none")
    many.download_annotations(local_path=none, annotation_filters=filters)
    a.check("by a filter of annotations, items without are left out", files(none), [])
    whole = out("dataset-whole")
    many.download(local_path=whole, annotation_options=[O.JSON])
    found = files(whole)
    a.check("download brings the files", sorted(name for name in found if name.startswith("items")), ["items/c.png", "items/d/a.png", "items/d/e/b.png", "items/none.png"])
    with open(os.path.join(whole, "json", "d", "a.json")) as file:
        a.check("and the annotations", [n["label"] for n in json.load(file)["annotations"]], ["cat", "cat"])


@a.step
def same_name_other_extension():
    twins = a.dataset("twins", labels=[dl.Label(tag="cat", color=(255, 0, 0)), dl.Label(tag="dog", color=(0, 255, 0))])
    boxed("/t/x.png", ["cat"], twins)
    other = io.BytesIO()
    Image.new("RGB", (60, 40)).save(other, "JPEG")
    item = a.upload(twins, "/t/x.jpg", other.getvalue())
    item.annotations.upload(dl.Annotation.new(annotation_definition=dl.Box(left=5, top=5, right=12, bottom=30, label="dog")))
    folder = out("twins")
    twins.items.download(local_path=folder, annotation_options=[O.JSON], filters=dl.Filters(field="dir", values="/t"))
    names = [name for name in files(folder) if name.startswith("json")]
    a.check("each has a file of its own in the archive", {"json/t/x.jpg.json", "json/t/x.png.json"} <= set(names))
    labels = {}
    for name in ("x.jpg", "x.png"):
        with open(os.path.join(folder, "json", "t", name + ".json")) as file:
            labels[name] = [n["label"] for n in json.load(file)["annotations"]]
    a.check("with its own annotations", labels, {"x.jpg": ["dog"], "x.png": ["cat"]})


@a.step
def collections():
    item = a.upload(ds, "/coll/a.png", picture())
    builder = item.annotations.builder()
    builder.add(dl.Box(left=1, top=2, right=9, bottom=9, label="cat"))
    builder.add([dl.Point(x=1, y=2, label="dog"), dl.Classification(label="cat")])
    builder.upload()
    a.check("upload of a collection", stored(item), ["cat", "dog", "cat"])
    listed = item.annotations.list()
    for one in listed:
        one.label = "dog"
    listed.update()
    a.check("update of one", stored(item), ["dog", "dog", "dog"])
    again = dl.AnnotationCollection.from_json(_json=listed.to_json(), item=item)
    a.check("to JSON and back", [n.type for n in again], [n.type for n in listed])
    path = os.path.join(out("coll"), "c.json")
    listed.download(filepath=path, annotation_format=O.JSON)
    read = dl.AnnotationCollection.from_json_file(path, item=item)
    a.check("by a file", len(read.annotations if hasattr(read, "annotations") else read), 3)
    other = a.upload(ds, "/coll/b.png", picture())
    other.annotations.upload(path)
    a.check("a file is uploaded", stored(other), ["dog", "dog", "dog"])
    a.check("printing", "dog" in listed.print(to_return=True))
    listed.delete()
    a.check("delete of a collection", stored(item), [])
    mask = numpy.zeros((40, 60), dtype="uint8")
    mask[5:20, 5:20] = ds.instance_map["cat"]
    made = item.annotations.builder()
    made.from_instance_mask(mask=mask, instance_map=ds.instance_map)
    item.annotations.upload(made)
    a.check("from a mask of instances", stored(item), ["cat"])
    back = item.annotations.list()[0]
    a.check("its mask comes back", int(back.geo.sum()), 15 * 15)


@a.step
def subtitles():
    item = a.upload(ds, "/talk.wav", b"not really sound")
    path = os.path.join(out("vtt"), "talk.vtt")
    with open(path, "w") as file:
        file.write("WEBVTT\n\n00:00:01.000 --> 00:00:02.500\n<v dog>first words\n\n00:00:03.000 --> 00:00:04.000\n<v cat>other words\n")
    builder = item.annotations.builder()
    builder.from_vtt_file(filepath=path)
    item.annotations.upload(builder)
    listed = item.annotations.list()
    a.check("a VTT file becomes annotations", sorted((n.coordinates["text"], n.start_time, n.end_time) for n in listed), [("first words", 1.0, 2.5), ("other words", 3.0, 4.0)])
    back = os.path.join(out("vtt"), "back.vtt")
    listed.download(filepath=back, annotation_format=O.VTT)
    with open(back) as file:
        text = file.read()
    a.check("and back", ["first words" in text, "00:00:01.000 --> 00:00:02.500" in text], [True, True])


@a.step
def merging():
    item = a.upload(ds, "/merge.png", picture())
    half = numpy.zeros((40, 60), dtype="uint8")
    half[:20] = 1
    item.annotations.upload(dl.Annotation.new(annotation_definition=dl.Segmentation(geo=half, label="cat"), object_id="1"))
    item.annotations.upload([dl.Annotation.new(annotation_definition=dl.Segmentation(geo=1 - half, label="cat"), object_id="1")], merge=True)
    a.check("masks are merged into one", [stored(item), int(item.annotations.list()[0].geo.sum())], [["cat"], 60 * 40])
    a.check("because an item tells its sides at once", [item.width, item.height], [60, 40])


@a.step
def relations():
    item = a.upload(ds, "/rel.png", picture())
    parent = item.annotations.upload(dl.Annotation.new(annotation_definition=dl.Box(left=1, top=1, right=9, bottom=9, label="cat")))[0]
    child = item.annotations.upload(dl.Annotation.new(annotation_definition=dl.Point(x=2, y=2, label="dog"), parent_id=parent.id))[0]
    a.check("a parent is kept", dl.annotations.get(annotation_id=child.id).parent_id, parent.id)
    child.parent_id = None
    child.update(system_metadata=True)
    a.check("and taken away", dl.annotations.get(annotation_id=child.id).parent_id, None)
    item.annotations.update_status(annotation=parent, status=dl.AnnotationStatus.REVIEW)
    a.check("a status of one", dl.annotations.get(annotation_id=parent.id).status, "review")
    note = item.annotations.upload(dl.Annotation.new(annotation_definition=dl.Note(left=1, top=1, right=5, bottom=5, label="note", messages=[])))[0]
    note.add_message("what is this?")
    note.update(system_metadata=True)
    a.check("a message of a note", [m.body for m in dl.annotations.get(annotation_id=note.id).messages], ["what is this?"])
    a.check("a delete by id", item.annotations.delete(annotation_id=parent.id))
    a.check("leaves the others", len(stored(item)), 2)


a.run()
