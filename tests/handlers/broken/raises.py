def configure():
    raise RuntimeError("no weights")


configure()
