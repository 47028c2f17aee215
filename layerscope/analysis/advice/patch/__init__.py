"""A patch to a Dockerfile with the changes that need no thought. It is printed, and never applied."""
