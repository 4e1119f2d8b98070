"""The jobs as models of KServe."""

import time

import uvicorn


class LocalConfig(uvicorn.Config):
    """KServe listens on all addresses and has no option for it."""

    def __init__(self, *args: object, **options: object) -> None:
        super().__init__(*args, **{**options, "host": "127.0.0.1"})


uvicorn.Config = LocalConfig

from kserve import Model, ModelServer  # noqa: E402


class Total(Model):
    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.ready = True

    def predict(self, payload: dict, headers: dict | None = None) -> dict:
        net = sum(article["price"] * article["quantity"] for article in payload["instances"])
        return {"predictions": [{"total": round(net * 1.08, 2)}]}


class Slow(Total):
    def predict(self, payload: dict, headers: dict | None = None) -> dict:
        time.sleep(0.2)
        return super().predict(payload, headers)


class Burn(Total):
    def predict(self, payload: dict, headers: dict | None = None) -> dict:
        sum(number * number for number in range(25000))
        return super().predict(payload, headers)


ModelServer().start([Total("total"), Slow("slow"), Burn("burn")])
