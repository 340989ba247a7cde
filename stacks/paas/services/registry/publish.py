"""Lay out a registry of npm and an index of Python packages as files that any web server can serve.

usage: publish.py ROOT TARBALL... -- MODULE...

A TARBALL is a package of npm. A MODULE is a single-file module that is installed here with its metadata,
and becomes a wheel (PEP 427) in an index (PEP 503).
"""

import base64
import hashlib
import importlib.metadata
import json
import pathlib
import sys
import tarfile
import zipfile

# As a registry of npm answers, with an address that every client replaces by its own registry's.
NPM_BASE = "https://registry.npmjs.org"


def digest(data, name):
    return hashlib.new(name, data).digest()


def publish_npm(root, tarball):
    data = tarball.read_bytes()
    with tarfile.open(tarball) as archive:
        manifest = json.load(archive.extractfile("package/package.json"))
    name, version = manifest["name"], manifest["version"]
    place = root / "npm" / name
    file = f"{name.split('/')[-1]}-{version}.tgz"
    (place / "-").mkdir(parents=True, exist_ok=True)
    (place / "-" / file).write_bytes(data)
    integrity = "sha512-" + base64.b64encode(digest(data, "sha512")).decode()
    dist = {"tarball": f"{NPM_BASE}/{name}/-/{file}", "integrity": integrity}
    packument = {"name": name, "dist-tags": {"latest": version}, "versions": {version: manifest | {"dist": dist}}}
    (place / "index.json").write_text(json.dumps(packument))


def publish_wheel(root, module):
    found = importlib.metadata.distribution(module)
    name, version = found.metadata["Name"].lower(), found.version
    info = f"{name}-{version}.dist-info"
    files = {
        f"{module}.py": pathlib.Path(found.locate_file(f"{module}.py")).read_bytes(),
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n".encode(),
        f"{info}/WHEEL": b"Wheel-Version: 1.0\nGenerator: publish\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = "".join(
        f"{path},sha256={base64.urlsafe_b64encode(digest(data, 'sha256')).decode().rstrip('=')},{len(data)}\n"
        for path, data in files.items()
    )
    files[f"{info}/RECORD"] = f"{record}{info}/RECORD,,\n".encode()
    place = root / "simple" / name
    place.mkdir(parents=True, exist_ok=True)
    file = place / f"{name}-{version}-py3-none-any.whl"
    with zipfile.ZipFile(file, "w") as archive:
        for path, data in files.items():
            # The same bytes whenever it is built.
            archive.writestr(zipfile.ZipInfo(path, (1980, 1, 1, 0, 0, 0)), data)
    hashed = hashlib.sha256(file.read_bytes()).hexdigest()
    link = f'<a href="{file.name}#sha256={hashed}">{file.name}</a>'
    (place / "index.html").write_text(f"<!doctype html>\n<title>{name}</title>\n{link}\n")


def main(root, *names):
    split = names.index("--")
    for tarball in names[:split]:
        publish_npm(pathlib.Path(root), pathlib.Path(tarball))
    for module in names[split + 1 :]:
        publish_wheel(pathlib.Path(root), module)


main(*sys.argv[1:])
