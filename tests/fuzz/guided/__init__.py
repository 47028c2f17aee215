"""Coverage-guided fuzzing: targets that take any bytes, and a runner for atheris."""
