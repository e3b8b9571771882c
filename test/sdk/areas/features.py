"""Feature sets and vectors: create, read, list by everything, count, delete."""
from frame import Area, dl

a = Area("features")
ds = a.dataset("features")


@a.step
def sets():
    made = a.project.feature_sets.create(name=a.unique("set"), size=3, set_type="embedding", entity_type=dl.FeatureEntityType.ITEM)
    row = a.rows("select to_jsonb(f) as f from feature_set f where id = $1", made.id)[0]["f"]
    a.check("the row is what was asked for", [row["name"], row["size"]], [made.name, made.size])
    a.check("get by id", a.project.feature_sets.get(feature_set_id=made.id).name, made.name)
    a.check("get by name", a.project.feature_sets.get(feature_set_name=made.name).id, made.id)
    a.check("listed", made.id in [s.id for s in a.project.feature_sets.list().all()])
    a.raises("an unknown one", 404, lambda: a.project.feature_sets.get(feature_set_id="0" * 24))
    made.delete()
    a.raises("deleted", 404, lambda: a.project.feature_sets.get(feature_set_id=made.id))


@a.step
def vectors():
    made = a.project.feature_sets.create(name=a.unique("vectors"), size=3, set_type="embedding", entity_type=dl.FeatureEntityType.ITEM)
    items = [a.upload(ds, f"/f{no}.txt", str(no)) for no in range(5)]
    one = made.features.create(value=[0.1, 0.25, 1e-9], entity=items[0])
    a.check("numbers come back unchanged", made.features.get(feature_id=one.id).value, [0.1, 0.25, 1e-9])
    many = made.features.create(value=[[no, no, no] for no in range(1, 5)], entity=items[1:])
    a.check("several at once in their order", [f.entity_id for f in many], [item.id for item in items[1:]])
    listed = list(made.features.list().all())
    a.check("listed", sorted(f.entity_id for f in listed), sorted(item.id for item in items))
    a.check("by item", [f.id for f in items[0].features.list().all()], [one.id])
    filters = dl.Filters(resource=dl.FiltersResource.FEATURE)
    filters.add(field="featureSetId", values=made.id)
    filters.add(field="entityId", values=items[2].id)
    a.check("by a filter", [f.value for f in a.project.features.list(filters=filters).all()], [[2, 2, 2]])
    counted = a.api("POST", "/features/vectors/project-count-aggregation", json={"projectId": a.project.id, "datasetIds": [ds.id]}).json()
    a.check("counted by set", [entry["count"] for entry in counted if entry["featureSetId"] == made.id], [5])
    a.check("the dataset's sets", made.id in [s.id for s in ds.feature_sets.list().all()])
    made.features.delete(feature_id=one.id)
    a.raises("deleted", 404, lambda: made.features.get(feature_id=one.id))
    a.check("four are left", len(list(made.features.list().all())), 4)
    wrong = a.api("POST", "/features/vectors", json=[{"entityId": items[0].id, "value": [1, 2], "datasetId": ds.id, "project": a.project.id, "featureSetId": made.id}])
    a.check("a vector of another size is 400", [wrong.status_code, bool(wrong.json().get("message"))], [400, True])


a.run()
