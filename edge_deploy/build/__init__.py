"""C and a Board to an Artifact: generated files, the firmware's sources, a compiler, sizes."""

from edge_deploy.build.elf import Layout, Symbol, flat_image, layout
from edge_deploy.build.firmware import STACK_BYTES, firmware

__all__ = ["STACK_BYTES", "Layout", "Symbol", "firmware", "flat_image", "layout"]
