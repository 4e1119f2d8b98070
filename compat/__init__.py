"""Evidence of compatibility: recorded answers of the original, and runs side by side with it.

===========================  ============================================================================
test_vectors_original.py     the original (abejaruntime 1.1.1) still answers as was recorded of it
test_vectors_worker.py       our worker answers so, on each interpreter of COMPAT_PYTHONS
test_vectors_http.py         our server answers so, over HTTP, one process for each handler
test_differential.py         pairs that nobody recorded: the original and our worker in one run
test_differential_http.py    those about the reply's head: the original and our server in one run
test_generated_replies.py    replies that hypothesis makes up: the original and our worker in one run
test_generated_requests.py   requests that hypothesis makes up: what a handler sees of them, also over HTTP
test_nginx.py                the documented configuration of nginx, in front of our server
===========================  ============================================================================

A pair is a handler with the requests that it gets; `vectors/` has the recorded ones, `more/` the
others. The original runs on Python 3.11, in an environment that the first run makes under
``$XDG_CACHE_HOME/abeja-runtime-compat``; what needs it is skipped where it cannot be made.
"""
