"""Where a model's name leads: to the embedded model, a folder, the hub's cache, the workspace or a server."""
