def handle(request, context):
    return {}


not_callable = 5
