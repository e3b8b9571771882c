"""Does with the vendor's unmodified SDK what a user does, and writes what came of it as JSON.

Run by sdk.test.ts: mission.py TASK OUTCOME, both JSON files. The SDK keeps its state below $DATALOOP_PATH.
"""
import hashlib
import json
import os
import sys

import dtlpy as dl
import requests


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        task = json.load(file)
    server, bucket = task["server"], task["bucket"]
    dl.add_environment(
        environment=server + "/api/v1", alias="sluice", gate_url=server, url=server + "/", verify_ssl=False
    )
    dl.setenv("sluice")
    wrong = dl.login_m2m(email=task["email"], password="not " + task["password"])
    logged_in = dl.login_m2m(email=task["email"], password=task["password"])

    project = dl.projects.create(project_name="SDK")
    integration = project.integrations.create(
        integrations_type=dl.IntegrationType.S3,
        name="keys",
        options={"key": bucket["accessKeyId"], "secret": bucket["secretKey"]},
    )
    driver = project.drivers.create(
        name="bucket",
        driver_type=dl.ExternalStorage.S3,
        integration_id=integration.id,
        integration_type=dl.IntegrationType.S3,
        bucket_name=bucket["name"],
        region=bucket["region"],
        endpoint=bucket["endpoint"],
        allow_external_delete=False,
    )
    dataset = project.datasets.create(dataset_name="mirror", driver=driver)
    synced = dataset.sync()
    again = dataset.sync()

    # Paged on purpose: the SDK goes from page to page by itself.
    listed = {}
    for page in dataset.items.list(page_size=50):
        for item in page:
            listed[item.filename] = item

    items, downloads = [], os.path.join(os.environ["DATALOOP_PATH"], "downloads")
    for filename, item in listed.items():
        found = dataset.items.get(filepath=filename)
        items.append(
            {
                "filename": filename,
                "size": item.metadata["system"]["size"],
                "foundByPath": found.id == item.id,
                "sha256": hashlib.sha256(found.download(save_locally=False).read()).hexdigest(),
            }
        )

    # The SDK leaves hidden items out of its lists unless it is told to show them.
    hidden = dl.Filters(field="hidden", values=True)
    hidden = [item.filename for page in dataset.items.list(filters=hidden) for item in page]

    # The SDK has no public reader of the inbox, but it has one.
    messages = [
        {
            "title": message.title,
            "code": message.notification_code,
            "aboutTheDataset": message.resource_type == "dataset" and message.resource_id == dataset.id,
            "inTheProject": message.context.project == project.id and message.project.id == project.id,
            "hasText": len(message.description) > 0,
            "isNew": bool(message.new) and not message.read and not message.dismissed,
        }
        for message in dl.messages._list(context={"project": project.id})
    ]

    saved = listed[task["save"]].download(local_path=downloads)
    with open(saved, "rb") as file:
        saved_sha256 = hashlib.sha256(file.read()).hexdigest()

    # A file goes from the bucket; the next sync marks its item, and a filter finds it.
    requests.delete(task["removal"], timeout=30).raise_for_status()
    dataset.sync()
    missing = dl.Filters(field="metadata.system.storage.state", values="missing")
    missing = [
        {"filename": item.filename, "hasTime": "missingSince" in item.metadata["system"]["storage"]}
        for page in dataset.items.list(filters=missing)
        for item in page
    ]

    outcome = {
        "wrongPasswordLogsIn": wrong,
        "loggedIn": logged_in,
        "synced": synced,
        "syncedAgain": again,
        "itemsCount": dataset.items.list().items_count,
        "readBack": {
            "project": dl.projects.get(project_name="SDK").id == project.id,
            "integration": project.integrations.get(integrations_id=integration.id).id == integration.id,
            "driver": project.drivers.get(driver_name="bucket").id == driver.id,
            "dataset": project.datasets.get(dataset_name="mirror").id == dataset.id,
        },
        "items": items,
        "hidden": hidden,
        "missing": missing,
        "messages": messages,
        "savedSha256": saved_sha256,
    }
    with open(sys.argv[2], "w", encoding="utf-8") as file:
        json.dump(outcome, file)


main()
