"""One file a command: options in, streams opened, one stage called, a sentence on stderr."""
