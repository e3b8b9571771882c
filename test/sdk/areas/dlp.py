"""The command line of the SDK, `dlp`, as a process of its own."""
import os
import subprocess

from frame import Area, dl

a = Area("dlp")
PROJECT, DATASET = a.project.name.replace(" ", "-"), "dlp-dataset"


def dlp(*args):
    """Runs the program; answers what it wrote and how it ended."""
    ended = subprocess.run(["dlp", *args], capture_output=True, text=True, timeout=60, cwd=a.state, stdin=subprocess.DEVNULL)
    text = ended.stdout + ended.stderr
    if ended.returncode != 0:
        raise RuntimeError(f"dlp {' '.join(args)} ended with {ended.returncode}: {text[-400:]}")
    return text, ended.returncode


@a.step
def log_in():
    dl.logout()
    # A thread that the SDK starts as it is imported reads its state file, changes it and writes it, and so may undo what was written in between: the address
    # of the server was gone from the file in one run of many. This process has it in memory, where the next one cannot read it.
    dl.client_api.environment = dl.client_api.environment
    text, code = dlp("login-m2m", "-e", a.task["email"], "-p", a.task["password"], "-i", "x", "-s", "x")
    a.check("login-m2m ends well", code, 0)
    a.check("and does not complain", "error" in text.lower(), False)
    a.login()


@a.step
def projects():
    text, code = dlp("projects", "create", "-p", PROJECT)
    a.check("projects create makes one", [code, a.value("select count(*)::int from project where name = $1", PROJECT)], [0, 1])
    text, code = dlp("projects", "ls")
    a.check("projects ls names it", [code, PROJECT in text], [0, True])


@a.step
def datasets():
    text, code = dlp("datasets", "create", "-p", PROJECT, "-d", DATASET)
    a.check("datasets create makes one", [code, a.value("select count(*)::int from dataset d join project p on p.id = d.project_id where d.name = $1 and p.name = $2", DATASET, PROJECT)], [0, 1])
    text, code = dlp("datasets", "ls", "-p", PROJECT)
    a.check("datasets ls names it", [code, DATASET in text], [0, True])
    a.check("and not the hidden one", "Binaries" in text, False)


@a.step
def items():
    folder = os.path.join(a.state, "up")
    os.makedirs(os.path.join(folder, "sub"), exist_ok=True)
    for name, content in (("a.txt", "first"), ("sub/b.txt", "second"), ("empty.txt", "")):
        with open(os.path.join(folder, name), "w", encoding="utf-8") as file:
            file.write(content)
    text, code = dlp("items", "upload", "-p", PROJECT, "-d", DATASET, "-l", folder, "-r", "/in")
    dataset = dl.projects.get(project_name=PROJECT).datasets.get(dataset_name=DATASET)
    a.check("items upload takes a folder along", [code, a.paths(dataset)], [0, ["/in/up/a.txt", "/in/up/empty.txt", "/in/up/sub/b.txt"]])
    text, code = dlp("items", "ls", "-p", PROJECT, "-d", DATASET)
    a.check("items ls names them", [code, "b.txt" in text], [0, True])
    down = os.path.join(a.state, "down")
    text, code = dlp("items", "download", "-p", PROJECT, "-d", DATASET, "-l", down)
    found = {os.path.relpath(os.path.join(root, name), down): open(os.path.join(root, name), encoding="utf-8").read() for root, _, names in os.walk(down) for name in names}
    a.check("items download brings them back", [code, sorted(found.values())], [0, sorted(["first", "second", ""])])
    a.check("below their paths", sorted("/" + path.split("items/")[-1] for path in found), a.paths(dataset))


@a.step
def others():
    text, code = dlp("--version")
    a.check("--version tells the version", dl.__version__ in text)
    text, code = dlp("api", "info")
    a.check("api info tells where it is", a.server in text or text[-300:])


a.run()
