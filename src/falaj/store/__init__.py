"""Content-addressed blobs, and artifacts, manifests and foreach values kept in them."""
