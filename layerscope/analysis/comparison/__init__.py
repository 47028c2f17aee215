"""What changes from one image to another, and what several images share."""
