"""Exports in every form the SDK asks for, and those of what changed since an earlier one."""
import json
import os
import zipfile

from frame import Area, dl

a = Area("export-forms")
ds = a.dataset("forms")
for number in range(6):
    made = a.upload(ds, f"/e{number % 2}/f{number}.jpg", b"%d" % number)
    if number < 2:
        made.annotations.upload(dl.Annotation.new(annotation_definition=dl.Classification(label="cat")))
VISIBLE = "i.flags & 1 = 0"


def out(name):
    path = os.path.join(a.state, name)
    os.makedirs(path, exist_ok=True)
    return path


@a.step
def forms():
    path = ds.export(local_path=out("json"), output_export_type=dl.OutputExportType.JSON)
    with open(path) as file:
        a.check("one JSON file", sorted(d["filename"] for d in json.load(file)), a.paths(ds))
    path = ds.export(local_path=out("zipped"), output_export_type=dl.OutputExportType.ZIP)
    with zipfile.ZipFile(path) as archive:
        a.check("zipped by the SDK", [name.endswith(".json") for name in archive.namelist()], [True])
    folder = ds.export(local_path=out("folders"), output_export_type=dl.OutputExportType.FOLDERS, include_annotations=True)
    found = sorted(os.path.relpath(os.path.join(root, name), folder) for root, _, names in os.walk(folder) for name in names)
    a.check("a folder tree", found, sorted(p[1:].replace(".jpg", ".json") for p in a.paths(ds)))
    a.check("with vectors asked for", bool(ds.export(local_path=out("vectors"), include_feature_vectors=True)))
    a.check("with a summary", bool(ds.export(local_path=out("summary"), export_summary=True)))
    a.check("of nothing", ds.export(local_path=out("nothing"), filters=dl.Filters(field="name", values="nothing")), None)


def changed(name, **options):
    """The manifest of an export of what changed, and its records."""
    manifest = ds.export(local_path=out(name), export_version=dl.DatasetExportVersion.V3, export_mode=dl.ExportMode.DIFF, **options)
    records = list(manifest.iter_records()) if manifest.files else []
    return manifest, records


@a.step
def differences():
    full = ds.export(local_path=out("full"), export_version=dl.DatasetExportVersion.V3)
    a.check("everything at first", [full.mode, full.total_records, full.from_version], ["full", len(a.paths(ds, VISIBLE)), None])
    items = {item.name: item for page in ds.items.list() for item in page}
    items["f0.jpg"].metadata["user"] = {"n": 1}
    items["f0.jpg"].update()
    items["f2.jpg"].annotations.upload(dl.Annotation.new(annotation_definition=dl.Classification(label="dog")))
    items["f4.jpg"].delete()
    a.upload(ds, "/new.jpg", b"new")
    manifest, records = changed("d1", from_version=full.to_version)
    a.check("then what changed", sorted(r["filename"] for r in records if not r.get("deleted")), ["/e0/f0.jpg", "/e0/f2.jpg", "/new.jpg"])
    a.check("and what is gone", [r["id"] for r in records if r.get("deleted")], [items["f4.jpg"].id])
    a.check("between two versions", [manifest.mode, manifest.from_version, manifest.to_version > full.to_version], ["diff", full.to_version, True])
    a.check("with the annotations of now", [n["label"] for r in records if r.get("filename") == "/e0/f2.jpg" for n in r["annotations"]], ["dog"])
    fresh = dl.datasets.get(dataset_id=ds.id)
    a.check("the dataset remembers", fresh.metadata["export_v3"]["last_to_version"], manifest.to_version)
    nothing = fresh.export(local_path=out("d2"), export_version=dl.DatasetExportVersion.V3, export_mode=dl.ExportMode.DIFF)
    a.check("nothing changed since", [nothing.total_records, nothing.from_version], [0, manifest.to_version])
    some, records = changed("d3", from_version=full.to_version, filters=dl.Filters(field="dir", values="/e0"))
    a.check("of a filter", sorted(r.get("filename", "gone") for r in records), ["/e0/f0.jpg", "/e0/f2.jpg", "gone"])
    try:
        ds.export(local_path=out("d4"), export_version=dl.DatasetExportVersion.V3, export_mode=dl.ExportMode.DIFF, from_version=99999)
        a.check("a version that is not there is refused", False)
    except dl.exceptions.BadRequest as error:
        a.check("a version that is not there is refused", "version" in str(error))


a.run()
