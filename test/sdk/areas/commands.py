"""Commands: long work that the SDK polls; its shape, its states, its failures."""
from frame import Area, dl

a = Area("commands")
RUNNING = {"created", "making-children", "waiting-children", "in-progress", "finalizing", "cleaning-up", "on-error"}
FINAL = {"success", "failed", "timeout", "canceled", "aborted"}


def synced():
    a.put("commands/x.txt", "x")
    ds = a.project.datasets.create(dataset_name=a.unique("sync"), driver=a.driver("commands"))
    return ds, a.project.datasets.sync(dataset_id=ds.id, wait=False)


@a.step
def shape():
    ds, command = synced()
    body = a.api("GET", f"/commands/{command.id}").json()
    a.check("all the keys the SDK reads", sorted({"id", "url", "status", "type", "progress", "spec", "error", "createdAt", "updatedAt"} - set(body)), [])
    a.check("the progress is a number", isinstance(body["progress"], (int, float)))
    a.check("the state is one the SDK knows", body["status"] in RUNNING | FINAL)
    a.check("the address can be polled", "api/v1" in body["url"])
    done = command.wait()
    a.check("it succeeds", done.status, a.value("select status from command where id = $1", command.id))
    a.check("with the dataset's id", done.spec["datasetId"], ds.id)
    a.check("get by id", dl.commands.get(command_id=command.id).id, command.id)
    a.check("in the list", command.id in [c.id for c in dl.commands.list()])


@a.step
def unknown():
    a.raises("an unknown command", 404, lambda: dl.commands.get(command_id="0" * 24))
    a.check("has an error as JSON", bool(a.api("POST", f"/commands/{'0' * 24}/abort").json()["message"]))


@a.step
def abort():
    ds, command = synced()
    command.wait()
    aborted = a.api("POST", f"/commands/{command.id}/abort")
    a.check("aborting what is done changes nothing", [aborted.status_code < 500, a.value("select status from command where id = $1", command.id)], [True, "success"])


@a.step
def failing():
    ds = a.dataset("source")
    taken = a.dataset("taken")
    answer = a.api("POST", f"/datasets/{ds.id}/clone", json={"name": taken.name, "filter": {"filter": {}}, "cloneDatasetParams": {"withItemsAnnotations": True, "withMetadata": True}})
    a.check("the answer of the POST is not failed yet", [answer.status_code, answer.json()["status"] in RUNNING], [200, True])
    # As the SDK has it: of the answer, because it raises nothing for a command that it first sees failed.
    command = dl.entities.Command.from_json(_json=answer.json(), client_api=dl.client_api)
    a.raises("waiting for it raises what went wrong", 424, command.wait, "already exists")
    a.check("the id is in the message", a.value("select status from command where id = $1", command.id), "failed")


@a.step
def twice():
    for no in range(5):
        a.put(f"commands/twice/{no}.txt", "x")
    ds = a.project.datasets.create(dataset_name=a.unique("twice"), driver=a.driver("commands/twice"))
    first = a.api("POST", f"/datasets/{ds.id}/sync")
    second = a.api("POST", f"/datasets/{ds.id}/sync")
    told = second.json().get("message", "")
    a.check("a second sync while one runs is 423, or the first had ended", [first.status_code, second.status_code == 200 or (second.status_code == 423 and "as it is already being synced." in told)], [200, True])
    dl.commands.get(command_id=first.json()["id"]).wait()
    a.check("afterwards the dataset is not syncing", a.until(lambda: a.api("GET", f"/datasets/{ds.id}").json()["isSyncing"] is False))


a.run()
