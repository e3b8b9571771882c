"""Settings: create, read, change, delete, list and resolve, with types and precedence."""
from frame import Area, dl

a = Area("settings")
org_id = a.value("select org_id from project where id = $1", a.project.id)
types = dl.SettingsValueTypes


def scope(kind, scope_id, prevent=False):
    return dl.SettingScope(type=kind, id=scope_id, role=dl.Role.ALL, prevent_override=prevent, visible=True)


def make(name, value, value_type, kind, scope_id, prevent=False):
    setting = dl.UserSetting(
        name=name,
        value=value,
        value_type=value_type,
        default_value=value,
        scope=scope(kind, scope_id, prevent),
        metadata={},
        description="d",
        inputs=None,
        icon=None,
        section_name=dl.SettingsSectionNames.SDK,
        sub_section_name=None,
        hint=None,
    )
    return a.project.settings.create(setting=setting)


@a.step
def life():
    made = a.project.settings.create(setting_name="colour", setting_value="red", setting_value_type=types.STRING)
    body = a.api("GET", f"/settings/{made.id}").json()
    a.check("it is stored", [body["name"], body["value"], body["valueType"], body["scope"]["id"]], ["colour", "red", "string", a.project.id])
    a.check("get by id", a.project.settings.get(setting_id=made.id).value, "red")
    a.check("get by name", a.project.settings.get(setting_name="colour").id, made.id)
    a.check("to_json agrees with the answer", {k: v for k, v in a.project.settings.get(setting_id=made.id).to_json().items() if body.get(k) != v and k in body}, {})
    changed = a.project.settings.update(setting_id=made.id, setting_name="colour", setting_value="blue")
    a.check("it changes", [changed.value, a.project.settings.get(setting_id=made.id).value], ["blue", "blue"])
    a.check("delete says yes", a.project.settings.delete(setting_id=made.id))
    a.raises("it is gone", 404, lambda: a.project.settings.get(setting_id=made.id))


@a.step
def kinds_of_value():
    for name, value, kind in [("b", True, types.BOOLEAN), ("n", 4.5, types.NUMBER), ("s", "x", types.STRING), ("l", "one", types.SELECT), ("m", ["one", "two"], types.MULTI_SELECT)]:
        made = a.project.settings.create(setting_name=f"kind {name}", setting_value=value, setting_value_type=kind)
        a.check(f"{kind.value} comes back", a.project.settings.get(setting_id=made.id).value, value)
    a.raises("a value of the wrong type", 400, lambda: a.project.settings.create(setting_name="wrong", setting_value=True, setting_value_type=types.STRING), "Invalid input specified, Incorrect value type passed - Passed boolean Expected string")
    a.raises("of a number too", 400, lambda: a.project.settings.create(setting_name="wrong", setting_value=True, setting_value_type=types.NUMBER), "Passed boolean Expected number")


@a.step
def listing():
    for no in range(3):
        a.project.settings.create(setting_name=f"listed {no}", setting_value=no, setting_value_type=types.NUMBER)
    filters = dl.Filters(resource=dl.FiltersResource.SETTINGS, field="name", values="listed 1")
    a.check("by name", [s.value for s in a.project.settings.list(filters=filters).items], [1])
    a.check("all of the project", {"listed 0", "listed 1", "listed 2"} <= {s.name for s in a.project.settings.list().items})


@a.step
def resolve():
    ds = a.dataset("resolve")
    name = "resolved"
    made = make(name, "of the org", types.STRING, dl.PlatformEntityType.ORG, org_id)

    def value(**where):
        found = a.project.settings.resolve(user_email=a.task["email"], org_id=org_id, **where)
        return [s.value for s in found if s.name == name]

    a.check("the organization's", value(project_id=a.project.id), ["of the org"])
    make(name, "of the project", types.STRING, dl.PlatformEntityType.PROJECT, a.project.id)
    a.check("the project's goes before it", value(project_id=a.project.id), ["of the project"])
    make(name, "of the dataset", types.STRING, dl.PlatformEntityType.DATASET, ds.id)
    a.check("the dataset's before that", value(project_id=a.project.id, dataset_id=ds.id), ["of the dataset"])
    a.check("but only there", value(project_id=a.project.id), ["of the project"])
    make(name, "of the user", types.STRING, dl.PlatformEntityType.USER, a.task["email"])
    a.check("the user's own before all", value(project_id=a.project.id, dataset_id=ds.id), ["of the user"])
    name2 = "fixed"
    make(name2, "fixed by the org", types.STRING, dl.PlatformEntityType.ORG, org_id, prevent=True)
    make(name2, "mine", types.STRING, dl.PlatformEntityType.PROJECT, a.project.id)
    found = a.project.settings.resolve(user_email=a.task["email"], org_id=org_id, project_id=a.project.id)
    a.check("unless it may not be overridden", [s.value for s in found if s.name == name2], ["fixed by the org"])
    del made


a.run()
