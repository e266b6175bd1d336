# SPDX-License-Identifier: MIT
"""The ground that the interop tests stand on: see ../README.md for the picture."""
