"""A patch to a Dockerfile with the changes that can be made mechanically. It is printed, never applied."""
