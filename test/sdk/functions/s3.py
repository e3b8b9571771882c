"""A function that a bucket of S3 calls for each object that comes or goes, keeping a dataset in step through the SDK; the shape of AWS Lambda's handlers."""
import os
import urllib.parse

import dtlpy as dl


def handler(event, context):
    """Takes one event document of S3 (AWS or Ceph): every record of it is an object that was created or removed."""
    if dl.token_expired():
        dl.login_m2m(email=os.environ["BOT_EMAIL"], password=os.environ["BOT_PASSWORD"])
    dataset = dl.datasets.get(dataset_id=os.environ["DATASET_ID"])
    folder = dataset.project.drivers.get(driver_id=dataset.driver).path or ""
    for record in event["Records"]:
        # Keys travel as in a form: spaces as plus, everything else percent-encoded.
        key = urllib.parse.unquote_plus(record["s3"]["object"]["key"])
        if folder and not key.startswith(folder.rstrip("/") + "/"):
            continue
        path = "/" + key[len(folder.rstrip("/")) :].lstrip("/")
        kind = record["eventName"].removeprefix("s3:")
        if kind.startswith("ObjectCreated"):
            # As the vendor's own sample has it: the key alone, without the bucket.
            dataset.items.upload(local_path=f"external://{key}", remote_path=os.path.dirname(path), overwrite=True)
        elif kind.startswith("ObjectRemoved"):
            dataset.items.delete(filters=dl.Filters(field="filename", values=path))
