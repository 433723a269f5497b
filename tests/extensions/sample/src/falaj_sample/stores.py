"""A store of blobs in a folder, as another machine's disk would be."""

import os
import shutil
import tempfile


class FolderStore:
    """Keeps each blob as a file of the folder `target`."""

    def __init__(self, target):
        self._folder = target

    def upload(self, digest, path):
        if os.path.exists(os.path.join(self._folder, "full")):
            raise OSError("the folder is full")
        # A name of its own: several threads may upload the same blob.
        with tempfile.NamedTemporaryFile(dir=self._made(), delete=False) as file:
            try:
                with open(path, "rb") as source:
                    shutil.copyfileobj(source, file)
                os.replace(file.name, self._path(digest))
            except BaseException:
                os.unlink(file.name)
                raise

    def download(self, digest, path):
        if not self.exists(digest):
            return False
        shutil.copyfile(self._path(digest), path)
        return True

    def exists(self, digest):
        return os.path.exists(self._path(digest))

    def _path(self, digest):
        return os.path.join(self._folder, digest)

    def _made(self):
        os.makedirs(self._folder, exist_ok=True)
        return self._folder


class Forgetful(FolderStore):
    """Says that all is well and keeps nothing."""

    def upload(self, digest, path):
        pass


class Rotten(FolderStore):
    """Gives back other bytes than it was given."""

    def download(self, digest, path):
        found = super().download(digest, path)
        if found:
            with open(path, "ab") as file:
                file.write(b"!")
        return found
