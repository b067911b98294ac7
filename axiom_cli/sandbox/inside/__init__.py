"""What runs on the untrusted side: the zygote and its children.

It is started without site-packages and imports the standard library only, so nothing here may import `axiom_cli`.
The attack suite names functions and constants of these modules: rename them there too, or its attacks miss their aim.
"""
