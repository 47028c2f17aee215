"""Parts that several formats share: findings, verdict lines, colors, the treemap, the HTML page."""
