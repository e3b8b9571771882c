"""Clones of datasets and items, and merges: new items of their own that point at the same objects."""
from frame import Area, dl

a = Area("clones")


def source(count=6):
    ds = a.dataset("source")
    for no in range(count):
        a.upload(ds, f"/s{no % 2}/f{no}.txt", f"content {no}", item_metadata={"user": {"n": no}})
    first = ds.items.get(filepath="/s0/f0.txt")
    first.annotations.upload(dl.Annotation.new(annotation_definition=dl.Box(left=1, top=2, right=3, bottom=4, label="cat")))
    return ds


def labels(dataset):
    return a.column("select label from annotation n join dataset d using (dataset_no) where d.id = $1 order by 1", dataset.id)


@a.step
def dataset():
    ds = source()
    clone = ds.clone(clone_name=a.unique("clone"), with_items_annotations=True, with_metadata=True, with_task_annotations_status=False)
    row = a.rows("select kind, origin_dataset_no from dataset where id = $1", clone.id)[0]
    a.check("a dataset of its own kind", [row["kind"], row["origin_dataset_no"]], ["clone", a.no_of(ds)])
    a.check("with the same paths", a.paths(clone), a.paths(ds))
    a.check("as the SDK lists them", a.names(clone), a.paths(ds))
    a.check("new ids", {i.id for i in clone.items.list().all()} & {i.id for i in ds.items.list().all()}, set())
    item = clone.items.get(filepath="/s1/f1.txt")
    a.check("the same bytes", item.download(save_locally=False).read().decode(), "content 1")
    a.check("the metadata", item.metadata["user"], {"n": 1})
    a.check("where it came from", a.api("GET", f"/items/{item.id}").json().get("srcItem"), ds.items.get(filepath="/s1/f1.txt").id)
    a.check("annotations", labels(clone), labels(ds))
    a.check("counted", [clone.items_count, dl.datasets.get(dataset_id=clone.id).annotated], [6, 1])
    a.check("made by the caller", [clone.creator, clone.updated_by], [a.task["email"], a.task["email"]])
    item.move(new_path="/moved.txt")
    a.check("a clone's item moves", "/moved.txt" in a.paths(clone))
    a.check("its master's does not", a.paths(ds), sorted(f"/s{no % 2}/f{no}.txt" for no in range(6)))
    clone.items.get(filepath="/s0/f2.txt").delete()
    a.check("a deleted one leaves the master's", ds.items.get(filepath="/s0/f2.txt").download(save_locally=False).read().decode(), "content 2")
    ds.items.get(filepath="/s0/f4.txt").delete()
    a.check("and the other way round", clone.items.get(filepath="/s0/f4.txt").download(save_locally=False).read().decode(), "content 4")
    a.raises("a clone is not synced", 400, clone.sync)


@a.step
def parts():
    ds = source()
    some = ds.clone(clone_name=a.unique("some"), filters=dl.Filters(field="dir", values="/s0"))
    a.check("by a filter", a.paths(some), ["/s0/f0.txt", "/s0/f2.txt", "/s0/f4.txt"])
    bare = ds.clone(clone_name=a.unique("bare"), with_items_annotations=False, with_metadata=False)
    a.check("without annotations", labels(bare), [])
    a.check("without metadata", bare.items.get(filepath="/s0/f0.txt").metadata.get("user", {}), {})
    target = a.dataset("target")
    a.upload(target, "/own.txt", "own")
    ds.clone(dst_dataset_id=target.id, target_directory="/into")
    a.check("into a dataset that is there, below a folder", a.paths(target), sorted(["/own.txt"] + ["/into" + path for path in a.paths(ds)]))


@a.step
def taken_name():
    ds = source(1)
    taken = a.dataset("taken")
    a.raises("a name that is taken fails the command", 424, lambda: ds.clone(clone_name=taken.name), "Dataset with the same name already exists")


@a.step
def item():
    ds = source(2)
    other = a.dataset("other")
    clone = ds.items.get(filepath="/s0/f0.txt").clone(dst_dataset_id=other.id, remote_filepath="/c.txt", metadata={"user": {"extra": 1}})
    a.check("an item of the other dataset", [clone.filename, a.paths(other)], ["/c.txt", ["/c.txt"]])
    a.check("the same bytes", clone.download(save_locally=False).read().decode(), "content 0")
    a.check("its annotations", labels(other), ["cat"])
    a.check("and where it came from", a.api("GET", f"/items/{clone.id}").json().get("srcItem"), ds.items.get(filepath="/s0/f0.txt").id)
    plain = ds.items.get(filepath="/s1/f1.txt").clone(dst_dataset_id=other.id, remote_filepath="/d.txt", with_annotations=False, with_metadata=False)
    a.check("a second one", plain.filename, "/d.txt")


@a.step
def merge():
    ds = source(4)
    one = ds.clone(clone_name=a.unique("one"), filters=dl.Filters(field="dir", values="/s0"))
    two = ds.clone(clone_name=a.unique("two"))
    name = a.unique("merged")
    a.check("merging says yes", a.project.datasets.merge(merge_name=name, dataset_ids=[one.id, two.id], project_ids=a.project.id))
    merged = a.project.datasets.get(dataset_name=name)
    a.check("clones of one master merge by item", a.paths(merged), a.paths(ds))
    a.check("it is a merge", a.value("select kind from dataset where id = $1", merged.id), "merge")
    a.raises("which is not synced", 400, merged.sync)
    other = a.dataset("apart")
    a.upload(other, "/apart.txt", "apart")


@a.step
def of_a_bucket():
    for no in range(3):
        a.put(f"clones/b{no}.txt", f"bucket {no}")
    ds = a.project.datasets.create(dataset_name=a.unique("bucket"), driver=a.driver("clones"))
    ds.sync()
    keys = a.keys("clones/")
    clone = ds.clone(clone_name=a.unique("of bucket"))
    a.check("the same files", a.paths(clone), ["/b0.txt", "/b1.txt", "/b2.txt"])
    a.check("nothing is copied in the bucket", a.keys("clones/"), keys)
    item = clone.items.get(filepath="/b1.txt")
    a.check("the bytes are the bucket's", item.download(save_locally=False).read().decode(), a.read("clones/b1.txt").decode())
    item.move(new_path="/renamed.txt")
    a.check("it moves in the clone alone", [("/renamed.txt" in a.paths(clone)), a.keys("clones/")], [True, keys])
    a.check("and still has its bytes", dl.items.get(item_id=item.id).download(save_locally=False).read().decode(), "bucket 1")
    dl.items.get(item_id=item.id).delete()
    a.check("deleting it leaves the object", a.read("clones/b1.txt").decode(), "bucket 1")


a.run()
