"""Human-readable reports of images whose layers were not read."""
