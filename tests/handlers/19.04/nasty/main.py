"""Answers, prints and is called with what would run in a page that believed it."""

SCRIPT = "<img src=x onerror=\"document.documentElement.dataset.owned='yes'\"><script>document.documentElement.dataset.owned='yes'</script>"
PICTURE = (
    '<svg xmlns="http://www.w3.org/2000/svg" width="40" height="40">'
    "<script>top.document.documentElement.dataset.owned='yes'</script>"
    '<rect width="40" height="40" fill="green" onload="top.document.documentElement.dataset.owned=1"/></svg>'
)


def handler(request, context):
    print(SCRIPT)
    kind = request["path"].strip("/")
    if kind == "json":
        return {"content_type": "application/json", "content": {SCRIPT: [SCRIPT, True, 12345678901234567890, None]}}
    if kind == "svg":
        return {"content_type": "image/svg+xml", "content": PICTURE}
    return {"content_type": "text/html", "content": SCRIPT, "metadata": {"X-Nasty": SCRIPT}}
