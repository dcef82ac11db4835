"""What must never happen, tried: kills, full disks, rivals, bad bytes, paths that lead out."""
