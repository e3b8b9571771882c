"""Organizations, members, projects and their members, bots, API keys."""
import jwt
from frame import Area, calls, dl

a = Area("people")
org_id = a.value("select org_id from project where id = $1", a.project.id)
PROJECT_KEYS = set("account archived contributors createdAt creator featureConstraints id isBlocked name org role updatedAt url".split())


@a.step
def organizations():
    listed = dl.organizations.list()
    mine = a.column("select org_id from org_member m join user_account u on u.id = m.user_id where u.email = $1", a.task["email"])
    a.check("the list is the organizations of the user", sorted(org.id for org in listed), sorted(mine))
    org = dl.organizations.get(organization_id=org_id)
    a.check("by id", org.name, a.value("select name from org where id = $1", org_id))
    a.check("by name", dl.organizations.get(organization_name=org.name).id, org_id)
    a.raises("an unknown one", 404, lambda: dl.organizations.get(organization_id="0" * 24))
    body = a.api("GET", f"/orgs/{org_id}").json()
    a.check("all the fields the SDK reads", sorted({"id", "name", "members", "groups", "account", "createdAt", "updatedAt", "logoUrl", "plan", "owner", "creator"} - set(body)), [])
    a.check("the account is an object", isinstance(body["account"], dict))
    projects = a.api("GET", f"/orgs/{org_id}/projects").json()
    a.check("its projects", sorted(p["id"] for p in projects), sorted(a.column("select id from project where org_id = $1", org_id)))
    a.check("its groups", isinstance(org.list_groups(), list))
    a.check("plan", dl.organizations.update(plan="premium", organization_id=org_id) is not None)
    a.check("the plan is kept", a.api("GET", f"/orgs/{org_id}").json()["plan"], "premium")


@a.step
def organization_members():
    org = dl.organizations.get(organization_id=org_id)
    email = "member.of.org@example.com"
    org.add_member(email=email, role=dl.MemberOrgRole.MEMBER)
    sql = "select m.role from org_member m join user_account u on u.id = m.user_id where m.org_id = $1 and u.email = $2"
    a.check("a member is added", a.value(sql, org_id, email), "member")
    members = org.list_members()
    a.check("the list has everybody", sorted(m.email for m in members), sorted(a.column("select email from org_member m join user_account u on u.id = m.user_id where org_id = $1", org_id)))
    a.check("with their roles", [m.role for m in members if m.email == email], ["member"])
    a.check("by role", email in [m.email for m in org.list_members(role=dl.MemberOrgRole.MEMBER)])
    org.add_member(email=email, role=dl.MemberOrgRole.MEMBER)
    a.check("adding again changes nothing", a.value(sql, org_id, email), "member")
    org.update_member(email=email, role=dl.MemberOrgRole.ADMIN)
    a.check("the role changes", a.value(sql, org_id, email), "admin")
    org.delete_member(user_id=email, sure=True, really=True)
    a.check("a member is removed by e-mail address", a.value(sql, org_id, email), None)
    a.raises("who is no member cannot be removed", 404, lambda: org.delete_member(user_id="nobody@example.com", sure=True, really=True))


@a.step
def organization_life():
    made = a.api("POST", "/orgs", json={"name": a.unique("org")})
    a.check("an organization is made", [made.status_code, a.value("select name from org where id = $1", made.json()["id"])], [200, made.json()["name"]])
    project = dl.projects.create(project_name=a.unique("moves"))
    moved = a.api("PATCH", f"/projects/{project.id}/org", data={"org_id": made.json()["id"]})
    a.check("a project moves to it", [moved.status_code, a.value("select org_id from project where id = $1", project.id)], [200, made.json()["id"]])
    project.delete(sure=True, really=True)
    gone = a.api("DELETE", f"/orgs/{made.json()['id']}")
    a.check("it is deleted", [gone.status_code, a.value("select count(*)::int from org where id = $1", made.json()["id"])], [200, 0])


@a.step
def projects():
    name = a.unique("a-Z 09 !@#$%^&*()_+-[]|.,")
    made = dl.projects.create(project_name=name)
    a.check("every character that is allowed", a.value("select name from project where id = $1", made.id), name)
    for bad in ("slash/", "quote\"", "semi;colon", "umlaut ü", "back\\slash", "less<"):
        a.raises(f"{bad} is refused", 400, lambda: dl.projects.create(project_name=a.unique(bad)), "Failed to create project")
    a.raises("a name that is taken", 400, lambda: dl.projects.create(project_name=name), "Failed to create project")
    a.check("there is one", a.value("select count(*)::int from project where name = $1", name), 1)
    body = a.api("GET", f"/projects/{made.id}").json()
    a.check("the answer has exactly the keys", sorted(body), sorted(PROJECT_KEYS))
    a.check("to_json is the answer", dl.projects.get(project_id=made.id).to_json(), body)
    a.check("its organization is an object with an id", body["org"]["id"], org_id)
    a.check("who made it is an owner", a.value("select role from project_member m join user_account u on u.id = m.user_id where m.project_id = $1 and u.email = $2", made.id, a.task["email"]), "owner")
    a.check("by name", dl.projects.get(project_name=name).id, made.id)
    a.check("by id", dl.projects.get(project_id=made.id).name, name)
    a.raises("an unknown name", 404, lambda: dl.projects.get(project_name="there is no such project"))
    a.raises("an unknown id", 404, lambda: dl.projects.get(project_id="0" * 24))
    listed = sorted(p.id for p in dl.projects.list())
    a.check("it is in the list", made.id in listed)
    made.name = a.unique("renamed")
    made.update()
    a.check("it is renamed", a.value("select name from project where id = $1", made.id), made.name)
    a.check("delete says yes", made.delete(sure=True, really=True))
    a.check("and it is gone", a.value("select count(*)::int from project where id = $1", made.id), 0)
    a.raises("for the SDK too", 404, lambda: dl.projects.get(project_id=made.id))


@a.step
def deleting_takes_all_along():
    project = dl.projects.create(project_name=a.unique("cascade"))
    ds = project.datasets.create(dataset_name="inside")
    a.upload(ds, "/x.txt", "x")
    bot = project.bots.create(name="inside")
    a.check("deleted", project.delete(sure=True, really=True))
    a.check("with its datasets", a.until(lambda: a.value("select count(*)::int from dataset where id = $1", ds.id) == 0))
    a.raises("which are not found", 404, lambda: dl.datasets.get(dataset_id=ds.id))
    a.check("and its bots cannot log in", a.value("select count(*)::int from project_member m join user_account u on u.id = m.user_id where u.email = $1", bot.email), 0)


@a.step
def project_members():
    email = "member.of.project@example.com"
    sql = "select m.role from project_member m join user_account u on u.id = m.user_id where m.project_id = $1 and u.email = $2"
    for role, want in ((dl.MemberRole.DEVELOPER, "engineer"), (dl.MemberRole.ANNOTATOR, "annotator"), (dl.MemberRole.ANNOTATION_MANAGER, "annotationManager")):
        a.project.add_member(email=email, role=role) if a.value(sql, a.project.id, email) is None else a.project.update_member(email=email, role=role)
        a.check(f"role {want}", a.value(sql, a.project.id, email), want)
    members = a.project.list_members()
    a.check("the list has everybody", {a.task["email"], email} <= {m.email for m in members})
    a.check("by role", [m.email for m in a.project.list_members(role=dl.MemberRole.ANNOTATION_MANAGER)], [email])
    a.project.remove_member(email=email)
    a.check("removed", a.value(sql, a.project.id, email), None)
    a.raises("the last owner stays", 409, lambda: a.project.remove_member(email=a.task["email"]))


@a.step
def bots():
    project = dl.projects.create(project_name=a.unique("bots"))
    a.check("a project has a bot of its own", len(project.bots.list()), 1)
    bot = project.bots.create(name="robbie", return_credentials=True)
    kind = a.rows("select kind, email from user_account where id = $1 or email = $1", bot.id)[0]
    a.check("a bot is a user of its own kind", [kind["kind"], bot.email], ["bot", kind["email"]])
    a.check("its id is its e-mail address", bot.id, bot.email)
    a.check("then there are two", len(project.bots.list()), 2)
    a.check("get by id", project.bots.get(bot_id=bot.id).name, "robbie")
    a.check("get by name", project.bots.get(bot_name="robbie").id, bot.id)
    a.check("get by address", project.bots.get(bot_email=bot.email).id, bot.id)
    body = a.api("GET", f"/projects/{project.id}/bots/{bot.id}").json()
    a.check("a password is told only once", body.get("password"), None)
    password = bot.password
    dl.logout()
    a.check("it logs in", dl.login_m2m(email=bot.id, password=password))
    a.check("sees its project", [p.id for p in dl.projects.list()], [project.id])
    ds = dl.projects.get(project_id=project.id).datasets.create(dataset_name="by bot")
    a.check("and works in it", a.value("select u.email from dataset d join user_account u on u.id = d.creator_id where d.id = $1", ds.id), bot.email)
    a.raises("in no other", 404, lambda: dl.projects.get(project_id=a.project.id))
    token = dl.client_api.token
    dl.logout()
    a.login()
    a.check("deleted", project.bots.delete(bot_id=bot.id))
    a.check("its token is dead", a.plain.send("GET", f"{a.server}/api/v1/projects", headers={"authorization": f"Bearer {token}"}).status_code, 401)
    a.check("it logs in no more", a.plain.send("POST", f"{a.server}/token?default", json={"username": bot.id, "password": password, "type": "user_credentials"}).status_code >= 400)
    a.check("one is left", len(project.bots.list()), 1)
    a.check("creating twice makes two names or one bot, never an error", bool(project.bots.create(name="twin").id and project.bots.create(name="twin").id))


@a.step
def token_of_a_bot():
    project = dl.projects.create(project_name=a.unique("keys"))
    bot = project.bots.create(name="keyed", return_credentials=True)
    answer = a.api("POST", "/apiKeys", json={"userId": bot.email})
    a.check("an owner makes a key for a bot", answer.status_code, 200)
    a.check("that names the bot", jwt.decode(answer.json()["jwt"], options={"verify_signature": False})["email"], bot.email)
    refused = a.api("POST", "/apiKeys", json={"userId": "somebody.else@example.com"})
    a.check("but not for other people", refused.status_code in (403, 404))


@a.step
def messages():
    listed = dl.messages._list(context={"project": a.project.id})
    a.check("the inbox can be read", isinstance(list(listed), list))


@a.step
def mail():
    answer = a.api("POST", f"/projects/{a.project.id}/mail", json={"to": a.task["email"], "from": "x", "subject": "s", "body": "b"})
    a.check("mail answers as JSON whatever it says", "json" in answer.headers["content-type"])


a.run()
