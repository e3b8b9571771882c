"""A function that Azure's Event Grid calls for each blob that comes or goes; the shape of Azure Functions' Event Grid triggers."""
import os
import urllib.parse

import dtlpy as dl


def main(event):
    """Takes one event of Event Grid: its subject names container and blob."""
    if dl.token_expired():
        dl.login_m2m(email=os.environ["BOT_EMAIL"], password=os.environ["BOT_PASSWORD"])
    dataset = dl.datasets.get(dataset_id=os.environ["DATASET_ID"])
    folder = dataset.project.drivers.get(driver_id=dataset.driver).path or ""
    # /blobServices/default/containers/CONTAINER/blobs/the/blob
    container, blob = event["subject"].split("/containers/", 1)[1].split("/blobs/", 1)
    blob = urllib.parse.unquote(blob)
    if folder and not blob.startswith(folder.rstrip("/") + "/"):
        return
    path = "/" + blob[len(folder.rstrip("/")) :].lstrip("/")
    if event["eventType"] == "Microsoft.Storage.BlobCreated":
        dataset.items.upload(local_path=f"external://{container}/{blob}", remote_path=os.path.dirname(path), overwrite=True)
    elif event["eventType"] == "Microsoft.Storage.BlobDeleted":
        dataset.items.delete(filters=dl.Filters(field="filename", values=path))
