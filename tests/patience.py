"""How long tests wait for what comes at once on an idle machine: long, for it costs nothing where it comes."""

from __future__ import annotations

__all__ = ["CONNECT_MS", "LEVEL_S", "SOON_S"]

SOON_S = 300
"""Until something that was started, sent or asked for is there, on a machine that is busy with much else."""
CONNECT_MS = 60_000
"""The same for a client's first contact with a broker that is there."""
LEVEL_S = 1_800
"""For a whole test of a level that starts processes: of several such waits, one may take its time."""
