"""The store on any interpreter: blobs, manifests, values, and the pickles that it can make."""

import hashlib
import os
import pickle
import shutil
import sys
import tempfile
import unittest

from falaj.errors import CorruptBlob, MissingBlob
from falaj.model.orders import Frame
from falaj.store.artifacts import load_artifact, save
from falaj.store.blobs import BlobStore
from falaj.store.codec import APART_FROM, BUFFERS, PICKLE, PROTOCOL, encode
from falaj.store.manifests import load_manifest, save_manifest
from falaj.store.values import load_value, save_values
from falaj.store.writing import PARALLEL_FROM


class Whole(object):
    """A value with a buffer that pickle may keep apart."""

    def __init__(self, data):
        self.data = data

    def __reduce_ex__(self, protocol):
        if protocol >= 5:
            return Whole, (pickle.PickleBuffer(self.data),)
        return Whole, (bytearray(self.data),)


def refuse(*arguments):
    return ValueError(*arguments[:1])


class StoreCase(unittest.TestCase):
    """A store in a folder of its own."""

    def setUp(self):
        folder = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, folder)
        self.store = BlobStore(os.path.join(folder, "store"))


class Blobs(StoreCase):
    """Bytes in, the same bytes out."""

    def test_blobs_come_back_and_are_named_by_their_bytes(self):
        for size in (0, 1, 1000, PARALLEL_FROM + 5):
            data = bytes(bytearray(number % 251 for number in range(997))) * (size // 997 + 1)
            data = data[:size]
            digest = self.store.put_parts([data[:10], data[10:]])
            self.assertEqual(digest, "sha256:" + hashlib.sha256(data).hexdigest())
            self.assertEqual(self.store.read(digest), data)
            self.assertEqual(self.store.put(data), digest)

    def test_damage_and_absence_are_told(self):
        digest = self.store.put(b"some bytes")
        with open(self.store.path(digest), "wb") as file:
            file.write(b"other bytes")
        with self.assertRaises(CorruptBlob):
            self.store.read(digest)
        os.unlink(self.store.path(digest))
        with self.assertRaises(MissingBlob):
            self.store.read(digest)


class Artifacts(StoreCase):
    """Values in, equal values out."""

    def test_values_come_back(self):
        values = {"none": None, "text": "\u00fc" * 20000, "nested": {"a": [1, (2.5, b"x")]}}
        entries = save(self.store, values, lambda *_: None, refuse)
        digest = save_manifest(self.store, None, {}, entries, [Frame("s", "xs", 1, 3, "v")])
        manifest = load_manifest(self.store, digest)
        self.assertEqual(manifest.names(), list(values))
        self.assertEqual(manifest.frames, (Frame("s", "xs", 1, 3, "v"),))
        for name, value in values.items():
            self.assertEqual(load_artifact(self.store, manifest.entry(name), name), value)
            self.assertIsNotNone(manifest.preview(name))

    def test_the_newest_pickle_that_others_can_read_is_used(self):
        self.assertEqual(PROTOCOL, 4 if sys.version_info < (3, 8) else 5)
        encoded = encode({"a": 1})
        self.assertEqual(encoded.codec, PICKLE)
        self.assertEqual(bytearray(encoded.pickled[0])[:2], bytearray([0x80, PROTOCOL]))

    def test_large_buffers_are_kept_apart_where_pickle_can(self):
        data = bytearray(b"q" * (2 * APART_FROM))
        apart = sys.version_info >= (3, 8)
        self.assertEqual(encode(Whole(data)).codec, BUFFERS if apart else PICKLE)
        entries = save(self.store, {"whole": Whole(data)}, lambda *_: None, refuse)
        found = load_artifact(self.store, entries["whole"], "whole")
        self.assertEqual(bytes(found.data), bytes(data))

    def test_what_can_not_be_pickled_is_refused(self):
        with self.assertRaisesRegex(ValueError, "bad"):
            save(self.store, {"bad": lambda: 0}, lambda *_: None, refuse)

    def test_foreach_values_are_read_one_by_one(self):
        saved = save_values(self.store, (str(number) for number in range(9)), refuse)
        self.assertEqual(saved.width, 9)
        for index in (0, 4, 8):
            self.assertEqual(load_value(self.store, saved.digest, index), str(index))
        with self.assertRaises(CorruptBlob):
            load_value(self.store, saved.digest, 9)


if __name__ == "__main__":
    unittest.main()
