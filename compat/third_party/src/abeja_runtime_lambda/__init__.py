"""AWS Lambda functions, MessagePack answers, cpio archives and pyproject.toml for abeja-runtime."""
