"""Adds the consumption tax to a list of articles: JSON in, JSON out."""

import http
import json

TAX_RATE = 0.08


def handler(request, context):
    """Answer the total of the articles in the request's body, tax included."""
    articles = json.load(request)
    net = sum(article["price"] * article["quantity"] for article in articles)
    return {
        "status_code": http.HTTPStatus.OK,
        "content_type": "application/json; charset=utf8",
        "content": {"total": round(net * (1 + TAX_RATE), 2)},
    }
