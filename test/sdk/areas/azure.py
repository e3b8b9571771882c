"""Drivers on Azure (the suite's fake of a hierarchical account): log-in by a client secret, sync, bytes, uploads, deletion, and a secret that is refused."""
from frame import Area, dl

a = Area("azure")
azure = a.task["azure"]


def integration(**change):
    return a.project.integrations.create(integrations_type=dl.IntegrationType.AZUREBLOB, name=a.unique("login"), options={**azure["options"], **change})


def driver(keys, kind, path="folder"):
    return a.project.drivers.create(
        name=a.unique(kind.value),
        driver_type=kind,
        integration_id=keys.id,
        integration_type=keys.type,
        bucket_name=azure["container"],
        region="eu",
        path=path,
        allow_external_delete=True,
    )


@a.step
def sync():
    keys = integration()
    for kind in [dl.ExternalStorage.AZUREBLOB, dl.ExternalStorage.AZURE_DATALAKE_GEN2]:
        made = driver(keys, kind)
        body = a.api("GET", f"/drivers/{made.id}").json()
        a.check(f"{kind.value} is made, tried and flat", [made.type, body["state"], body["containerName"], body["path"]], [kind.value, "ready", azure["container"], "folder"])
        ds = a.project.datasets.create(dataset_name=a.unique(kind.value), driver=made)
        a.check(f"{kind.value}: a sync succeeds", ds.sync())
        want = sorted("/" + key for key in azure["files"])
        a.check(f"{kind.value}: the dataset has what the container has", [name for name in a.names(ds) if not name.startswith("/up ")], want)
        for key, text in azure["files"].items():
            item = ds.items.get(filepath="/" + key)
            a.check(f"{kind.value}: bytes of {key}", item.download(save_locally=False).read().decode(), text)
        # The other kind of driver sees what this one has put into the container.
        item = a.upload(ds, f"/up {kind.value}/é 1.txt", "uploaded")
        a.check(f"{kind.value}: an upload is there", ds.items.get(item_id=item.id).download(save_locally=False).read().decode(), "uploaded")
        item.delete()
        a.check(f"{kind.value}: and gone", [name for name in a.names(ds) if name.startswith(f"/up {kind.value}/")], [])


@a.step
def refusals():
    wrong = integration(secret="not-the-secret")
    a.raises("a wrong secret makes no driver", 400, lambda: driver(wrong, dl.ExternalStorage.AZUREBLOB))
    a.raises("a name that is no account’s", 400, lambda: integration(key="evil.example/x"))


a.run()
