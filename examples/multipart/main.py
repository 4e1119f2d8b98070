"""Describes the parts of a multipart/form-data request."""

import http


def handler(request, context):
    """Answer the form name, the file name, the type and the size of each part."""
    parts = [
        {
            "form_name": content["form_name"],
            "file_name": content["file_name"],
            "content_type": content["content_type"],
            "size": len(content.read()),
        }
        for content in request["contents"]
    ]
    return {
        "status_code": http.HTTPStatus.OK,
        "content_type": "application/json",
        "content": {"parts": parts},
    }
