"""Storage drivers of every type: create, list, get, delete; syncs of the suite's bucket, and what a sync keeps."""
from frame import Area, dl

a = Area("drivers")
org_id = a.value("select org_id from project where id = $1", a.project.id)
kinds = dl.IntegrationType


def integration(kind, options):
    return a.project.integrations.create(integrations_type=kind, name=a.unique(str(kind.value)), options=options)


@a.step
def s3():
    made = a.driver("drivers/folder")
    row = a.rows("select name, type, folder, project_id, integration_id, allow_delete from driver where id = $1", made.id)[0]
    a.check("the row is what was asked for", [made.name, made.type, made.integration_id], [row["name"], row["type"], row["integration_id"]])
    body = a.api("GET", f"/drivers/{made.id}").json()
    a.check("the payload is flat in the answer", [body["bucketName"], body["endpoint"], body["region"], body["path"]], [a.bucket["name"], a.bucket["endpoint"], a.bucket["region"], "drivers/folder"])
    a.check("it may not delete", [made.allow_external_delete, row["allow_delete"]], [False, False])
    a.check("by id", a.project.drivers.get(driver_id=made.id).name, made.name)
    a.check("by name", a.project.drivers.get(driver_name=made.name).id, made.id)
    a.check("in the list", sorted(d.id for d in a.project.drivers.list()), sorted(a.column("select id from driver where project_id = $1", a.project.id)))
    a.raises("an unknown id", 404, lambda: a.project.drivers.get(driver_id="0" * 24))
    a.raises("an unknown name", 404, lambda: a.project.drivers.get(driver_name="none"))


@a.step
def min_io():
    keys = integration(kinds.S3, {"key": a.bucket["accessKeyId"], "secret": a.bucket["secretKey"]})
    made = a.project.drivers.create_min_io(name=a.unique("min"), integration=keys, bucket_name=a.bucket["name"], endpoint=a.bucket["endpoint"], region=a.bucket["region"])
    a.check("create_min_io makes an s3 driver that may delete", [made.type, a.value("select allow_delete from driver where id = $1", made.id)], ["s3", True])


@a.step
def other_types():
    azure = integration(kinds.AZUREBLOB, {"key": "account", "secret": "eA==", "clientId": "00000000-0000-0000-0000-000000000001", "tenantId": "00000000-0000-0000-0000-000000000002"})
    a.raises("an integration of another kind does not fit", 400, lambda: a.project.drivers.create(name=a.unique("odd"), driver_type=dl.ExternalStorage.GCS, integration_id=azure.id, integration_type=azure.type, bucket_name="b"))


@a.step
def powerscale():
    keys = integration(kinds.S3, {"key": a.bucket["accessKeyId"], "secret": a.bucket["secretKey"]})
    made = a.project.drivers.create_powerscale_s3(name=a.unique("ps3"), integration=keys, elastic_index="idx", endpoint=a.bucket["endpoint"], bucket_name=a.bucket["name"], region="r", elastic_index_path="/i")
    a.check("powerscale over S3", [made.type, made.elastic_index], ["powerscaleS3", "idx"])
    nfs = a.project.drivers.create_powerscale_nfs(name=a.unique("nfs"), elastic_index="idx", elastic_index_path="/i")
    a.check("powerscale over NFS", nfs.type, "powerscaleNfs")


@a.step
def delete():
    made = a.driver("drivers/delete")
    ds = a.project.datasets.create(dataset_name=a.unique("holds"), driver=made)
    a.raises("in use by a dataset it stays", 400, lambda: a.project.drivers.delete(driver_id=made.id, sure=True, really=True))
    a.check("it is there", a.value("select count(*)::int from driver where id = $1", made.id), 1)
    ds.delete(sure=True, really=True)

    def gone():
        try:
            return a.project.drivers.delete(driver_id=made.id, sure=True, really=True)
        except dl.exceptions.BadRequest:
            return False

    a.check("when the dataset is gone it goes", a.until(gone, 25))
    a.check("from the database", a.value("select count(*)::int from driver where id = $1", made.id), 0)


@a.step
def sync():
    for no in range(40):
        a.put(f"drivers/sync/d{no % 4}/f{no:02}.txt", f"file {no}", "text/plain")
    ds = a.project.datasets.create(dataset_name=a.unique("sync"), driver=a.driver("drivers/sync"))
    a.check("a sync succeeds", ds.sync())
    want = sorted("/" + key.removeprefix("drivers/sync/") for key in a.keys("drivers/sync/") if "/.dataloop/" not in key)
    a.check("the dataset has what the bucket has", a.names(ds), want)
    a.check("the catalog too", a.paths(ds), want)
    item = ds.items.get(filepath="/d1/f01.txt")
    a.check("sizes are the bucket's", item.metadata["system"]["size"], len(a.read("drivers/sync/d1/f01.txt")))
    a.check("bytes are the bucket's", item.download(save_locally=False).read().decode(), a.read("drivers/sync/d1/f01.txt").decode())
    item.metadata["user"] = {"mine": 1}
    item.update()
    a.put("drivers/sync/d1/new.txt", "new")
    a.put("drivers/sync/d1/f01.txt", "changed content")
    a.remove("drivers/sync/d2/f02.txt")
    a.check("and again", ds.sync())
    a.check("what is new is there", "/d1/new.txt" in a.names(ds))
    again = dl.items.get(item_id=item.id)
    a.check("what changed keeps its id and metadata, and has the new size", [again.metadata["user"], again.metadata["system"]["size"]], [{"mine": 1}, 15])
    a.check("what is gone is marked, not removed", a.paths(ds, "i.state = 1"), ["/d2/f02.txt"])
    a.raises("moving a file of a bucket is refused", 409, lambda: again.move(new_path="/elsewhere.txt"))
    a.check("the object stays where it is", a.read("drivers/sync/d1/f01.txt").decode(), "changed content")
    again.delete()
    a.check("deleting an item without that right leaves the object", a.read("drivers/sync/d1/f01.txt").decode(), "changed content")


a.run()
