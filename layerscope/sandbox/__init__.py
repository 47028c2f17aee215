"""Takes away from this process what reading an image doesn't need, before the first byte of it is read.

`table.py` says what each kind of source needs, `places.py` where Python and the system keep what any run needs, and
`landlock.py` has the kernel enforce it. Only the command line uses this: a library must not restrict its caller.
"""
