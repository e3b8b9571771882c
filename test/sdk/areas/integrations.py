"""Integrations of every type: create, list, get, change, delete; secrets never come back."""
import json

from frame import Area, dl

a = Area("integrations")
org_id = a.value("select org_id from project where id = $1", a.project.id)
kinds = dl.IntegrationType
SECRET = "tOp-SeCrEt/Value=="
ACCOUNT = json.dumps({"type": "service_account", "project_id": "p", "private_key": f"-----BEGIN PRIVATE KEY-----\n{SECRET}\n-----END PRIVATE KEY-----\n", "client_email": "a@p.iam.gserviceaccount.com"})
ALL = {
    kinds.S3: {"key": "AKIA0001", "secret": SECRET},
    kinds.AWS_STS: {"key": "AKIA0001", "secret": SECRET, "roleArns": "arn:aws:iam::123456789012:role/r"},
    kinds.GCS: {"key": "", "secret": "", "content": ACCOUNT},
    kinds.AZUREBLOB: {"key": "account", "secret": SECRET, "clientId": "00000000-0000-0000-0000-000000000001", "tenantId": "00000000-0000-0000-0000-000000000002"},
    kinds.KEY_VALUE: {"key": "name", "value": SECRET},
    kinds.PRIVATE_REGISTRY: a.project.integrations.generate_docker_hub_options("user", SECRET),
}


def create(kind, options, **more):
    return a.project.integrations.create(integrations_type=kind, name=a.unique(str(kind.value)), options=options, **more)


@a.step
def every_type():
    for kind, options in ALL.items():
        made = create(kind, options)
        row = a.rows("select name, type, org_id from integration where id = $1", made.id)[0]
        a.check(f"{kind.value} is made", [made.name, made.type, made.org if isinstance(made.org, str) else made.org["id"]], [row["name"], row["type"], row["org_id"]])
        sealed = a.value("select position($2::bytea in sealed)::int from secret where integration_id = $1", made.id, SECRET)
        a.check(f"{kind.value} is kept sealed", sealed, 0)
        body = a.api("GET", f"/orgs/{org_id}/integrations/{made.id}").text
        a.check(f"{kind.value} does not give its secret back", SECRET in body or "PRIVATE KEY" in body, False)
        a.check(f"{kind.value} can be read", a.project.integrations.get(integrations_id=made.id).id, made.id)


@a.step
def cross_account():
    aws = create(kinds.AWS_CROSS_ACCOUNT, {})
    names = {entry["name"] for entry in aws.metadata}
    a.check("aws-cross says who to trust", {"userArn", "status"} <= names)
    gcp = create(kinds.GCS_CROSS, {})
    email = [entry["value"] for entry in gcp.metadata if entry["name"] == "email"]
    a.check("gcp-cross gives an e-mail address", len(email) == 1 and "@" in email[0])
    a.raises("gcp-cross takes no metadata", 400, lambda: create(kinds.GCS_CROSS, {}, metadata={"email": "x"}), "Invalid input specified")
    a.check("no status is a trust that was not proved", "trust-established" in json.dumps([aws.metadata, gcp.metadata]), False)


@a.step
def key_value_metadata():
    made = create(kinds.KEY_VALUE, {"key": "k", "value": "v"}, metadata={"provider": "vault", "ref": "r"})
    a.check("provider and ref come back as a list", sorted((e["name"], e["value"]) for e in made.metadata if e["name"] in ("provider", "ref")), [["provider", "vault"], ["ref", "r"]])
    a.raises("nothing else is allowed", 400, lambda: create(kinds.KEY_VALUE, {"key": "k", "value": "v"}, metadata={"other": "x"}), "Invalid metadata fields for key-value integration")


@a.step
def refused():
    a.raises("without a secret", 400, lambda: create(kinds.S3, {"key": "AKIA0001"}))
    answer = a.api("POST", f"/orgs/{org_id}/integrations", json={"type": "nonsense", "name": "n", "options": {"secret": SECRET}})
    a.check("an unknown type", [answer.status_code, SECRET in answer.text], [400, False])
    answer = a.api("POST", f"/orgs/{org_id}/integrations", json={"type": "s3", "name": "n", "options": {"key": SECRET, "other": SECRET}})
    a.check("the message never tells the value", [answer.status_code, SECRET in answer.text], [400, False])


@a.step
def listing():
    made = create(kinds.S3, ALL[kinds.S3])
    listed = a.project.integrations.list()
    a.check("the list is a list of dicts", all(isinstance(entry, dict) for entry in listed))
    a.check("of all there are", sorted(entry["id"] for entry in listed), sorted(a.column("select id from integration where org_id = $1", org_id)))
    available = a.project.integrations.list(only_available=True)
    a.check("each kind that there is has name, type and id", [sorted({"name", "type", "id"} - set(entry)) for entry in available], [[] for _ in available])
    a.check("all the kinds of the SDK are among them", sorted({kind.value for kind in ALL} - {entry["type"] for entry in available}), [])
    a.check("through the organization", made.id in [entry["id"] for entry in dl.organizations.list_integrations(organization_id=org_id)])


@a.step
def update():
    made = create(kinds.S3, ALL[kinds.S3])
    before = a.value("select version from integration where id = $1", made.id)
    made.update(new_name="renamed")
    a.check("a new name", a.value("select name from integration where id = $1", made.id), "renamed")
    made.update(new_options={"key": "AKIA0002", "secret": "other"})
    a.check("new credentials are a new version", a.value("select version from integration where id = $1", made.id), before + 1)
    a.check("read back", a.project.integrations.get(integrations_id=made.id).name, "renamed")
    a.raises("an unknown one", 404, lambda: a.project.integrations.get(integrations_id="0" * 24))


@a.step
def delete():
    made = create(kinds.S3, ALL[kinds.S3])
    a.check("delete says yes", made.delete(sure=True, really=True))
    a.check("it is gone", a.value("select count(*)::int from integration where id = $1", made.id), 0)
    a.check("with its secret", a.value("select count(*)::int from secret where integration_id = $1", made.id), 0)
    driver = a.driver("integrations")
    used = a.project.integrations.get(integrations_id=driver.integration_id)
    a.raises("one in use stays", 400, lambda: used.delete(sure=True, really=True))
    a.check("it is there", a.value("select count(*)::int from integration where id = $1", driver.integration_id), 1)


a.run()
