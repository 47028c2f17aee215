"""What several formats draw with: findings, verdict lines, colors, a treemap, the HTML page."""
