"""A driver on Google Cloud Storage (the suite's fake of it): integration, driver, sync, bytes, uploads, deletion, and a key that is refused."""
from frame import Area, dl

a = Area("gcs")
gcs = a.task["gcs"]


def integration(content):
    return a.project.integrations.create(
        integrations_type=dl.IntegrationType.GCS, name=a.unique("key"), options={"key": "", "secret": "", "content": content}
    )


def driver(keys, path="folder", allow_delete=True):
    return a.project.drivers.create(
        name=a.unique("gcs"),
        driver_type=dl.ExternalStorage.GCS,
        integration_id=keys.id,
        integration_type=keys.type,
        bucket_name=gcs["bucket"],
        region="eu",
        path=path,
        allow_external_delete=allow_delete,
    )


@a.step
def sync():
    made = driver(integration(gcs["content"]))
    body = a.api("GET", f"/drivers/{made.id}").json()
    a.check("the driver is made, tried and flat", [made.type, body["state"], body["bucket"], body["path"]], ["gcs", "ready", gcs["bucket"], "folder"])
    ds = a.project.datasets.create(dataset_name=a.unique("gcs"), driver=made)
    a.check("a sync succeeds", ds.sync())
    want = sorted("/" + key for key in gcs["files"])
    a.check("the dataset has what the bucket has", a.names(ds), want)
    a.check("the catalog too", a.paths(ds), want)
    for key, text in gcs["files"].items():
        item = ds.items.get(filepath="/" + key)
        a.check(f"bytes of {key}", item.download(save_locally=False).read().decode(), text)
    item = a.upload(ds, "/up/é 1.txt", "uploaded")
    a.check("an upload is there", ds.items.get(item_id=item.id).download(save_locally=False).read().decode(), "uploaded")
    item.delete()
    a.check("and gone", [name for name in a.names(ds) if name.startswith("/up/")], [])


@a.step
def refusals():
    broken = integration('{"type":"service_account","client_email":"a@p.iam.gserviceaccount.com","private_key":"x"}')
    a.raises("a key that cannot be read makes no driver", 400, lambda: driver(broken))
    a.raises("a person's log-in is no key", 400, lambda: integration('{"type":"authorized_user","refresh_token":"x"}'))


a.run()
