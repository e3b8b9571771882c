"""Lists all items of a dataset by the SDK's own iteration, as a user's loop does, and tells how many there were and how many different ones."""

import json
import sys
import time

import dtlpy as dl

url, email, password, dataset_id = sys.argv[1:5]
dl.add_environment(environment=url + "/api/v1", alias="bench", gate_url=url, url=url + "/", verify_ssl=False)
dl.setenv("bench")
if not dl.login_m2m(email=email, password=password):
    raise SystemExit("the log-in failed")

dataset = dl.datasets.get(dataset_id=dataset_id)
started = time.perf_counter()
seen = set()
count = 0
for page in dataset.items.list():
    for item in page:
        count += 1
        seen.add(item.filename)
print(json.dumps({"count": count, "different": len(seen), "seconds": time.perf_counter() - started}))
