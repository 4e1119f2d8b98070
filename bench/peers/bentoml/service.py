"""The jobs as a service of BentoML."""

import time

import bentoml


def answer(articles: list[dict]) -> dict:
    net = sum(article["price"] * article["quantity"] for article in articles)
    return {"total": round(net * 1.08, 2)}


@bentoml.service(workers=1)
class Bench:
    @bentoml.api
    async def total(self, articles: list[dict]) -> dict:
        return answer(articles)

    @bentoml.api
    def slow(self, articles: list[dict]) -> dict:
        time.sleep(0.2)
        return answer(articles)

    @bentoml.api
    def burn(self, articles: list[dict]) -> dict:
        sum(number * number for number in range(25000))
        return answer(articles)
