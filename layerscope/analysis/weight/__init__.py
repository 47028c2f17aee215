"""Dead weight: live files that a running container hardly needs, each counted for one kind."""
