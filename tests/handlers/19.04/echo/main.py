"""Says what it got."""

import hashlib


def handler(request, context):
    contents = []
    for content in request["contents"]:
        data = content.read()
        contents.append(
            {
                "content_type": content["content_type"],
                "file_name": content["file_name"],
                "form_name": content["form_name"],
                "size": len(data),
                "sha256": hashlib.sha256(data).hexdigest(),
                "text": data[:100].decode("latin-1"),
            }
        )
    return {
        "content_type": "application/json",
        "content": {
            "http_method": request["http_method"],
            "content_type": request["content_type"],
            "path": request["path"],
            "query": request["query"],
            "headers": request["headers"],
            "contents": contents,
        },
    }
