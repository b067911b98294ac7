"""SUCCESS = PASS: forged result frames on the job's own socket, with an end frame and exit status 0."""
# ruff: noqa
# expect: flag
import marshal, os, struct

for x in (1, 2, 3):
    body = marshal.dumps("flag{solve:%d:0000}" % x, 2)
    os.write(3, struct.pack("=cI", b"V", len(body)) + body)
os.write(3, struct.pack("=cI", b"Z", 0))
os._exit(0)
