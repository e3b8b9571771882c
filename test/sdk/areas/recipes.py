"""Recipes, ontologies, labels and attributes."""
from frame import Area, dl

a = Area("recipes")
KEYS = set("createdAt creator customActions description examples id instructions metadata ontologyIds projectIds title uiSettings updatedAt updatedBy url".split())


def tags(ontology_id):
    """Dotted tags as the server gives them."""
    roots = a.api("GET", f"/ontologies/{ontology_id}").json()["roots"]
    found = []

    def walk(nodes, before):
        for node in nodes:
            tag = before + node["value"]["tag"]
            found.append(tag)
            walk(node["children"], tag + ".")

    walk(roots, "")
    return sorted(found)


def in_rows(dataset, tag):
    """Whether an ontology of the database has the tag somewhere."""
    return a.value("select count(*) > 0 from ontology o where to_jsonb(o)::text like '%' || $1 || '%'", tag)


@a.step
def default_recipe():
    ds = a.dataset("default")
    recipe = ds.recipes.list()[0]
    a.check("a dataset has one", [recipe.id], a.column("select id from recipe where id = $1", recipe.id))
    a.check("that the dataset names", a.value("select metadata->'system'->'recipes' from dataset where id = $1", ds.id), [recipe.id])
    body = a.api("GET", f"/recipes/{recipe.id}").json()
    a.check("the answer has exactly the keys", sorted(body), sorted(KEYS))
    a.check("to_json is the answer", recipe.to_json(), body)
    a.check("with an ontology", len(recipe.ontologies.list()), 1)
    a.check("of the project", body["projectIds"], [a.project.id])
    a.check("without labels", ds.labels, [])


@a.step
def life():
    ds = a.dataset("life")
    made = ds.recipes.create(recipe_name="mine", labels=[dl.Label(tag="cat", color=(1, 2, 3))])
    a.check("a recipe of its own", a.value("select title from recipe where id = $1", made.id), "mine")
    a.check("becomes the dataset's", dl.datasets.get(dataset_id=ds.id).metadata["system"]["recipes"], [made.id])
    a.check("get", dl.recipes.get(recipe_id=made.id).title, "mine")
    made.title = "renamed"
    made.metadata["k"] = {"v": 1}
    made.update(system_metadata=True)
    a.check("update", [dl.recipes.get(recipe_id=made.id).title, a.value("select title from recipe where id = $1", made.id)], ["renamed", "renamed"])
    a.check("of metadata too", dl.recipes.get(recipe_id=made.id).metadata.get("k"), {"v": 1})
    listed = a.project.recipes.list()
    a.check("the project's list has it", made.id in [r.id for r in listed.all()])
    a.raises("an unknown one", 404, lambda: dl.recipes.get(recipe_id="0" * 24))


@a.step
def clones_of_recipes():
    ds = a.dataset("clone")
    recipe = ds.recipes.list()[0]
    shallow = recipe.clone(shallow=True)
    a.check("a shallow one shares the ontology", [shallow.id != recipe.id, shallow.ontology_ids], [True, recipe.ontology_ids])
    deep = recipe.clone(shallow=False)
    a.check("a deep one has its own", set(deep.ontology_ids) & set(recipe.ontology_ids), set())
    a.check("delete", deep.delete(force=True))
    a.raises("it is gone", 404, lambda: dl.recipes.get(recipe_id=deep.id))


@a.step
def labels():
    ds = a.dataset("labels")
    ontology = ds.ontologies.list()[0]
    ds.add_label(label_name="person", color=(10, 20, 30))
    a.check("a label is added", tags(ontology.id), ["person"])
    a.check("the database has it", in_rows(ds, "person"))
    colour = a.api("GET", f"/ontologies/{ontology.id}").json()["roots"][0]["value"]["color"]
    a.check("with its colour", colour.lower(), "#0a141e")
    ds.add_labels(label_list=[dl.Label(tag="a"), dl.Label(tag="b", color=(1, 1, 1))])
    a.check("several", tags(ontology.id), ["a", "b", "person"])
    ds.add_label(label_name="person.head.nose")
    a.check("dots nest, and parents are made", tags(ontology.id), ["a", "b", "person", "person.head", "person.head.nose"])
    ds.update_label(label_name="a", color=(255, 255, 255))
    again = dl.datasets.get(dataset_id=ds.id)
    a.check("a colour changes", [label.rgb for label in again.labels if label.tag == "a"], [[255, 255, 255]])
    ds.update_label(label_name="fresh", color=(9, 9, 9), upsert=True)
    a.check("upsert adds", "fresh" in tags(ontology.id))
    a.check("the SDK sees them nested", sorted(dl.datasets.get(dataset_id=ds.id).labels_flat_dict), tags(ontology.id))
    dl.datasets.get(dataset_id=ds.id).delete_labels(label_names=["b", "person.head"])
    a.check("deleted with what is below", tags(ontology.id), ["a", "fresh", "person"])
    ds.add_label(label_name="shown", display_label="Shown as", attributes=["x"])
    root = [r for r in a.api("GET", f"/ontologies/{ontology.id}").json()["roots"] if r["value"]["tag"] == "shown"][0]
    a.check("a label to show", [root["value"]["displayLabel"], root["value"]["attributes"]], ["Shown as", ["x"]])


@a.step
def attributes():
    ds = a.dataset("attributes")
    ontology = ds.ontologies.list()[0]
    kinds = dl.AttributesTypes
    for key, kind, more in [
        ("box", kinds.CHECKBOX, {"values": ["1", "2"]}),
        ("radio", kinds.RADIO_BUTTON, {"values": ["x", "y"]}),
        ("slide", kinds.SLIDER, {"attribute_range": dl.AttributesRange(0, 10, 1)}),
        ("yes", kinds.YES_NO, {}),
        ("free", kinds.FREE_TEXT, {"optional": True, "scope": ["cat"]}),
    ]:
        a.check(f"{getattr(kind, 'value', kind)} is added", ontology.update_attributes(title=key.title(), key=key, attribute_type=kind, **more))
    stored = {entry["key"]: entry for entry in a.api("GET", f"/ontologies/{ontology.id}").json()["metadata"]["attributes"]}
    a.check("all are there", sorted(stored), ["box", "free", "radio", "slide", "yes"])
    a.check("their titles", {key: entry["scriptData"]["title"] for key, entry in stored.items()}, {key: key.title() for key in stored})
    a.check("checkbox and radio differ", [stored["box"]["multi"], stored["radio"]["multi"]], [True, False])
    a.check("types", [stored[key]["type"] for key in ("box", "slide", "yes", "free")], ["options", "range", "boolean", "freeText"])
    ontology.update_attributes(title="Other", key="box", attribute_type=kinds.CHECKBOX, values=["3"])
    again = {entry["key"]: entry for entry in a.api("GET", f"/ontologies/{ontology.id}").json()["metadata"]["attributes"]}
    a.check("again it changes", [len(again), again["box"]["scriptData"]["title"], again["box"]["values"]], [5, "Other", ["3"]])
    a.check("deleted", ontology.delete_attributes(keys=["box", "yes"]))
    left = sorted(entry["key"] for entry in a.api("GET", f"/ontologies/{ontology.id}").json()["metadata"]["attributes"])
    a.check("the others stay", left, ["free", "radio", "slide"])
    answer = a.api("PATCH", f"/ontologies/{ontology.id}/attributes", json={"items": [{"title": "t", "key": "k", "type": "options", "multi": True, "values": [1, 2], "scope": ["*"]}], "upsert": True})
    a.check("values that are no text are 400", answer.status_code, 400)


@a.step
def ontologies():
    ds = a.dataset("ontologies")
    recipe = ds.recipes.list()[0]
    made = recipe.ontologies.create(labels=[dl.Label(tag="x", color=(1, 2, 3))], title="t", project_ids=[a.project.id])
    a.check("made", a.value("select count(*)::int from ontology where id = $1", made.id), 1)
    a.check("read", dl.ontologies.get(ontology_id=made.id).id, made.id)
    listed = dl.ontologies.list(project_ids=[a.project.id])
    a.check("listed by project", made.id in [o.id for o in listed])
    made.add_labels(label_list=[dl.Label(tag="y")])
    made.update(system_metadata=True)
    a.check("updated whole", tags(made.id), ["x", "y"])
    made.delete()
    a.check("a deleted one is 404", a.api("GET", f"/ontologies/{made.id}").status_code, 404)
    a.check("a malformed id 400", [a.api(method, "/ontologies/nonsense").status_code for method in ("GET", "DELETE")], [400, 400])
    answer = a.api("POST", "/ontologies", json={"roots": [], "projectIds": ["0" * 24], "attributes": []})
    a.check("an unknown project 403", answer.status_code, 403)


@a.step
def switch():
    one, two = a.dataset("one"), a.dataset("two")
    two.switch_recipe(recipe_id=one.recipes.list()[0].id)
    a.check("a dataset switches its recipe", dl.datasets.get(dataset_id=two.id).metadata["system"]["recipes"], one.metadata["system"]["recipes"])


a.run()
