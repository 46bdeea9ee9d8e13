// Go wants this file beside the code. What is built is pinned by VERSION.mod and VERSION.sum, for several versions.
module framekeeper.invalid/interop-pdata

go 1.26.0
