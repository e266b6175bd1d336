# SPDX-License-Identifier: MIT
"""The Linux kernel as the far end of a tunnel."""
