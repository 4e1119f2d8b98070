"""The HTTP front: tornado drives delegates of ours, which know requests and answers only."""
