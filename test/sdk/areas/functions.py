"""Functions that a provider calls for each object that comes or goes: they log in as a bot, register what came, and delete what went."""
import importlib.util
import os
import types
import urllib.parse

from frame import Area, dl

a = Area("functions")
bot = a.project.bots.create(name="events", return_credentials=True)
os.environ["BOT_EMAIL"], os.environ["BOT_PASSWORD"] = bot.id, bot.password


def function(name):
    """The module of a function, loaded from the folder beside this one's."""
    path = os.path.join(os.path.dirname(__file__), "..", "functions", f"{name}.py")
    spec = importlib.util.spec_from_file_location(f"{name}_function", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def dataset(name):
    """A dataset on a folder of the suite's bucket; the function is told its id."""
    made = a.project.datasets.create(dataset_name=a.unique(name), driver=a.driver(f"functions/{name}", allow_delete=False))
    os.environ["DATASET_ID"] = made.id
    return made


def as_bot(work):
    """Does the work with nobody logged in, as a function starts; logs the owner in again."""
    dl.logout()
    try:
        work()
    finally:
        dl.logout()
        a.login()


def run(name, feed):
    """Objects come and go in the bucket; each time the function is fed the provider's event."""
    ds = dataset(name)
    folder = f"functions/{name}"
    keys = [f"{folder}/one.txt", f"{folder}/sub folder/two ü+&.txt", f"{folder}/sub folder/three.txt"]
    for key in keys:
        a.put(key, f"content of {key}")

    def come():
        for key in keys:
            feed("created", key)
            if key == keys[0]:
                feed("created", key)  # events come at least once, not once

    as_bot(come)
    want = ["/one.txt", "/sub folder/three.txt", "/sub folder/two ü+&.txt"]
    a.check(f"{name}: what came is there, once", a.paths(ds), want)
    a.check(f"{name}: as the SDK lists it", a.names(ds), want)
    item = ds.items.get(filepath="/sub folder/two ü+&.txt")
    a.check(f"{name}: the bot brought it", item.creator, bot.email)
    a.check(f"{name}: the bytes are the bucket's", item.download(save_locally=False).read().decode(), a.read(keys[1]).decode())
    before = item.id
    a.put(keys[1], "other content, longer than before by a bit, and then some more of it")
    as_bot(lambda: feed("created", keys[1]))
    again = ds.items.get(filepath="/sub folder/two ü+&.txt")
    a.check(f"{name}: what was overwritten has the new size", [again.id, again.metadata["system"]["size"]], [before, len(a.read(keys[1]))])
    a.remove(keys[2])
    as_bot(lambda: feed("removed", keys[2]))
    a.check(f"{name}: what went is gone", a.names(ds), ["/one.txt", "/sub folder/two ü+&.txt"])
    a.check(f"{name}: the bucket is as it was", a.keys(folder + "/one") + a.keys(folder + "/sub"), keys[:2])


@a.step
def s3():
    handler = function("s3").handler

    def feed(kind, key):
        record = {
            "eventVersion": "2.1",
            "eventSource": "aws:s3",
            "awsRegion": "eu-central-1",
            "eventTime": "2026-03-01T12:00:00.000Z",
            "eventName": "ObjectCreated:Put" if kind == "created" else "ObjectRemoved:Delete",
            "userIdentity": {"principalId": "AWS:AIDAEXAMPLE"},
            "requestParameters": {"sourceIPAddress": "192.0.2.1"},
            "responseElements": {"x-amz-request-id": "C3D13FE58DE4C810", "x-amz-id-2": "FMyUVURIY8/IgAtTv8xRjskZQpcIZ9KG4V5Wp6S7S/JRWeUWerMUE5JgHvANOjpD"},
            "s3": {
                "s3SchemaVersion": "1.0",
                "configurationId": "all",
                "bucket": {"name": a.bucket["name"], "ownerIdentity": {"principalId": "A3NL1KOZZKExample"}, "arn": f"arn:aws:s3:::{a.bucket['name']}"},
                "object": {"key": urllib.parse.quote_plus(key, safe="/"), "sequencer": "0055AED6DCD90281E5", **({"size": 1, "eTag": "d41d8cd98f00b204e9800998ecf8427e"} if kind == "created" else {})},
            },
        }
        handler({"Records": [record]}, None)

    run("s3", feed)


@a.step
def gcs():
    handler = function("gcs").handler

    def feed(kind, key):
        document = {
            "kind": "storage#object",
            "id": f"{a.bucket['name']}/{key}/1700000000000000",
            "name": key,
            "bucket": a.bucket["name"],
            "generation": "1700000000000000",
            "metageneration": "1",
            "contentType": "text/plain",
            "timeCreated": "2026-03-01T12:00:00.000Z",
            "updated": "2026-03-01T12:00:00.000Z",
            "storageClass": "STANDARD",
            "size": "1",
            "md5Hash": "1B2M2Y8AsgTpgAmY7PhCfg==",
            "etag": "CNDh4+fW7/8CEAE=",
        }
        kind = "google.storage.object.finalize" if kind == "created" else "google.storage.object.delete"
        handler(document, types.SimpleNamespace(event_id="1", event_type=kind, timestamp="2026-03-01T12:00:00.000Z", resource={"service": "storage.googleapis.com"}))

    run("gcs", feed)


@a.step
def azure():
    main = function("azure").main

    def feed(kind, key):
        main(
            {
                "topic": "/subscriptions/0/resourceGroups/g/providers/Microsoft.Storage/storageAccounts/account",
                "subject": f"/blobServices/default/containers/{a.bucket['name']}/blobs/{key}",
                "eventType": "Microsoft.Storage.BlobCreated" if kind == "created" else "Microsoft.Storage.BlobDeleted",
                "eventTime": "2026-03-01T12:00:00.0000000Z",
                "id": "831e1650-001e-001b-66ab-eeb76e069631",
                "data": {
                    "api": "PutBlob" if kind == "created" else "DeleteBlob",
                    "blobType": "BlockBlob",
                    "contentType": "text/plain",
                    "contentLength": 1,
                    "url": f"https://account.blob.core.windows.net/{a.bucket['name']}/{urllib.parse.quote(key)}",
                    "sequencer": "00000000000004420000000000028963",
                },
                "dataVersion": "",
                "metadataVersion": "1",
            }
        )

    run("azure", feed)


a.run()
