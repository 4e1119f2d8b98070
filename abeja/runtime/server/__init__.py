"""The HTTP front: connections read and write bytes, one place decides what is answered."""
