"""A function that a bucket of Google Cloud Storage calls for each object that comes or goes; the shape of Cloud Functions' background handlers."""
import os

import dtlpy as dl


def handler(event, context):
    """Takes the object's own document; what happened to it is in the context."""
    if dl.token_expired():
        dl.login_m2m(email=os.environ["BOT_EMAIL"], password=os.environ["BOT_PASSWORD"])
    dataset = dl.datasets.get(dataset_id=os.environ["DATASET_ID"])
    folder = dataset.project.drivers.get(driver_id=dataset.driver).path or ""
    name = event["name"]
    if folder and not name.startswith(folder.rstrip("/") + "/"):
        return
    path = "/" + name[len(folder.rstrip("/")) :].lstrip("/")
    if context.event_type == "google.storage.object.finalize":
        dataset.items.upload(local_path=f"external://{event['bucket']}/{name}", remote_path=os.path.dirname(path), overwrite=True)
    elif context.event_type == "google.storage.object.delete":
        dataset.items.delete(filters=dl.Filters(field="filename", values=path))
