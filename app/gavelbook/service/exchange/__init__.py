"""The exchange as a running service: log, sequencer, views, settler and watcher."""
