"""Collections, ML subsets, and the schema of what is not searched."""
from frame import Area, dl

a = Area("item_collections")


def filled(count=6):
    ds = a.dataset("coll")
    for no in range(count):
        a.upload(ds, f"/c{no}.txt", str(no))
    return ds


def having(dataset, path):
    """Names of the items whose system metadata has a value at this path of keys, by the database."""
    return a.paths(dataset, f"i.metadata #> '{{system,{path}}}' = 'true'")


@a.step
def collections():
    ds = filled()
    one = ds.collections.create(name="red")
    two = ds.collections.create(name="blue")
    listed = ds.collections.list_all_collections()
    a.check("both are listed", sorted(c["name"] for c in listed), ["blue", "red"])
    a.check("each with a key", len({c["key"] for c in listed}), 2)
    ds.collections.assign(collections=["red"], filters=dl.Filters(field="name", values=["c0.txt", "c1.txt"], operator="in"))
    a.check("items are assigned", having(ds, f"collections,{one.key}"), ["/c0.txt", "/c1.txt"])
    found = dl.Filters(field=f"metadata.system.collections.{one.key}", values=True)
    a.check("and found by it", a.names(ds, found), ["/c0.txt", "/c1.txt"])
    item = ds.items.get(filepath="/c2.txt")
    item.assign_collection(collections=["blue"])
    a.check("one item", having(ds, f"collections,{two.key}"), ["/c2.txt"])
    a.check("it tells its collections", [c["name"] for c in ds.items.get(item_id=item.id).list_collections()], ["blue"])
    names = {i.id: i.filename for i in ds.items.list().all()}
    a.check("the others are unassigned", sorted(names[i] for i in ds.collections.list_unassigned_items()), ["/c3.txt", "/c4.txt", "/c5.txt"])
    item.unassign_collection(collections=["blue"])
    a.check("taken out", having(ds, f"collections,{two.key}"), [])
    ds.collections.update(collection_name="red", new_name="green")
    a.check("renamed", sorted(c["name"] for c in ds.collections.list_all_collections()), ["blue", "green"])
    clone = ds.collections.clone(collection_name="green")
    a.check("cloned with its items", having(ds, f"collections,{clone.key}"), ["/c0.txt", "/c1.txt"])
    ds.collections.delete(collection_name="green")
    a.check("deleted", "green" in [c["name"] for c in ds.collections.list_all_collections()], False)
    a.check("from its items too", having(ds, f"collections,{one.key}"), [])
    for no in range(8):
        ds.collections.create(name=f"more {no}")
    answer = a.api("POST", f"/datasets/{ds.id}/items/collections", json={"name": "the eleventh"})
    a.check("ten at most", [answer.status_code, len(ds.collections.list_all_collections())], [400, 10])


@a.step
def split():
    ds = filled(20)
    a.check("the split says yes", ds.split_ml_subsets(items_query=dl.Filters(), percentages={"train": 60, "validation": 20, "test": 20}))
    parts = {tag: having(ds, f"tags,{tag}") for tag in ("train", "validation", "test")}
    a.check("in the shares that were asked for", {tag: len(paths) for tag, paths in parts.items()}, {"train": 12, "validation": 4, "test": 4})
    a.check("each item in one", len(set(sum(parts.values(), []))), 20)
    item = ds.items.get(filepath="/c0.txt")
    item.assign_subset("test")
    a.check("an item goes to another", [dl.items.get(item_id=item.id).get_current_subset(), "/c0.txt" in having(ds, "tags,test")], ["test", True])
    dl.items.get(item_id=item.id).remove_subset()
    a.check("or to none", any("/c0.txt" in having(ds, f"tags,{tag}") for tag in parts), False)
    a.check("which is found", [i if isinstance(i, str) else i.id for i in ds.get_items_missing_ml_subset()], [item.id])
    ds.assign_subset_to_items(subset="train", items_query=dl.Filters(field="name", values="c1.txt"))
    a.check("assigned by a query", "/c1.txt" in having(ds, "tags,train"))
    ds.remove_subset_from_items(items_query=dl.Filters(field="name", values="c1.txt"))
    a.check("and removed", any("/c1.txt" in having(ds, f"tags,{tag}") for tag in parts), False)


@a.step
def schema():
    ds = filled(1)
    a.check("nothing is left out at first", ds.schema.get()["items"]["unsearchablePaths"], [])
    ds.schema.unsearchable_paths.add(paths=["metadata.user.big"])
    a.check("a path is left out", a.api("GET", f"/datasets/{ds.id}/schema").json()["items"]["unsearchablePaths"], ["metadata.user.big"])
    ds.schema.unsearchable_paths.remove(paths=["metadata.user.big"])
    a.check("and taken back", a.api("GET", f"/datasets/{ds.id}/schema").json()["items"]["unsearchablePaths"], [])


a.run()
