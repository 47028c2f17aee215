"""What the browser shows, computed without a terminal: no module here imports Textual."""
