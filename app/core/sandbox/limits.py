"""The sandbox's limits, in bytes, seconds and counts."""

INPUT_BYTES = 1 << 20
OUTPUT_BYTES = 1 << 20
RENDERED_BYTES = 256 << 10
JQ_BYTES = 64 << 10
CEL_BYTES = 16 << 10
TEMPLATE_BYTES = 256 << 10
BATCH_ITEMS = 64
MEMORY_BYTES = 192 << 20  # beyond what the warm process already maps
CPU_SECONDS = 0.25  # of one item; the child's own CPU time counts, so a busy machine convicts no innocent
WALL_SECONDS = 10.0  # of one item, however little CPU it got
CPU_BACKSTOP_SECONDS = 2  # RLIMIT_CPU above what was used: for the second in which nobody watches
STRIKES = 3
STRIKE_SECONDS = 900.0
