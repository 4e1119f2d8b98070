"""The jobs with LitServe: one of them for each server."""

import sys
import time

import litserve


class Total(litserve.LitAPI):
    def setup(self, device: str) -> None:
        pass

    def decode_request(self, request: dict) -> list:
        return request["articles"]

    def predict(self, articles: list) -> float:
        net = sum(article["price"] * article["quantity"] for article in articles)
        return round(net * 1.08, 2)

    def encode_response(self, output: float) -> dict:
        return {"total": output}


class Slow(Total):
    def predict(self, articles: list) -> float:
        time.sleep(0.2)
        return super().predict(articles)


class Burn(Total):
    def predict(self, articles: list) -> float:
        sum(number * number for number in range(25000))
        return super().predict(articles)


if __name__ == "__main__":
    api = {"total": Total, "slow": Slow, "burn": Burn}[sys.argv[2]]()
    server = litserve.LitServer(api, accelerator="cpu", workers_per_device=1)
    server.run(host="127.0.0.1", port=int(sys.argv[1]), generate_client_file=False, log_level="warning")
