"""The followers run in environments of their own, and are no tests."""

collect_ignore_glob = ["follow_*.py"]
