"""Environments that hold one module, which says what it was asked to."""

import os
import textwrap


class MarkedEnvironments:
    """Makes a virtual environment with a module `marker` in it."""

    def resolve(self, asked, work):
        if asked.options.get("fail"):
            raise ValueError(asked.options["fail"])
        return {"text": asked.options["text"].upper()}

    def install(self, locked, asked, prefix, work):
        work.tell("making the sample's environment")
        command = [asked.interpreter, "-m", "venv", "--without-pip", prefix]
        done = work.run(command, os.environ, prefix)
        if done.status:
            raise OSError(done.err)
        minor = ".".join(asked.version.split(".")[:2])
        packages = os.path.join(prefix, "lib", f"python{minor}", "site-packages")
        info = os.path.join(packages, "sample_marker-5.dist-info")
        os.makedirs(info)
        files = {
            os.path.join(packages, "marker.py"): f"text = {locked['text']!r}\n",
            os.path.join(
                info, "METADATA"
            ): "Metadata-Version: 2.1\nName: sample-marker\nVersion: 5\n",
            os.path.join(info, "RECORD"): "",
        }
        for path, text in files.items():
            with open(path, "w", encoding="utf-8") as file:
                file.write(textwrap.dedent(text))
