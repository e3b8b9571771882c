"""Connects a registry with the vendor's unmodified SDK, syncs it and reads every item; run by registry-sdk.test.ts as: registry-sdk.py TASK OUTCOME."""
import hashlib
import json
import sys

import dtlpy as dl

with open(sys.argv[1], encoding="utf-8") as file:
    task = json.load(file)
server = task["server"]
dl.add_environment(environment=server + "/api/v1", alias="sluice", gate_url=server, url=server + "/", verify_ssl=False)
dl.setenv("sluice")
dl.login_m2m(email=task["email"], password=task["password"])
project = dl.projects.create(project_name="registries")


def integration(name, password):
    options = project.integrations.generate_azure_container_registry_options(
        username=task["registry"]["username"], password=password, location=task["registry"]["origin"]
    )
    return project.integrations.create(
        integrations_type=dl.IntegrationType.PRIVATE_REGISTRY, name=name, options=options, metadata={"provider": "azure"}
    )


def driver(name, integration_id, **more):
    return project.drivers.create(
        name=name,
        driver_type="registry",
        integration_id=integration_id,
        integration_type=dl.IntegrationType.PRIVATE_REGISTRY,
        bucket_name=task["registry"]["origin"],
        allow_external_delete=False,
        **more,
    )


refused = None
try:
    driver("wrong", integration("wrong", "not-the-password").id)
except dl.exceptions.BadRequest as error:
    refused = error.message

made = driver("registry", integration("right", task["registry"]["password"]).id)
dataset = project.datasets.create(dataset_name="artifacts", driver=made)
synced = dataset.sync()
items = {}
for page in dataset.items.list(page_size=7):
    for item in page:
        items[item.filename] = hashlib.sha256(item.download(save_locally=False).read()).hexdigest()

folder = driver("folder", integration("again", task["registry"]["password"]).id, path="team/app/v1")
narrow = project.datasets.create(dataset_name="one tag", driver=folder)
narrow.sync()

item = dataset.items.get(filepath=task["one"])
item.metadata["user"] = {"seen": True}
item.update()
facts = dataset.items.get(item_id=item.id).metadata

upload = None
try:
    dataset.items.upload(local_path=sys.argv[1], remote_path="/", raise_on_error=True)
except Exception as error:
    upload = str(error)

with open(sys.argv[2], "w", encoding="utf-8") as file:
    json.dump(
        {
            "refused": refused,
            "driver": project.drivers.get(driver_id=made.id).to_json(),
            "synced": synced,
            "items": items,
            "narrow": sorted(item.filename for item in narrow.items.list().all()),
            "facts": facts,
            "upload": upload,
        },
        file,
        default=str,
    )
