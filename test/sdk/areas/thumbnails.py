"""Thumbnails by id: made when asked for, kept as hidden items, made again when the file is another one."""
import io

from frame import Area, dl
from PIL import Image

a = Area("thumbnails")


def picture(width, height, colour=(200, 30, 30), kind="PNG", mode="RGB"):
    """Bytes of a picture."""
    out = io.BytesIO()
    Image.new(mode, (width, height), colour).save(out, kind)
    return out.getvalue()


def thumbnail(item):
    """The picture that the server gives for an item."""
    answer = a.api("GET", f"/items/{item.id}/thumbnail")
    return Image.open(io.BytesIO(answer.content)), answer


@a.step
def of_an_upload():
    ds = a.dataset("thumbs")
    item = a.upload(ds, "/p/wide.png", picture(1000, 500))
    small, answer = thumbnail(item)
    a.check("a small picture of the same shape", [answer.status_code, small.size], [200, [256, 128]])
    a.check("of the same colour", all(abs(x - y) < 12 for x, y in zip(small.convert("RGB").getpixel((100, 60)), (200, 30, 30))))
    a.check("under the type it has", answer.headers["content-type"].split(";")[0], "image/jpeg")
    again = dl.items.get(item_id=item.id)
    made = again.metadata["system"]["thumbnailId"]
    a.check("the item names it", [len(made), again.width, again.height], [24, 1000, 500])
    hidden = dl.items.get(item_id=made)
    a.check("it is a hidden item", [hidden.hidden, hidden.filename.startswith("/.dataloop/thumbnails/")], [True, True])
    a.check("whose bytes are the thumbnail", hidden.download(save_locally=False).read() == answer.content)
    a.check("lists do not show it", a.names(ds), ["/p/wide.png"])
    a.check("counts do not count it", dl.datasets.get(dataset_id=ds.id).items_count, 1)
    thumbnail(item)
    a.check("the second time it is the same", dl.items.get(item_id=item.id).metadata["system"]["thumbnailId"], made)
    changed = a.upload(ds, "/p/wide.png", picture(300, 600, (10, 200, 10)), overwrite=True)
    small, _ = thumbnail(changed)
    a.check("another file, another thumbnail", small.size, [128, 256])
    a.check("and other sides", dl.items.get(item_id=item.id).height, 600)
    item = dl.items.get(item_id=item.id)
    item.metadata["system"]["thumbnailId"] = None
    item.update(system_metadata=True)
    thumbnail(item)
    a.check("taken away it is made again", bool(dl.items.get(item_id=item.id).metadata["system"].get("thumbnailId")))


@a.step
def transparent():
    ds = a.dataset("alpha")
    item = a.upload(ds, "/a.png", picture(400, 400, (0, 0, 255, 90), mode="RGBA"))
    small, answer = thumbnail(item)
    a.check("transparent ones stay so", [small.mode, answer.headers["content-type"].split(";")[0]], ["RGBA", "image/png"])


@a.step
def of_a_bucket():
    a.put("thumbnails/in/one.jpg", picture(640, 480, kind="JPEG"), "image/jpeg")
    ds = a.project.datasets.create(dataset_name=a.unique("bucket"), driver=a.driver("thumbnails"))
    ds.sync()
    item = ds.items.get(filepath="/in/one.jpg")
    small, answer = thumbnail(item)
    a.check("a picture of the bucket", small.size, [256, 192])
    keys = [key for key in a.keys("thumbnails/.dataloop/thumbnails/")]
    a.check("its thumbnail lies in the bucket's hidden folder", len(keys), 1)
    a.check("with the bytes that were given", a.read(keys[0]) == answer.content)
    a.check("nothing else came", [key for key in a.keys("thumbnails/") if "/.dataloop/" not in key], ["thumbnails/in/one.jpg"])
    ds.sync()
    a.check("a sync does not take it for a file", a.paths(ds), ["/in/one.jpg"])
    a.put("thumbnails/in/one.jpg", picture(100, 300, kind="JPEG"), "image/jpeg")
    ds.sync()
    small, _ = thumbnail(item)
    a.check("a changed file has another", small.size, [85, 256])


@a.step
def of_what_has_none():
    ds = a.dataset("none")
    for path, data in [("/t.txt", b"text"), ("/broken.png", b"not a picture"), ("/empty.jpg", b""), ("/drawn.svg", b'<svg xmlns="http://www.w3.org/2000/svg"/>')]:
        item = a.upload(ds, path, data)
        answer = a.api("GET", f"/items/{item.id}/thumbnail")
        a.check(f"{path} is 404 as JSON", [answer.status_code, bool(answer.json()["message"])], [404, True])


a.run()
