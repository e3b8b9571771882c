"""Datasets: create in every form, get, list, query, change, lock, delete, system datasets, and key sets."""
from frame import Area, dl

a = Area("datasets")
KEYS = set(
    "accessLevel annotated annotationsCount createdAt creator directoryTree driver id indexDriver isSyncing items itemsCount metadata name "
    "projects readableType readonly updatedAt updatedBy url".split()
)
OPTIONAL = {"expirationOptions", "enableSyncWithCloned", "srcDataset"}


@a.step
def create():
    made = a.dataset("plain")
    row = a.rows("select id, name, project_id, driver_id, creator_id, kind, is_system from dataset where id = $1", made.id)[0]
    a.check("the row has the name", made.name, row["name"])
    a.check("and the project", made.projects, [row["project_id"]])
    a.check("the creator", made.creator, a.value("select email from user_account where id = $1", row["creator_id"]))
    a.check("no driver", [made.driver, row["driver_id"]], [None, None])
    a.check("it is a master that people see", [row["kind"], row["is_system"]], ["master", False])
    a.check("the id is 24 hex characters", [len(made.id), set(made.id) <= set("0123456789abcdef")], [24, True])
    a.check("no items", made.items_count, 0)
    body = a.api("GET", f"/datasets/{made.id}").json()
    a.check("the answer has exactly the keys", sorted(set(body) - OPTIONAL), sorted(KEYS))
    a.check("to_json is the answer", a.project.datasets.get(dataset_id=made.id).to_json(), body)
    a.check("create and get agree", made.to_json(), body)
    a.check("a recipe was made", [made.metadata["system"]["recipes"][0]], a.column("select id from recipe where id = $1", made.metadata["system"]["recipes"][0]))


@a.step
def create_again():
    made = a.dataset("twice")
    a.raises("the same name is refused", 400, lambda: a.project.datasets.create(dataset_name=made.name), "already exists")
    a.check("there is one", a.value("select count(*)::int from dataset where name = $1", made.name), 1)
    other = dl.projects.create(project_name=a.unique("other"))
    a.check("another project may have the name", other.datasets.create(dataset_name=made.name).name, made.name)
    other.delete(sure=True, really=True)


@a.step
def create_with_labels():
    made = a.project.datasets.create(dataset_name=a.unique("labels"), labels=[dl.Label(tag="cat", color=(255, 0, 0)), dl.Label(tag="dog", color=(0, 255, 0))])
    a.check("the labels are there", sorted(label.tag for label in made.labels), ["cat", "dog"])
    a.check("in one recipe", len(made.metadata["system"]["recipes"]), 1)
    again = a.project.datasets.get(dataset_id=made.id)
    a.check("that the dataset keeps", again.metadata["system"]["recipes"], a.value("select metadata->'system'->'recipes' from dataset where id = $1", made.id))


@a.step
def create_with_recipe():
    first = a.dataset("first")
    recipe = first.recipes.list()[0]
    made = a.project.datasets.create(dataset_name=a.unique("shared"), recipe_id=recipe.id)
    a.check("two datasets share a recipe", a.project.datasets.get(dataset_id=made.id).metadata["system"]["recipes"], [recipe.id])


@a.step
def create_with_driver():
    a.put("datasets/one.txt", "one")
    driver = a.driver("datasets")
    made = a.project.datasets.create(dataset_name=a.unique("driven"), driver=driver)
    a.check("the row has the driver", made.driver, a.value("select driver_id from dataset where id = $1", made.id))
    named = a.project.datasets.create(dataset_name=a.unique("named"), driver=driver.name)
    a.check("a driver may be given by name", named.driver, driver.id)
    found = a.project.datasets.list(filters=dl.Filters(resource=dl.FiltersResource.DATASET, field="driver", values=[driver.id], operator="in"))
    a.check("datasets are found by driver", sorted(d.id for d in found), sorted(a.column("select id from dataset where driver_id = $1", driver.id)))


@a.step
def expiration():
    made = a.project.datasets.create(dataset_name=a.unique("expires"), expiration_options=dl.ExpirationOptions(item_max_days=3))
    a.check("the expiration is kept", a.project.datasets.get(dataset_id=made.id).expiration_options.item_max_days, 3)
    a.check("and is in the answer", a.api("GET", f"/datasets/{made.id}").json()["expirationOptions"], {"itemMaxDays": 3})


@a.step
def index_driver():
    made = a.project.datasets.create(dataset_name=a.unique("v1"), index_driver="v1")
    a.check("the index driver that was asked for is told", made.index_driver, "v1")


@a.step
def get():
    made = a.dataset("get")
    a.check("by id", a.project.datasets.get(dataset_id=made.id).name, made.name)
    a.check("by name", a.project.datasets.get(dataset_name=made.name).id, made.id)
    a.check("without a project", dl.datasets.get(dataset_id=made.id).id, made.id)
    a.raises("an unknown id", 404, lambda: dl.datasets.get(dataset_id="0" * 24))
    a.raises("a malformed id", 404, lambda: dl.datasets.get(dataset_id="nonsense"))
    a.raises("an unknown name", 404, lambda: a.project.datasets.get(dataset_name="there is no such"))


@a.step
def listing():
    made = [a.dataset(f"list{no}") for no in range(3)]
    listed = {d.id for d in a.project.datasets.list()}
    rows = set(a.column("select id from dataset where project_id = $1 and not is_system", a.project.id))
    a.check("the list is what the database has", listed, rows)
    a.check("all three are in it", {d.id for d in made} <= listed)
    named = a.project.datasets.list(name=made[0].name)
    a.check("by name", [d.id for d in named], [made[0].id])


@a.step
def query():
    def found(field, values, **more):
        filters = dl.Filters(resource=dl.FiltersResource.DATASET)
        filters.add(field=field, values=values, **more)
        return sorted(d.name for d in a.project.datasets.list(filters=filters))

    one, two = a.dataset("query one"), a.dataset("query two")
    one.metadata["user"] = {"team": "red", "n": 3}
    one.update(system_metadata=False)
    a.check("glob over names", found("name", "query*"), sorted([one.name, two.name]))
    a.check("by creator", one.name in found("creator", a.task["email"]))
    a.check("by user metadata", found("metadata.user.team", "red"), [one.name])
    a.check("by a number in it", found("metadata.user.n", 2, operator="gt"), [one.name])
    a.check("read-only ones", found("readonly", True), [])
    body = {"filter": {"$and": [{"name": one.name}]}, "resource": "datasets", "context": {"datasets": [a.project.id]}, "page": 0, "pageSize": 10}
    a.check("a project's id among datasets counts as a project", [d["id"] for d in a.api("POST", "/datasets/query", json=body).json()["items"]], [one.id])
    count = a.api("POST", "/datasets/query", json={**body, "pageSize": 0, "filter": {}}).json()
    a.check("count only", [count["items"], count["totalItemsCount"]], [[], a.value("select count(*)::int from dataset where project_id = $1 and not is_system", a.project.id)])


@a.step
def binaries():
    def system():
        body = {"filter": {"$and": [{"name": "Binaries"}]}, "resource": "datasets", "context": {"projects": [a.project.id]}, "systemSpace": True, "page": 0, "pageSize": 10}
        return a.api("POST", "/datasets/query", json=body).json()["items"]

    found = a.until(system)
    a.check("every project has a dataset called Binaries", [d["id"] for d in found], a.column("select id from dataset where project_id = $1 and is_system", a.project.id))
    a.check("that lists do not show", "Binaries" in {d.name for d in a.project.datasets.list()}, False)


@a.step
def update():
    made, taken = a.dataset("rename"), a.dataset("taken")
    made.name = a.unique("renamed")
    made.metadata["user"] = {"a": {"b": [1, 2]}, "ü": "😀"}
    made.update()
    row = a.rows("select name, metadata from dataset where id = $1", made.id)[0]
    a.check("the name is stored", row["name"], made.name)
    a.check("and the metadata", row["metadata"]["user"], {"a": {"b": [1, 2]}, "ü": "😀"})
    made.metadata["system"]["mine"] = 1
    made.update(system_metadata=True)
    a.check("system metadata when asked", dl.datasets.get(dataset_id=made.id).metadata["system"].get("mine"), 1)
    made.metadata["system"]["other"] = 2
    made.update(system_metadata=False)
    a.check("and not when not", "other" in dl.datasets.get(dataset_id=made.id).metadata["system"], False)
    before = a.value("select name from dataset where id = $1", made.id)
    made.name = taken.name
    a.raises("a name that is taken", 400, made.update)
    a.check("the name stays", a.value("select name from dataset where id = $1", made.id), before)


@a.step
def locks():
    made = a.dataset("lock")
    a.raises("a dataset that is not locked cannot be unlocked", 400, made.unlock, "dataset is not locked")


@a.step
def tree():
    made = a.dataset("tree")
    a.upload(made, "/a/b/one.txt", "1")
    made.items.make_dir(directory="/empty")
    tree = made.directory_tree
    a.check("the tree has the folders", sorted(tree.dir_names), ["/", "/a", "/a/b", "/empty"])
    a.check("which the catalog has too", sorted(a.column("select '/' || path from dir where dataset_no = $1", a.no_of(made))), ["/", "/a/", "/a/b/", "/empty/"])


@a.step
def delete():
    made = a.dataset("delete")
    a.upload(made, "/one.txt", "1")
    number = a.no_of(made)
    a.check("delete says yes", made.delete(sure=True, really=True))
    a.raises("it is gone", 404, lambda: dl.datasets.get(dataset_id=made.id))
    a.check("from the list too", made.name in {d.name for d in a.project.datasets.list()}, False)
    a.check("its rows go", a.until(lambda: a.value("select count(*)::int from item where dataset_no = $1", number) == 0))
    a.check("the name is free", a.project.datasets.create(dataset_name=made.name).name, made.name)
    a.raises("without sure and really nothing is deleted", "403", lambda: a.dataset("kept").delete())


@a.step
def others_do_not_see():
    made = a.dataset("secret")
    body = {"filter": {}, "resource": "datasets", "page": 0, "pageSize": 100, "context": {"projects": ["0" * 24]}}
    answer = a.api("POST", "/datasets/query", json=body)
    a.check("another project's datasets are not in the answer", made.id in answer.text, False)


a.run()
