"""`abeja-runtime run`: one handler over many inputs, through the same workers as serving."""
