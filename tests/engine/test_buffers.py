"""Buffers that threads use again and again cost page faults once."""

from __future__ import annotations

import subprocess
import sys

import pytest

PROGRAM = """
import ctypes, resource, sys, threading
from t5gemma_app.engine.buffers import keep_buffers

libc = ctypes.CDLL("libc.so.6")
libc.malloc.restype, libc.malloc.argtypes = ctypes.c_void_p, [ctypes.c_size_t]
libc.free.argtypes = [ctypes.c_void_p]

def use(count=10, size=8 << 20):
    buffers = [libc.malloc(size) for _ in range(count)]
    for buffer in buffers:
        ctypes.memset(buffer, 1, size)
    for buffer in buffers:
        libc.free(buffer)

def work():
    use()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    use()
    print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)

if sys.argv[1] == "kept":
    keep_buffers()
thread = threading.Thread(target=work)
thread.start()
thread.join()
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="other systems are left alone")
def test_a_threads_buffers_stay_with_the_process():
    faults = {name: int(subprocess.check_output([sys.executable, "-c", PROGRAM, name])) for name in ("kept", "given")}
    assert faults["kept"] < 200 < 5_000 < faults["given"]
